import { startDemo } from '../../src/demo/demo.ts';
import { ConfigError } from '../../src/kernel/config/config-error.ts';
import type { Command } from './command.ts';

export const run: Command = async ({ environment, command }) => {
  const port = Number(environment.TRIBUTARY_PORT ?? 8080);
  if (!Number.isInteger(port) || port < 1 || port > 65_000) {
    throw new ConfigError(
      `TRIBUTARY_PORT is "${environment.TRIBUTARY_PORT}", but must be a port from 1 to 65000.`,
    );
  }
  const running = await startDemo({
    dataDirectory: environment.TRIBUTARY_DATA_DIR ?? './data',
    port,
    command,
    environment,
    print: line => console.log(line),
  });
  let stopping = false;
  void running.partEnded.then(part => {
    if (!stopping)
      console.log(`! ${part} has stopped. The other parts keep running. Restart the demo to start it again.`);
  });
  return {
    stop() {
      stopping = true;
      return running.stop();
    },
  };
};

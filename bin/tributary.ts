/** The `tributary` command. Only this file uses argv, the environment, signals and the exit code. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { STOP_AT_END_OF_INPUT } from '../src/demo/end-of-input.ts';
import { ConfigError } from '../src/kernel/config/config-error.ts';
import { armFailpoint } from '../src/kernel/failpoint.ts';
import { describeStartupError } from '../src/kernel/lifecycle/startup-error.ts';
import { messageOf } from '../src/kernel/problem.ts';
import type { Command, Running } from './commands/command.ts';
import { HELP } from './help.ts';

/** Docker kills a container 10 s after it asked it to stop. */
const STOP_LIMIT_MS = 8_000;
const VERSION = '0.1.0';

/** Each command is loaded only when it runs, so that a start does not read the code of the others. */
const COMMANDS: Readonly<Record<string, () => Promise<{ readonly run: Command }>>> = {
  backup: () => import('./commands/backup.ts'),
  central: () => import('./commands/central.ts'),
  demo: () => import('./commands/demo.ts'),
  doctor: () => import('./commands/doctor.ts'),
  'nginx-config': () => import('./commands/nginx-config.ts'),
  site: () => import('./commands/site.ts'),
  tracker: () => import('./commands/tracker.ts'),
  worker: () => import('./commands/worker.ts'),
};

async function main(): Promise<void> {
  if (process.env.TRIBUTARY_FAILPOINT) armFailpoint(process.env.TRIBUTARY_FAILPOINT);
  const { values, positionals } = parseArgs({
    options: {
      config: { type: 'string', short: 'c' },
      help: { type: 'boolean', short: 'h' },
      instead: { type: 'boolean' },
      to: { type: 'string' },
      version: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  const [command = ''] = positionals;
  if (values.version) return console.log(VERSION);
  if (values.help || command === '') return console.log(HELP[command] ?? HELP.general);
  const load = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (load === undefined || positionals.length > 1) {
    throw new ConfigError(`Unknown command "${positionals.join(' ')}". Run \`tributary --help\`.`);
  }
  if (values.to !== undefined && command !== 'backup')
    throw new ConfigError('The option --to is only for tributary backup.');
  if (values.instead && command !== 'nginx-config')
    throw new ConfigError('The option --instead is only for tributary nginx-config.');
  const { run } = await load();
  const result = await run({
    config: values.config ?? process.env.TRIBUTARY_CONFIG ?? 'tributary.toml',
    isConfigNamed: values.config !== undefined,
    to: values.to,
    instead: values.instead ?? false,
    environment: process.env,
    command: [process.execPath, fileURLToPath(import.meta.url)],
    uiDirectory: fileURLToPath(new URL('./ui', import.meta.url)),
    prepareWorker: new URL('./prepare-worker.js', import.meta.url),
  });
  if (typeof result === 'number') process.exitCode = result;
  else stopOnSignals(result);
}

function stopOnSignals(running: Running): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    // The process must end even if a database or a disk does not respond. This is safe, because a part may be killed at any time.
    setTimeout(() => {
      console.error(
        `Shutdown did not finish within ${STOP_LIMIT_MS / 1_000} s. The next start will resume unfinished work.`,
      );
      process.exit(1);
    }, STOP_LIMIT_MS).unref();
    running.stop().then(
      () => process.exit(0),
      error => {
        console.error(messageOf(error));
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (process.env[STOP_AT_END_OF_INPUT]) process.stdin.resume().on('close', stop);
}

main().catch((error: unknown) => {
  const isUsage =
    error instanceof ConfigError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? messageOf(error) : (describeStartupError(error) ?? error));
  process.exit(isUsage ? 2 : 1);
});

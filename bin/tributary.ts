/** The `tributary` command. Only this file uses argv, the environment, signals and the exit code. */
import { fileURLToPath } from 'node:url';
import { STOP_AT_END_OF_INPUT } from '../src/demo/end-of-input.ts';
import { ConfigError } from '../src/kernel/config/config-error.ts';
import { armFailpoint } from '../src/kernel/failpoint.ts';
import { describeStartupError } from '../src/kernel/lifecycle/startup-error.ts';
import { messageOf } from '../src/kernel/problem.ts';
import { VERSION } from '../src/kernel/version.ts';
import { type CommandSyntax, parseArguments } from './arguments.ts';
import type { Command, Running } from './commands/command.ts';
import { HELP } from './help.ts';

/** Docker kills a container 10 s after it asked it to stop. */
const STOP_LIMIT_MS = 8_000;

interface CommandEntry extends CommandSyntax {
  /** Each command is loaded only when it runs, so that a start does not read the code of the others. */
  readonly load: () => Promise<{ readonly run: Command }>;
}
const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  audit: {
    load: () => import('./commands/audit.ts'),
    operands: 1,
    options: { export: 'text', json: 'flag' },
  },
  backup: { load: () => import('./commands/backup.ts'), options: { to: 'text' } },
  central: { load: () => import('./commands/central.ts') },
  demo: { load: () => import('./commands/demo.ts') },
  doctor: { load: () => import('./commands/doctor.ts') },
  init: {
    load: () => import('./commands/init.ts'),
    operands: 1,
    options: {
      name: 'text',
      'base-url': 'text',
      listen: 'text',
      'data-directory': 'text',
      central: 'text',
      'join-token': 'text',
    },
  },
  'nginx-config': { load: () => import('./commands/nginx-config.ts'), options: { instead: 'flag' } },
  site: { load: () => import('./commands/site.ts') },
  status: { load: () => import('./commands/status.ts'), options: { json: 'flag' } },
  tracker: { load: () => import('./commands/tracker.ts') },
  worker: { load: () => import('./commands/worker.ts') },
};

async function main(): Promise<void> {
  // Databases, keys, videos and configuration files are for the user that runs the part.
  process.umask(0o077);
  if (process.env.TRIBUTARY_FAILPOINT) armFailpoint(process.env.TRIBUTARY_FAILPOINT);
  const { command, operands, texts, flags } = parseArguments(process.argv.slice(2), COMMANDS);
  if (flags.has('version')) return console.log(VERSION);
  const entry = COMMANDS[command];
  if (flags.has('help') || entry === undefined) return console.log(HELP[command] ?? HELP.general);
  const { run } = await entry.load();
  const result = await run({
    config: texts.config ?? process.env.TRIBUTARY_CONFIG ?? 'tributary.toml',
    isConfigNamed: texts.config !== undefined,
    operands,
    options: texts,
    flags,
    environment: process.env,
    command: [process.execPath, fileURLToPath(import.meta.url)],
    shownCommand: describeCommand(process.env.npm_command, process.argv[1]),
    uiDirectory: fileURLToPath(new URL('./ui', import.meta.url)),
    prepareWorker: new URL('./prepare-worker.js', import.meta.url),
  });
  if (typeof result === 'number') process.exitCode = result;
  else stopOnSignals(result);
}

/** How to run this command again from the same directory. */
const describeCommand = (npmCommand: string | undefined, script = ''): string =>
  npmCommand === 'exec' ? 'npx tributary' : /[\\/]tributary$/.test(script) ? 'tributary' : `node ${script}`;

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
  const isUsage = error instanceof ConfigError;
  console.error(isUsage ? messageOf(error) : (describeStartupError(error) ?? error));
  process.exit(isUsage ? 2 : 1);
});

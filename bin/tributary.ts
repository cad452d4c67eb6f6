/** The one command. Only this file touches argv, the environment, signals and the exit code. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backUp } from '../src/backup/backup.ts';
import { startCentral } from '../src/central/central.ts';
import { centralConfigSchema } from '../src/central/config.ts';
import { STOP_AT_END_OF_INPUT, startDemo } from '../src/demo/demo.ts';
import { runDoctor } from '../src/doctor/doctor.ts';
import { ConfigFault, listSections, readConfig } from '../src/kernel/config.ts';
import { armFailpoint } from '../src/kernel/failpoint.ts';
import { messageOf } from '../src/kernel/problem.ts';
import { siteConfigSchema } from '../src/site/config.ts';
import { startWorkerPart } from '../src/site/conversion.ts';
import { formatNginxConfig } from '../src/site/nginx-config.ts';
import { startSite } from '../src/site/start.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';
import { startTracker } from '../src/tracker/tracker.ts';
import { HELP } from './help.ts';

const VERSION = '0.1.0';
const files = {
  uiDirectory: fileURLToPath(new URL('./ui', import.meta.url)),
  prepareWorker: new URL('./prepare-worker.js', import.meta.url),
};

interface Running {
  stop(): Promise<void>;
}
type Start = (configPath: string) => Promise<Running>;

const PARTS: Readonly<Record<string, Start>> = {
  central: path => startCentral(readConfig(path, 'central', centralConfigSchema).config, files),
  tracker: path => startTracker(readConfig(path, 'tracker', trackerConfigSchema).config),
  worker: path => startWorkerPart(readConfig(path, 'site', siteConfigSchema).config, files),
  site: path => startSite(readConfig(path, 'site', siteConfigSchema).config, files),
};

async function demo(): Promise<Running> {
  const port = Number(process.env.TRIBUTARY_PORT ?? 8080);
  if (!Number.isInteger(port) || port < 1 || port > 65_000) {
    throw new ConfigFault(`TRIBUTARY_PORT is "${process.env.TRIBUTARY_PORT}": give a port from 1 to 65000.`);
  }
  const running = await startDemo({
    dataDirectory: process.env.TRIBUTARY_DATA_DIR ?? './data',
    port,
    command: [process.execPath, fileURLToPath(import.meta.url)],
    print: line => console.log(line),
  });
  void running.partEnded.then(part => {
    if (!stopping)
      console.log(`! ${part} has stopped. The others go on; start the demo again to have it back.`);
  });
  return running;
}

/** Looks at the parts that the file has a section for; without a file, at the machine alone. */
async function doctor(named: string | undefined): Promise<number> {
  const path = named ?? process.env.TRIBUTARY_CONFIG ?? 'tributary.toml';
  const sections = named !== undefined || existsSync(path) ? listSections(path) : [];
  const parts = [
    {
      part: 'central' as const,
      read: () => {
        const { config } = readConfig(path, 'central', centralConfigSchema);
        return { ...config, databasePath: join(config.dataDirectory, 'central.sqlite') };
      },
    },
    {
      part: 'tracker' as const,
      read: () => readConfig(path, 'tracker', trackerConfigSchema).config,
    },
    {
      part: 'site' as const,
      read: () => {
        const { config } = readConfig(path, 'site', siteConfigSchema);
        return { ...config, databasePath: join(config.dataDirectory, 'site.sqlite') };
      },
    },
  ];
  return runDoctor({
    parts: parts.filter(({ part }) => sections.includes(part)),
    nodeVersion: process.versions.node,
    print: line => console.log(line),
  });
}

async function backup(named: string | undefined, to: string | undefined): Promise<void> {
  const path = named ?? process.env.TRIBUTARY_CONFIG ?? 'tributary.toml';
  if (to === undefined) throw new ConfigFault('Say where the backup goes: tributary backup --to DIRECTORY');
  const read = {
    central: () => readConfig(path, 'central', centralConfigSchema).config,
    tracker: () => ({ ...readConfig(path, 'tracker', trackerConfigSchema).config, database: undefined }),
    site: () => readConfig(path, 'site', siteConfigSchema).config,
  };
  const sections = listSections(path);
  const parts = (['central', 'tracker', 'site'] as const)
    .filter(part => sections.includes(part))
    .map(part => {
      const { dataDirectory, database } = read[part]();
      return { part, dataDirectory, database };
    });
  await backUp(parts, to, line => console.log(line));
}

let stopping = false;

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
  const help = HELP[command];
  if (values.help || command === '') return console.log(help ?? HELP.general);
  if (help === undefined || positionals.length > 1) {
    throw new ConfigFault(`There is no command "${positionals.join(' ')}". tributary --help lists them.`);
  }
  if (command === 'doctor') {
    process.exitCode = (await doctor(values.config)) === 0 ? 0 : 1;
    return;
  }
  if (values.to !== undefined && command !== 'backup')
    throw new ConfigFault('--to belongs to tributary backup.');
  if (command === 'backup') return backup(values.config, values.to);
  if (values.instead && command !== 'nginx-config')
    throw new ConfigFault('--instead belongs to tributary nginx-config.');
  if (command === 'nginx-config') {
    const path = values.config ?? process.env.TRIBUTARY_CONFIG ?? 'tributary.toml';
    const { config } = readConfig(path, 'site', siteConfigSchema);
    process.stdout.write(formatNginxConfig(config, values.instead ? 'instead' : 'front'));
    return;
  }
  const start = PARTS[command];
  const running = start
    ? await start(values.config ?? process.env.TRIBUTARY_CONFIG ?? 'tributary.toml')
    : await demo();
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
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
    error instanceof ConfigFault || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? messageOf(error) : error);
  process.exit(isUsage ? 2 : 1);
});

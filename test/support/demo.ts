/** A demo (`tributary demo`: central, a tracker and three sites), started as real processes from the built command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Video } from '../../src/protocol/central.ts';
import type { SiteVideo } from '../../src/protocol/site.ts';
import type { PlayResponse } from '../../src/protocol/tracker.ts';
import { eventually, FatalError } from './eventually.ts';
import { getJson } from './json-requests.ts';
import { COMMAND } from './programs.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

export interface DemoState {
  readonly central: string;
  readonly tracker: string;
  readonly token: string;
  readonly sites: readonly {
    readonly id: string;
    readonly name: string;
    readonly url: string;
    readonly viewer: string;
    readonly config: string;
    readonly pid: number;
  }[];
  readonly pids: { readonly central: number; readonly tracker: number };
}

export interface Demo extends DemoState {
  readonly directory: string;
  readonly output: () => string;
  /** Starts a part again from the demo's configuration file. */
  readonly restart: (part: 'central' | 'tracker' | `site-${number}`) => Promise<ChildProcess>;
  readonly stop: () => Promise<void>;
}

/** Finds a free port such that the other ports of the demo are free too. */
async function findPort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const free = await Promise.all(
      [0, 1, 10].map(
        offset =>
          new Promise<boolean>(done => {
            const server = createServer();
            server.once('error', () => done(false));
            server.listen(port + offset, '0.0.0.0', () => server.close(() => done(true)));
          }),
      ),
    );
    if (free.every(Boolean)) return port;
  }
  throw new Error('no free ports');
}

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise(done => child.once('exit', () => done()));

export async function startDemo(): Promise<Demo> {
  const directory = await makeTemporaryDirectory('demo');
  const port = await findPort();
  let output = '';
  const child = spawn(process.execPath, [COMMAND, 'demo'], {
    env: { ...process.env, TRIBUTARY_DATA_DIR: directory, TRIBUTARY_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const started: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const part of started) part.kill('SIGKILL');
    child.kill('SIGTERM');
    await exited(child);
    await removeDirectory(directory);
  };
  const stateFile = join(directory, 'demo.json');
  await eventually(
    'the demo is ready',
    () => {
      if (child.exitCode !== null) throw new FatalError(`the demo ended: ${output}`);
      return existsSync(stateFile) || undefined;
    },
    180_000,
  ).catch(async error => {
    await stop();
    throw error;
  });
  const state = JSON.parse(readFileSync(stateFile, 'utf8')) as DemoState;
  return {
    ...state,
    directory,
    output: () => output,
    async restart(part) {
      const command = part.startsWith('site') ? 'site' : part;
      const again = spawn(process.execPath, [COMMAND, command, '--config', join(directory, `${part}.toml`)], {
        stdio: 'ignore',
      });
      started.push(again);
      return again;
    },
    stop,
  };
}

export const findVideo = (demo: DemoState, id: string): Promise<Video> =>
  getJson(`${demo.central}/api/videos/${id}`);
export const findAtSite = (demo: DemoState, site: number, id: string): Promise<SiteVideo> =>
  getJson(`${demo.sites[site]?.url}/api/videos/${id}`, demo.token);
export const play = (demo: DemoState, id: string, client?: string): Promise<PlayResponse> =>
  getJson(`${demo.tracker}/play/${id}${client ? `?client=${client}` : ''}`);

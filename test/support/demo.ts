/** Starts real parts (the built command, in processes of their own) for end-to-end tests, and stops what it started. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tus from 'tus-js-client';
import type { Site, Video } from '../../src/protocol/central.ts';
import type { SiteVideo } from '../../src/protocol/site.ts';
import type { PlayAnswer } from '../../src/protocol/tracker.ts';

export const COMMAND = resolve('dist/tributary.js');

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
  /** Starts a part again from the demo's own configuration file. */
  readonly restart: (part: 'central' | 'tracker' | `site-${number}`) => Promise<ChildProcess>;
  readonly stop: () => Promise<void>;
}

/** A free port with room for the demo's others above it. */
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
  const directory = await mkdtemp(join(tmpdir(), 'tributary-demo-'));
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
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const stateFile = join(directory, 'demo.json');
  await eventually(
    'the demo is ready',
    () => {
      if (child.exitCode !== null) throw new Fatal(`the demo ended: ${output}`);
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

class Fatal extends Error {}

/** Asks again and again until `read` answers something; a thrown Fatal ends the waiting. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const found = await read();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = error;
    }
    await sleep(20);
  }
  throw new Error(`not within ${timeoutMs} ms: ${what} (${String(last)})`);
}

export async function getJson<T>(url: string, token?: string): Promise<T> {
  const response = await fetch(url, token ? { headers: { authorization: `Bearer ${token}` } } : {});
  const body = (await response.json()) as T;
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(body)}`);
  return body;
}

export const findVideo = (demo: DemoState, id: string): Promise<Video> =>
  getJson(`${demo.central}/api/videos/${id}`);
export const listSites = async (demo: DemoState): Promise<readonly Site[]> =>
  (await getJson<{ sites: Site[] }>(`${demo.central}/api/sites`)).sites;
export const findAtSite = (demo: DemoState, site: number, id: string): Promise<SiteVideo> =>
  getJson(`${demo.sites[site]?.url}/api/videos/${id}`, demo.token);
export const play = (demo: DemoState, id: string, client?: string): Promise<PlayAnswer> =>
  getJson(`${demo.tracker}/play/${id}${client ? `?client=${client}` : ''}`);

/** Announces an upload (tus 1.0.0), and sends none of it. */
export const announceUpload = (
  url: string,
  token: string,
  sizeBytes: number,
  name = 'Announced',
): Promise<Response> =>
  fetch(`${url}/api/uploads`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'tus-resumable': '1.0.0',
      'upload-length': String(sizeBytes),
      'upload-metadata': `name ${Buffer.from(name).toString('base64')}`,
    },
  });

export interface UploadResult {
  readonly id: string;
  /** When the last byte was acknowledged (milliseconds since 1970). */
  readonly finishedMs: number;
}

/** Uploads with a plain tus client. @throws the client's error, which holds the server's answer. */
export function upload(
  siteUrl: string,
  token: string,
  body: Buffer | import('node:fs').ReadStream,
  metadata: Record<string, string>,
  uploadSize?: number,
): Promise<UploadResult> {
  return new Promise((done, fail) => {
    const client = new tus.Upload(body as Buffer, {
      endpoint: `${siteUrl}/api/uploads`,
      headers: { authorization: `Bearer ${token}` },
      metadata,
      retryDelays: null,
      ...(uploadSize ? { uploadSize, chunkSize: 64 * 2 ** 20 } : {}),
      onError: fail,
      onSuccess: () => done({ id: client.url?.split('/').at(-1) ?? '', finishedMs: Date.now() }),
    });
    client.start();
  });
}

/** Runs a program to its end. */
export function runProgram(
  program: string,
  args: readonly string[],
  timeoutMs = 60_000,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 256 * 2 ** 20,
  });
  return { status, stdout, stderr };
}

/** Resident memory of a process, bytes: now and at its highest. */
export function readMemory(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (field: string): number =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1_024;
  return { now: kilobytes('VmRSS'), peak: kilobytes('VmHWM') };
}

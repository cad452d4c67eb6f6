/**
 * A central, a tracker and sites as separate processes. A test can kill each of them, start it again with an armed failpoint,
 * or leave it out, to see what happens when parts crash, misbehave or are disconnected.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failpoint } from '../../src/kernel/failpoint.ts';
import type { Site, Video } from '../../src/protocol/central.ts';
import type { StoredRule } from '../../src/protocol/copies.ts';
import type { SiteVideo } from '../../src/protocol/site.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { getJson, requestJson } from './json-requests.ts';
import { COMMAND } from './programs.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';
import { createUpload, patchUpload, videoIdOf } from './uploads.ts';

export const TOKEN = 'operator-token-of-these-tests';

/** Enough for a busy machine. */
const START_MS = 60_000;

/** A part, running or not. It keeps its data and its address when it is started again. */
export class Part {
  readonly kind: 'central' | 'tracker' | 'site';
  readonly name: string;
  readonly url: string;
  readonly directory: string;
  /** The path of its configuration. */
  readonly config: string;
  readonly #wrapper: readonly string[];
  #process: ChildProcess | undefined;

  constructor(
    kind: Part['kind'],
    name: string,
    url: string,
    directory: string,
    config: string,
    wrapper: readonly string[],
  ) {
    this.kind = kind;
    this.name = name;
    this.url = url;
    this.directory = directory;
    this.config = config;
    this.#wrapper = wrapper;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get isRunning(): boolean {
    return (
      this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
    );
  }

  /** Starts it and waits until it is ready, unless `untilReady` is false because it may be killed before. */
  async start(failpoint?: Failpoint, untilReady = true, env: Record<string, string> = {}): Promise<void> {
    const log = openSync(`${this.directory}.log`, 'a');
    const [program = '', ...args] = [
      ...this.#wrapper,
      process.execPath,
      COMMAND,
      this.kind,
      '--config',
      this.config,
    ];
    this.#process = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env, ...(failpoint ? { TRIBUTARY_FAILPOINT: failpoint } : {}) },
      // The processes that a wrapper starts would outlive it, so they form a group that is killed as a whole.
      detached: this.#wrapper.length > 0,
    });
    if (!untilReady) return;
    await eventually(
      `${this.name} is ready`,
      async () => {
        if (!this.isRunning) throw new Error(`it ended: ${this.log().slice(-2_000)}`);
        return (await fetch(`${this.url}/readyz`)).ok || undefined;
      },
      START_MS,
    );
  }

  /** Waits until an armed failpoint has killed it. */
  async untilKilled(timeoutMs = START_MS): Promise<void> {
    await eventually(`${this.name} is killed`, () => !this.isRunning || undefined, timeoutMs);
    if (this.#process?.signalCode !== 'SIGKILL') {
      throw new Error(`${this.name} was not killed, but ended: ${this.log().slice(-2_000)}`);
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.isRunning) return;
    const child = this.#process as ChildProcess;
    const gone = new Promise(done => child.once('exit', done));
    if (this.#wrapper.length > 0) process.kill(-(child.pid as number), signal);
    else child.kill(signal);
    await gone;
  }

  log(): string {
    return readFileSync(`${this.directory}.log`, 'utf8');
  }
}

export interface Cluster {
  readonly directory: string;
  readonly central: Part;
  readonly tracker: Part;
  readonly sites: readonly Part[];
  /** Registers a site at central and writes its configuration, without starting it. */
  addSite(name: string, settings?: SiteSettings): Promise<Part>;
  stop(): Promise<void>;
}

export interface SiteSettings {
  /** Lines of its section in the configuration. */
  readonly lines?: readonly string[];
  /** The address that central gets, if the site listens elsewhere. */
  readonly baseUrl?: string;
  /** Further members of the registration at central. */
  readonly registration?: Readonly<Record<string, unknown>>;
  /** The address at which the site reaches central, if it is another one. */
  readonly centralUrl?: string;
  /** A command in front of node. */
  readonly wrapper?: readonly string[];
}

export interface ClusterSettings {
  /** For how long copies are kept that no rule requires. Default: not at all. */
  readonly copyRetention?: string;
  /** Lines of the sections of central and of the tracker in the configuration. */
  readonly central?: readonly string[];
  readonly tracker?: readonly string[];
  readonly centralWrapper?: readonly string[];
  /** Makes an empty PostgreSQL database for central and for each site, and returns its URL. Without it, they use SQLite. */
  readonly newDatabase?: () => Promise<string>;
}

/** Starts central and the tracker. */
export async function startCluster(settings: ClusterSettings = {}): Promise<Cluster> {
  const directory = await makeTemporaryDirectory('cluster');
  const { newDatabase } = settings;
  const databaseLine = async (): Promise<readonly string[]> =>
    newDatabase ? [`database = "${await newDatabase()}"`] : [];
  const sites: Part[] = [];
  const make = async (
    kind: Part['kind'],
    name: string,
    port: number,
    lines: readonly string[],
    wrapper: readonly string[] = [],
  ): Promise<Part> => {
    const url = `http://127.0.0.1:${port}`;
    const config = join(directory, `${name}.toml`);
    const data = join(directory, name);
    await mkdir(data, { recursive: true });
    const all = [
      `listen = "127.0.0.1:${port}"`,
      `dataDirectory = "${data}"`,
      `operatorToken = "${TOKEN}"`,
      ...lines,
    ];
    await writeFile(config, `[${kind}]\n${all.join('\n')}\n`);
    return new Part(kind, name, url, data, config, wrapper);
  };

  const central = await make(
    'central',
    'central',
    await freePort(),
    [
      'sweepInterval = "5 s"',
      `copyRetention = "${settings.copyRetention ?? '10 ms'}"`,
      ...(await databaseLine()),
      ...(settings.central ?? []),
    ],
    settings.centralWrapper,
  );
  await central.start();
  const invite = async (what: 'sites' | 'trackers', body: unknown): Promise<string> =>
    (await requestAsOperator<{ joinToken: string }>('POST', `${central.url}/api/${what}`, body)).joinToken;
  const trackerPort = await freePort();
  const trackerUrl = `http://127.0.0.1:${trackerPort}`;
  const tracker = await make('tracker', 'tracker', trackerPort, [
    `baseUrl = "${trackerUrl}"`,
    `central = "${central.url}"`,
    `joinToken = "${await invite('trackers', { name: 'Tracker', baseUrl: trackerUrl })}"`,
    ...(settings.tracker ?? []),
  ]);
  await tracker.start();

  return {
    directory,
    central,
    tracker,
    sites,
    async addSite(name, { lines = [], baseUrl, registration = {}, centralUrl, wrapper = [] } = {}) {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const joinToken = await invite('sites', { name, baseUrl: baseUrl ?? url, ...registration });
      const part = await make(
        'site',
        name,
        port,
        [
          `name = "${name}"`,
          `baseUrl = "${baseUrl ?? url}"`,
          `sourceAddress = "127.0.0.1:${port}"`,
          `central = "${centralUrl ?? central.url}"`,
          `joinToken = "${joinToken}"`,
          'signalInterval = "300 ms"',
          'bufferDisk = "64 MB"',
          ...(await databaseLine()),
          ...lines,
        ],
        wrapper,
      );
      sites.push(part);
      return part;
    },
    async stop() {
      await Promise.all([central, tracker, ...sites].map(part => part.kill()));
      await removeDirectory(directory);
    },
  };
}

/** Sends a request with the operator's token. @returns the response's JSON. @throws Error with the status and body of a refusal */
export const requestAsOperator = <T>(method: string, url: string, body?: unknown): Promise<T> =>
  requestJson(method, url, { token: TOKEN, body });

/** Uploads in one piece. @returns the video's id */
export async function uploadTo(site: Part, body: Buffer, name: string): Promise<string> {
  const url = await createUpload(site.url, TOKEN, body.length, name);
  const response = await patchUpload(url, TOKEN, 0, body);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return videoIdOf(url);
}

export const videoAt = (site: Part, id: string): Promise<SiteVideo> =>
  getJson(`${site.url}/api/videos/${id}`, TOKEN);
export const videosAt = async (site: Part): Promise<readonly SiteVideo[]> =>
  (await getJson<{ videos: SiteVideo[] }>(`${site.url}/api/videos?limit=200`, TOKEN)).videos;
export const videosNamed = async ({ central }: Cluster, name: string): Promise<readonly Video[]> =>
  // The search finds other names with the same words, too.
  (
    await getJson<{ videos: Video[] }>(`${central.url}/api/videos?q=${encodeURIComponent(name)}`)
  ).videos.filter(video => video.name === name);
export const listSitesOf = async ({ central }: Cluster): Promise<readonly Site[]> =>
  (await getJson<{ sites: Site[] }>(`${central.url}/api/sites`)).sites;
export const siteIdOf = async (cluster: Cluster, { name }: Part): Promise<string> =>
  (await listSitesOf(cluster)).find(site => site.name === name)?.id ?? '';
export const videoOf = ({ central }: Cluster, id: string): Promise<Video> =>
  getJson(`${central.url}/api/videos/${id}`);
/** Copies wait for other work on a video, which takes longer on a busy machine. */
export const COPY_MS = 60_000;
/** Waits until this many other sites have a complete copy. */
export const untilCopied = (cluster: Cluster, id: string, copies: number): Promise<Video> =>
  eventually(
    `${copies} copies of ${id}`,
    async () => {
      const video = await videoOf(cluster, id);
      if (video.copies.filter(({ state }) => state === 'complete').length === copies) return video;
      throw new Error(`its copies are ${JSON.stringify(video.copies)}`);
    },
    COPY_MS,
  );
export const addRule = ({ central }: Cluster, rule: unknown): Promise<StoredRule> =>
  requestAsOperator('POST', `${central.url}/api/placement-rules`, rule);

/** Waits until the site knows that the current version is registered. */
export const untilRegistered = (site: Part, id: string, timeoutMs = 20_000): Promise<SiteVideo> =>
  eventually(
    `${id} is registered`,
    async () => {
      const found = await videoAt(site, id);
      return found.registered ? found : undefined;
    },
    timeoutMs,
  );

/** Waits for the revision with pictures. It is the last one at a site without workers, and its copies stay complete. */
export const untilLastRevision = (cluster: Cluster, id: string): Promise<Video> =>
  eventually(
    `${id} has its pictures`,
    async () => {
      const video = await videoOf(cluster, id);
      return video.state === 'registered' && video.pictures?.storyboard ? video : undefined;
    },
    COPY_MS,
  );

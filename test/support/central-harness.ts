/** For tests: a central on a port of its own, and sites that speak the gateway as a real site does, signatures included. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type CentralOptions, type RunningCentral, startCentral } from '../../src/central/central.ts';
import { centralConfigSchema } from '../../src/central/config.ts';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { createHttp, type HttpServer, requireSigner } from '../../src/kernel/http/server.ts';
import { type KeyPair, newNonce, readOrMakeKey, sha256Hex } from '../../src/kernel/identity/keys.ts';
import { SetDigest } from '../../src/kernel/identity/set-digest.ts';
import { NonceMemory } from '../../src/kernel/identity/signatures.ts';
import { silentLog } from '../../src/kernel/log.ts';
import {
  type Change,
  changePageSchema,
  joinAnswerSchema,
  newSiteAnswerSchema,
  newTrackerAnswerSchema,
  signalAnswerSchema,
} from '../../src/protocol/central.ts';
import { newRevisionId, newVideoId, type SiteId, type VideoId } from '../../src/protocol/ids.ts';
import { canonicalJson } from '../../src/protocol/publication/canonical.ts';
import type { Epoch } from '../../src/protocol/publication/epoch.ts';
import {
  type Acknowledgement,
  publishedAnswerSchema,
  publishedRequestSchema,
} from '../../src/protocol/publication/gateway.ts';
import {
  type Greeting,
  type GreetingAnswer,
  greetingAnswerSchema,
} from '../../src/protocol/publication/handshake.ts';
import type { PublicationRecord, VideoRecord } from '../../src/protocol/publication/record.ts';
import { withdrawalFeedSchema } from '../../src/protocol/publication/withdrawals.ts';
import { freePort } from './free-port.ts';
import { ENGINE, makeDatabase, type TestDatabase } from './postgres/databases.ts';

export const TOKEN = 'operator-token-of-the-tests';
const bounds = { timeoutMs: 30_000, maxBytes: 2 ** 24 };

export interface CentralHarness {
  /** Central's. */
  readonly database: TestDatabase;
  readonly directory: string;
  readonly central: RunningCentral;
  restart(): Promise<void>;
  /** Another central on the same database, with the same key. */
  startAnother(): Promise<RunningCentral>;
  /** One call, with the operator's token unless told otherwise. */
  request(
    method: string,
    path: string,
    options?: { body?: unknown; token?: string | null; headers?: Record<string, string> },
  ): Promise<JsonResponse>;
  addSite(name: string): Promise<TestSite>;
  addTracker(name: string): Promise<TestTracker>;
  stop(): Promise<void>;
}

export interface JsonResponse {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was answered
  readonly body: any;
  readonly headers: Headers;
}

export async function startCentralHarness(
  settings: Record<string, unknown> = {},
  options: CentralOptions = {},
): Promise<CentralHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-central-'));
  const database = await makeDatabase();
  const config = centralConfigSchema.parse({
    ...(ENGINE === 'postgres' ? { database: database.place } : {}),
    listen: '127.0.0.1:0',
    dataDirectory: directory,
    operatorToken: TOKEN,
    sweepInterval: '1 h',
    logLevel: 'silent',
    ...settings,
  });
  let central = await startCentral(config, { log: silentLog, ...options });
  const { port } = new URL(central.url);
  const sites: TestSite[] = [];
  const others: RunningCentral[] = [];
  const stand: CentralHarness = {
    directory,
    database: ENGINE === 'postgres' ? database : { ...database, place: join(directory, 'central.sqlite') },
    get central() {
      return central;
    },
    async restart() {
      await central.stop();
      central = await startCentral(
        { ...config, listen: { host: '127.0.0.1', port: Number(port) } },
        { log: silentLog },
      );
    },
    async startAnother() {
      const dataDirectory = join(directory, `another-${others.length}`);
      await mkdir(dataDirectory);
      await copyFile(join(directory, 'central.key'), join(dataDirectory, 'central.key'));
      const another = await startCentral({ ...config, dataDirectory }, { log: silentLog });
      others.push(another);
      return another;
    },
    async request(method, path, { body, token = TOKEN, headers = {} } = {}) {
      const send = () =>
        fetch(`${central.url}${path}`, {
          method,
          headers: {
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
      // A connection kept from before a restart may be reset under a reading call.
      const response = await send().catch(error => {
        if (method !== 'GET') throw error;
        return send();
      });
      const text = await response.text();
      return { status: response.status, body: parse(text), headers: response.headers };
    },
    async addSite(name) {
      const site = await TestSite.start(stand, join(directory, `${name}.key`));
      sites.push(site);
      const answer = await stand.request('POST', '/api/sites', { body: { name, baseUrl: site.baseUrl } });
      const { site: row, joinToken } = newSiteAnswerSchema.parse(answer.body);
      await site.join(row.id, joinToken);
      return site;
    },
    async addTracker(name) {
      const key = await readOrMakeKey(join(directory, `${name}.key`));
      const answer = await stand.request('POST', '/api/trackers', {
        body: { name, baseUrl: `http://127.0.0.1:9${sites.length}` },
      });
      const { tracker, joinToken } = newTrackerAnswerSchema.parse(answer.body);
      await joinWith(central.url, key, joinToken);
      return new TestTracker(stand, { key, keyId: tracker.id });
    },
    async stop() {
      await Promise.all(sites.map(site => site.close()));
      await Promise.all([central, ...others].map(each => each.stop()));
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
  return stand;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const joinWith = (centralUrl: string, key: KeyPair, joinToken: string) =>
  call(`${centralUrl}/api/join`, {
    ...bounds,
    method: 'POST',
    body: { joinToken, publicKey: key.publicKey },
    signer: { key, keyId: 'join' },
    answer: joinAnswerSchema,
  });

export class TestTracker {
  readonly signer: Signer;
  readonly #stand: CentralHarness;

  constructor(stand: CentralHarness, signer: Signer) {
    this.#stand = stand;
    this.signer = signer;
  }

  changes(after: number, query = '', centralUrl = this.#stand.central.url) {
    return call(`${centralUrl}/api/changes?after=${after}${query}`, {
      ...bounds,
      signer: this.signer,
      answer: changePageSchema,
    });
  }

  async changesOf(after: number): Promise<Change[]> {
    return (await this.changes(after)).changes;
  }

  reportSiteStates(sites: readonly { site: SiteId; up: boolean }[]) {
    return call(`${this.#stand.central.url}/api/site-states`, {
      ...bounds,
      method: 'POST',
      body: { sites },
      signer: this.signer,
      answer: z.unknown(),
    });
  }
}

interface Row {
  readonly record: PublicationRecord;
  readonly hash: string;
  published: boolean;
}

/** A site with its gateway. What it answers can be replaced, to be a bad one. */
export class TestSite {
  readonly key: KeyPair;
  readonly baseUrl: string;
  id = '' as SiteId;
  /** Present state: one row a video. */
  readonly rows = new Map<VideoId, Row>();
  readonly acknowledged: Acknowledgement[] = [];
  reads = 0;
  hangs = false;
  /** Replaces the answer to a read. */
  page: (() => unknown) | undefined;
  beforeAnswer: (() => Promise<void>) | undefined;
  pageRows = 500;
  epoch: Epoch | undefined;
  #app: HttpServer | undefined;
  readonly #stand: CentralHarness;
  #centralPublicKey = '';

  private constructor(stand: CentralHarness, key: KeyPair, baseUrl: string) {
    this.#stand = stand;
    this.key = key;
    this.baseUrl = baseUrl;
  }

  static async start(stand: CentralHarness, keyPath: string): Promise<TestSite> {
    const key = await readOrMakeKey(keyPath);
    // Taken under the same number each time the gateway goes up.
    const site = new TestSite(stand, key, `http://127.0.0.1:${await freePort()}`);
    await site.listen();
    return site;
  }

  async listen(): Promise<void> {
    const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
    const nonces = new NonceMemory();
    const findKey = (keyId: string) =>
      Promise.resolve(keyId === 'central' ? this.#centralPublicKey : undefined);
    app.get('/probe', request => ({
      site: this.id,
      nonce: new URLSearchParams(request.url.split('?')[1]).get('nonce') ?? '',
      activeResponses: 0,
      egressBps: 0,
    }));
    app.get('/gateway/records', async request => {
      await requireSigner(request, findKey, nonces);
      this.reads++;
      if (this.hangs) await new Promise(() => {});
      await this.beforeAnswer?.();
      if (this.page) return this.page();
      const unpublished = [...this.rows.values()].filter(row => !row.published);
      return {
        site: this.id,
        epoch: this.epoch,
        records: unpublished.slice(0, this.pageRows).map(({ record, hash }) => ({ record, hash })),
        more: unpublished.length > this.pageRows,
      };
    });
    app.post(
      '/gateway/published',
      { schema: { body: publishedRequestSchema, response: { 200: publishedAnswerSchema } } },
      async request => {
        await requireSigner(request, findKey, nonces);
        let matched = 0;
        for (const acknowledgement of request.body.published) {
          this.acknowledged.push(acknowledgement);
          const row = this.rows.get(acknowledgement.video);
          if (row?.record.version !== acknowledgement.version || row.hash !== acknowledgement.hash) continue;
          row.published = true;
          matched++;
        }
        return { matched };
      },
    );
    app.get('/gateway/digest', async request => {
      await requireSigner(request, findKey, nonces);
      const { digest, records } = this.publishedDigest();
      const unpublished = [...this.rows.values()].filter(row => !row.published).length;
      return { site: this.id, epoch: this.epoch, unpublished, records, digest };
    });
    await app.listen({ host: '127.0.0.1', port: Number(new URL(this.baseUrl).port) });
    this.#app = app;
  }

  async close(): Promise<void> {
    await this.#app?.close();
  }

  async join(id: SiteId, joinToken: string): Promise<void> {
    const answer = await joinWith(this.#stand.central.url, this.key, joinToken);
    this.id = id;
    this.#centralPublicKey = answer.centralPublicKey;
    await this.handshake();
  }

  publishedDigest(): { readonly digest: string; readonly records: number } {
    const published = [...this.rows.values()].filter(row => row.published);
    const digest = new SetDigest();
    for (const { record, hash } of published) digest.add(record.video, record.version, hash);
    return { digest: digest.toString(), records: published.length };
  }

  /** Begins a new start, without taking anything back. */
  async handshake(more: Pick<Greeting, 'conversion'> = {}): Promise<GreetingAnswer> {
    const answer = await call(`${this.#stand.central.url}/api/greetings`, {
      ...bounds,
      method: 'POST',
      body: {
        start: newNonce(),
        epoch: this.epoch?.number ?? 0,
        digest: this.publishedDigest().digest,
        ...more,
      },
      signer: this.signer,
      answer: greetingAnswerSchema,
    });
    this.epoch = answer.epoch;
    return answer;
  }

  get signer(): Signer {
    return { key: this.key, keyId: this.id };
  }

  put(record: PublicationRecord): PublicationRecord {
    this.rows.set(record.video, { record, hash: sha256Hex(canonicalJson(record)), published: false });
    return record;
  }

  signal(signer: Signer = this.signer, centralUrl = this.#stand.central.url) {
    return call(`${centralUrl}/api/signals`, {
      ...bounds,
      method: 'POST',
      signer,
      answer: signalAnswerSchema,
    });
  }

  withdrawalsAfter(after: number, waitS = 0) {
    return call(`${this.#stand.central.url}/api/withdrawals/feed?after=${after}&wait=${waitS}`, {
      ...bounds,
      signer: this.signer,
      answer: withdrawalFeedSchema,
    });
  }

  /** Has it read now, and says how that ended. */
  async collect(): Promise<{ records: number; error?: string }> {
    return (await this.#stand.request('POST', `/api/sites/${this.id}/collect`)).body;
  }
}

export function videoRecord(changes: Partial<VideoRecord> = {}): VideoRecord {
  return {
    kind: 'video',
    video: newVideoId(),
    version: 1,
    revision: newRevisionId(),
    name: 'A lecture',
    description: '',
    path: 'videos/a/source.mp4',
    sourceAddress: '192.0.2.7:8090',
    sizeBytes: 1_000_000,
    bitrateBps: 800_000,
    durationMs: 10_000,
    width: 1280,
    height: 720,
    sha256: 'a'.repeat(64),
    container: 'mp4',
    renditions: [
      {
        kind: 'video',
        id: 'source-video',
        codec: 'avc1.64001f',
        bandwidthBps: 900_000,
        averageBandwidthBps: 800_000,
        width: 1280,
        height: 720,
        frameRate: 25,
      },
    ],
    createdAt: '2024-05-01T08:00:00.000Z',
    ...changes,
  };
}

export const tombstone = (video: VideoId, version: number): PublicationRecord => ({
  kind: 'tombstone',
  video,
  version,
  withdrawnAt: '2024-05-02T08:00:00.000Z',
});

export async function until<T>(what: () => Promise<T | undefined | false>, withinMs = 10_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await what();
    if (value) return value;
    if (Date.now() > deadline) throw new Error('it did not come to pass in time');
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

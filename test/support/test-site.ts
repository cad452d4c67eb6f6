/** A site as central sees one: a gateway with records, signed as a real site signs. A test can replace what it responds. */
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { authorityOf } from '../../src/kernel/http/own-names.ts';
import { createHttp, type HttpServer } from '../../src/kernel/http/server.ts';
import { requireSigner } from '../../src/kernel/http/signed-requests.ts';
import { type KeyPair, newNonce, readOrMakeKey, sha256Hex } from '../../src/kernel/identity/keys.ts';
import { SetDigest } from '../../src/kernel/identity/set-digest.ts';
import { NonceMemory } from '../../src/kernel/identity/signatures.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import type { SiteId, VideoId } from '../../src/protocol/base/ids.ts';
import { signalResponseSchema } from '../../src/protocol/central.ts';
import type { Epoch } from '../../src/protocol/publication/epoch.ts';
import {
  type Acknowledgement,
  publishedRequestSchema,
  publishedResponseSchema,
} from '../../src/protocol/publication/gateway.ts';
import {
  type HandshakeRequest,
  type HandshakeResponse,
  handshakeResponseSchema,
} from '../../src/protocol/publication/handshake.ts';
import type { PublicationRecord } from '../../src/protocol/publication/record.ts';
import { withdrawalFeedSchema } from '../../src/protocol/publication/withdrawals.ts';
import { type CentralUnderTest, joinCentral, REQUEST_LIMITS } from './central-requests.ts';
import { freePort } from './free-port.ts';

interface Row {
  readonly record: PublicationRecord;
  readonly hash: string;
  published: boolean;
}

/** A site with its gateway, whose responses a test can replace. */
export class TestSite {
  key: KeyPair;
  readonly baseUrl: string;
  id = '' as SiteId;
  /** The current state: one row per video. */
  readonly rows = new Map<VideoId, Row>();
  readonly acknowledged: Acknowledgement[] = [];
  reads = 0;
  hangs = false;
  /** Replaces the response to a read. */
  page: (() => unknown) | undefined;
  beforeAnswer: (() => Promise<void>) | undefined;
  /** What it sends to viewers, by the name of the file: the same for all its videos. */
  readonly media = new Map<string, { readonly type: string; readonly body: string | Buffer }>();
  pageRows = 500;
  epoch: Epoch | undefined;
  #app: HttpServer | undefined;
  readonly #central: CentralUnderTest;
  #centralPublicKey = '';

  private constructor(central: CentralUnderTest, key: KeyPair, baseUrl: string) {
    this.#central = central;
    this.key = key;
    this.baseUrl = baseUrl;
  }

  static async start(central: CentralUnderTest, keyPath: string): Promise<TestSite> {
    const key = await readOrMakeKey(keyPath);
    // The gateway uses the same port each time it starts.
    const site = new TestSite(central, key, `http://127.0.0.1:${await freePort()}`);
    await site.listen();
    return site;
  }

  async listen(): Promise<void> {
    const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
    const recipient = { nonces: new NonceMemory(), authorities: () => [authorityOf(this.baseUrl)] };
    const findKey = (keyId: string) =>
      Promise.resolve(keyId === 'central' ? this.#centralPublicKey : undefined);
    app.get('/probe', request => ({
      site: this.id,
      nonce: new URLSearchParams(request.url.split('?')[1]).get('nonce') ?? '',
      activeResponses: 0,
      egressBps: 0,
    }));
    app.get<{ Params: { '*': string } }>('/v/*', async (request, reply) => {
      const file = this.media.get(request.params['*'].split('/').at(-1) ?? '');
      reply.header('access-control-allow-origin', '*');
      return file ? reply.type(file.type).send(file.body) : reply.code(404).send({});
    });
    app.get('/gateway/records', async request => {
      await requireSigner(request, findKey, recipient);
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
      { schema: { body: publishedRequestSchema, response: { 200: publishedResponseSchema } } },
      async request => {
        await requireSigner(request, findKey, recipient);
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
      await requireSigner(request, findKey, recipient);
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
    const response = await joinCentral(this.#central.url, this.key, joinToken);
    this.id = id;
    this.#centralPublicKey = response.centralPublicKey;
    await this.handshake();
  }

  publishedDigest(): { readonly digest: string; readonly records: number } {
    const published = [...this.rows.values()].filter(row => row.published);
    const digest = new SetDigest();
    for (const { record, hash } of published) digest.add(record.video, record.version, hash);
    return { digest: digest.toString(), records: published.length };
  }

  /** Makes the handshake of a new start, without restoring anything. */
  async handshake(
    more: Pick<HandshakeRequest, 'conversion' | 'idSecret' | 'instance'> = {},
  ): Promise<HandshakeResponse> {
    const response = await call(`${this.#central.url}/api/handshakes`, {
      ...REQUEST_LIMITS,
      method: 'POST',
      body: {
        start: newNonce(),
        epoch: this.epoch?.number ?? 0,
        digest: this.publishedDigest().digest,
        ...more,
      },
      signer: this.signer,
      response: handshakeResponseSchema,
    });
    this.epoch = response.epoch;
    return response;
  }

  get signer(): Signer {
    return { key: this.key, keyId: this.id };
  }

  put(record: PublicationRecord): PublicationRecord {
    this.rows.set(record.video, { record, hash: sha256Hex(canonicalJson(record)), published: false });
    return record;
  }

  signal(signer: Signer = this.signer, centralUrl = this.#central.url) {
    return call(`${centralUrl}/api/signals`, {
      ...REQUEST_LIMITS,
      method: 'POST',
      signer,
      response: signalResponseSchema,
    });
  }

  withdrawalsAfter(after: number, waitS = 0) {
    return call(`${this.#central.url}/api/withdrawals/feed?after=${after}&wait=${waitS}`, {
      ...REQUEST_LIMITS,
      signer: this.signer,
      response: withdrawalFeedSchema,
    });
  }

  /** Makes central read the site now. @returns the result */
  async collect(): Promise<{ records: number; error?: string }> {
    return (await this.#central.request('POST', `/api/sites/${this.id}/collect`)).body;
  }
}

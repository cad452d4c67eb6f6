/**
 * A thousand sites in one thread: each with its own key, host and database (in memory), speaking the gateway's protocol as
 * a real site does, signatures included. They share one port and are told apart by their hosts, 127.1.x.y.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { formatAscii } from '../../src/kernel/http/json-list-writer.ts';
import { type KeyPair, newNonce, readOrMakeKey, sha256Hex } from '../../src/kernel/identity/keys.ts';
import { SetDigest } from '../../src/kernel/identity/set-digest.ts';
import { NonceMemory, verifyRequest } from '../../src/kernel/identity/signatures.ts';
import { joinResponseSchema, signalResponseSchema } from '../../src/protocol/central.ts';
import { newRevisionId, newVideoId } from '../../src/protocol/ids.ts';
import { canonicalJson } from '../../src/protocol/publication/canonical.ts';
import type { Epoch } from '../../src/protocol/publication/epoch.ts';
import { publishedRequestSchema } from '../../src/protocol/publication/gateway.ts';
import { handshakeResponseSchema } from '../../src/protocol/publication/handshake.ts';
import type { VideoRecord } from '../../src/protocol/publication/record.ts';

export interface SitesOrder {
  readonly centralUrl: string;
  readonly sites: number;
  /** For their keys. */
  readonly directory: string;
}
export type SitesRequest =
  | { readonly kind: 'join'; readonly site: number; readonly id: string; readonly joinToken: string }
  /** Writes so many records at each of these sites, and signals once for each site. */
  | { readonly kind: 'publish'; readonly sites: readonly number[]; readonly records: number }
  | { readonly kind: 'left' };
export type SitesAnswer =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'joined'; readonly site: number }
  /** `performance.timeOrigin`-based milliseconds of the commit, for each site in the order of the request. */
  | { readonly kind: 'published'; readonly videos: readonly string[]; readonly atMs: number }
  | { readonly kind: 'left'; readonly unpublished: number; readonly published: number };

const BOUNDS = { timeoutMs: 60_000, maxBytes: 2 ** 20 };
/** As a site does: a signal that was not taken is sent again. */
const SIGNAL_AGAIN_MS = 1_000;

interface Row {
  /** As it stands in a page of a real site. */
  readonly entry: string;
  readonly video: string;
  readonly version: number;
  readonly hash: string;
}

interface Site {
  readonly key: KeyPair;
  id: string;
  epoch: Epoch | undefined;
  version: number;
  readonly unpublished: Map<string, Row>;
  readonly digest: SetDigest;
  published: number;
}

export const hostOf = (site: number): string => `127.1.${site >> 8}.${site & 255}`;

export async function serveSites(): Promise<void> {
  const { centralUrl, directory, sites: count } = workerData as SitesOrder;
  const tell = (answer: SitesAnswer): void => parentPort?.postMessage(answer);
  const nonces = new NonceMemory();
  let centralKey = '';
  const keys = await Promise.all(
    Array.from({ length: count }, (_, index) => readOrMakeKey(join(directory, `${index}.key`))),
  );
  const sites: Site[] = keys.map(key => ({
    key,
    id: '',
    epoch: undefined,
    version: 0,
    unpublished: new Map(),
    digest: new SetDigest(),
    published: 0,
  }));
  const signerOf = ({ key, id }: Site): Signer => ({ key, keyId: id });

  const server = createServer((request, response) => {
    void answer(request, response).catch(error => {
      response.writeHead(500).end(JSON.stringify({ code: 'bench', detail: String(error) }));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const authority = request.headers.host ?? '';
    const [, , third = '0', fourth = '0'] = authority.split(':')[0]?.split('.') ?? [];
    const site = sites[(Number(third) << 8) + Number(fourth)];
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const verified = await verifyRequest(
      { method: request.method ?? '', authority, path, query: `?${query}`, body },
      request.headers,
      keyId => Promise.resolve(keyId === 'central' ? centralKey : undefined),
      nonces,
      Date.now(),
    );
    if (!verified.ok || !site?.epoch) {
      response.writeHead(401).end('{"code":"bench","detail":"not central"}');
      return;
    }
    const head = `"site":"${site.id}","epoch":${JSON.stringify(site.epoch)}`;
    let text: string;
    if (path === '/gateway/records') {
      const limit = Number(new URLSearchParams(query).get('limit'));
      const rows: string[] = [];
      for (const row of site.unpublished.values()) {
        if (rows.length === limit) break;
        rows.push(row.entry);
      }
      text = `{${head},"records":[${rows.join(',')}],"more":${site.unpublished.size > rows.length}}`;
    } else if (path === '/gateway/published') {
      let matched = 0;
      for (const { video, version, hash } of publishedRequestSchema.parse(JSON.parse(body.toString()))
        .published) {
        const row = site.unpublished.get(video);
        if (row?.version !== version || row.hash !== hash) continue;
        site.unpublished.delete(video);
        site.digest.add(video, version, hash);
        site.published++;
        matched++;
      }
      text = `{"matched":${matched}}`;
    } else {
      text = `{${head},"unpublished":${site.unpublished.size},"records":${site.published},"digest":"${site.digest.toString()}"}`;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  }

  async function enrol(index: number, id: string, joinToken: string): Promise<void> {
    const site = sites[index] as Site;
    site.id = id;
    const answer = await call(`${centralUrl}/api/join`, {
      ...BOUNDS,
      method: 'POST',
      body: { joinToken, publicKey: site.key.publicKey },
      signer: { key: site.key, keyId: 'join' },
      response: joinResponseSchema,
    });
    centralKey = answer.centralPublicKey;
    const greeting = await call(`${centralUrl}/api/handshakes`, {
      ...BOUNDS,
      method: 'POST',
      body: { start: newNonce(), epoch: 0, digest: site.digest.toString() },
      signer: signerOf(site),
      response: handshakeResponseSchema,
    });
    site.epoch = greeting.epoch;
    tell({ kind: 'joined', site: index });
  }

  async function signal(site: Site): Promise<void> {
    for (;;) {
      try {
        await call(`${centralUrl}/api/signals`, {
          ...BOUNDS,
          method: 'POST',
          signer: signerOf(site),
          response: signalResponseSchema,
        });
        return;
      } catch {
        await new Promise(resolve => setTimeout(resolve, SIGNAL_AGAIN_MS));
      }
    }
  }

  async function publish(indexes: readonly number[], records: number): Promise<void> {
    const written = indexes.map(index => {
      const site = sites[index] as Site;
      return Array.from({ length: records }, () => writeRecord(site));
    });
    const atMs = performance.timeOrigin + performance.now();
    for (const [order, index] of indexes.entries()) {
      const site = sites[index] as Site;
      for (const row of written[order] ?? []) site.unpublished.set(row.video, row);
      void signal(site);
    }
    tell({ kind: 'published', videos: written.flat().map(row => row.video), atMs });
  }

  parentPort?.on('message', (request: SitesRequest) => {
    if (request.kind === 'join') void enrol(request.site, request.id, request.joinToken);
    else if (request.kind === 'publish') void publish(request.sites, request.records);
    else {
      tell({
        kind: 'left',
        unpublished: sites.reduce((sum, site) => sum + site.unpublished.size, 0),
        published: sites.reduce((sum, site) => sum + site.published, 0),
      });
    }
  });
  server.listen(0, '0.0.0.0', 4_096, () => {
    const address = server.address();
    tell({ kind: 'listening', port: typeof address === 'object' && address ? address.port : 0 });
  });
}

/** The next record of a site: of usual size, about 1 KB. */
function writeRecord(site: Site): Row {
  const video = newVideoId();
  const version = ++site.version;
  const json = canonicalJson(exampleRecord(video, version));
  const hash = sha256Hex(json);
  return { entry: formatAscii({ record: JSON.parse(json), hash }), video, version, hash };
}

export const exampleRecord = (video: string, version: number): VideoRecord =>
  ({
    kind: 'video',
    video,
    version,
    revision: newRevisionId(),
    name: `第 ${version} 讲：分布式流媒体`,
    description: 'A lecture of two hours, recorded in the great hall; with slides.',
    language: 'zh',
    path: `videos/${video}/source`,
    sourceAddress: '192.0.2.7:8090',
    sizeBytes: 1_900_000_000,
    bitrateBps: 2_100_000,
    durationMs: 7_200_000,
    width: 1920,
    height: 1080,
    sha256: 'a'.repeat(64),
    container: 'mp4',
    renditions: [
      {
        kind: 'video',
        id: 'source-video',
        codec: 'avc1.640028',
        bandwidthBps: 2_400_000,
        averageBandwidthBps: 2_000_000,
        width: 1920,
        height: 1080,
        frameRate: 25,
      },
      {
        kind: 'audio',
        id: 'source-audio',
        codec: 'mp4a.40.2',
        bandwidthBps: 130_000,
        averageBandwidthBps: 128_000,
        channels: 2,
        sampleRateHz: 48_000,
      },
    ],
    createdAt: '2026-05-01T08:00:00.000Z',
    writtenAt: '2026-05-01T08:00:01.000Z',
  }) as unknown as VideoRecord;

/**
 * Simulates a thousand sites in one thread. Each site has a key, a host and a database in memory, and implements the
 * gateway's protocol like a real site, signatures included. The sites share one port; their hosts, 127.1.x.y, distinguish
 * them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { call } from '../../src/kernel/http/client.ts';
import { formatAscii } from '../../src/kernel/http/json-list-writer.ts';
import { type KeyPair, newNonce, readOrMakeKey, sha256Hex } from '../../src/kernel/identity/keys.ts';
import { SetDigest } from '../../src/kernel/identity/set-digest.ts';
import { NonceMemory, verifyRequest } from '../../src/kernel/identity/signatures.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import { newRevisionId, newVideoId } from '../../src/protocol/base/ids.ts';
import { joinResponseSchema, signalResponseSchema } from '../../src/protocol/central.ts';
import type { Epoch } from '../../src/protocol/publication/epoch.ts';
import { publishedRequestSchema } from '../../src/protocol/publication/gateway.ts';
import { handshakeResponseSchema } from '../../src/protocol/publication/handshake.ts';
import type { VideoRecord } from '../../src/protocol/publication/record.ts';

export interface SitesSetup {
  readonly centralUrl: string;
  readonly sites: number;
  /** Where their keys are stored. */
  readonly directory: string;
}
export type SitesRequest =
  | { readonly kind: 'join'; readonly site: number; readonly id: string; readonly joinToken: string }
  /** Writes `records` records at each of these sites, and then sends one signal for each site. */
  | { readonly kind: 'publish'; readonly sites: readonly number[]; readonly records: number }
  | { readonly kind: 'count' };
export type SitesEvent =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'joined'; readonly site: number }
  /** All videos, site by site in the order of the request, and the time of the commit in milliseconds since the epoch. */
  | { readonly kind: 'published'; readonly videos: readonly string[]; readonly atMs: number }
  | { readonly kind: 'counted'; readonly unpublished: number; readonly published: number };

const BOUNDS = { timeoutMs: 60_000, maxBytes: 2 ** 20 };
/** Like a real site, a simulated one repeats a signal that failed. */
const SIGNAL_RETRY_MS = 1_000;

interface Row {
  /** Its JSON in a page of records. */
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

/** All simulated sites, and the central that they have joined. */
interface Fleet {
  readonly centralUrl: string;
  centralKey: string;
  readonly sites: readonly Site[];
  readonly nonces: NonceMemory;
}

export const hostOf = (site: number): string => `127.1.${site >> 8}.${site & 255}`;

const emit = (event: SitesEvent): void => parentPort?.postMessage(event);

export async function serveSites(): Promise<void> {
  const { centralUrl, directory, sites: count } = workerData as SitesSetup;
  const keys = await Promise.all(
    Array.from({ length: count }, (_, index) => readOrMakeKey(join(directory, `${index}.key`))),
  );
  const fleet: Fleet = {
    centralUrl,
    centralKey: '',
    sites: keys.map(key => ({
      key,
      id: '',
      epoch: undefined,
      version: 0,
      unpublished: new Map(),
      digest: new SetDigest(),
      published: 0,
    })),
    nonces: new NonceMemory(),
  };
  const { sites } = fleet;
  parentPort?.on('message', (request: SitesRequest) => {
    if (request.kind === 'join') void joinCentral(fleet, request);
    else if (request.kind === 'publish') publish(fleet, request.sites, request.records);
    else {
      emit({
        kind: 'counted',
        unpublished: sites.reduce((sum, site) => sum + site.unpublished.size, 0),
        published: sites.reduce((sum, site) => sum + site.published, 0),
      });
    }
  });
  const server = createServer((request, response) => {
    void handle(fleet, request, response).catch(error => {
      response.writeHead(500).end(JSON.stringify({ code: 'bench', detail: String(error) }));
    });
  });
  server.listen(0, '0.0.0.0', 4_096, () => {
    const address = server.address();
    emit({ kind: 'listening', port: typeof address === 'object' && address ? address.port : 0 });
  });
}

/** Handles a request of central to the gateway of one of the sites. */
async function handle(fleet: Fleet, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const authority = request.headers.host ?? '';
  const [, , third = '0', fourth = '0'] = authority.split(':')[0]?.split('.') ?? [];
  const site = fleet.sites[(Number(third) << 8) + Number(fourth)];
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const verified = await verifyRequest(
    {
      method: request.method ?? '',
      authorities: [authority],
      path,
      query: `?${query}`,
      body,
      headers: request.headers,
    },
    keyId => Promise.resolve(keyId === 'central' ? fleet.centralKey : undefined),
    fleet.nonces,
    Date.now(),
  );
  if (!verified.ok || !site?.epoch) {
    response.writeHead(401).end('{"code":"bench","detail":"not central"}');
    return;
  }
  const members = `"site":"${site.id}","epoch":${JSON.stringify(site.epoch)}`;
  let text: string;
  if (path === '/gateway/records') {
    const rows = listUnpublished(site, Number(new URLSearchParams(query).get('limit')));
    text = `{${members},"records":[${rows.join(',')}],"more":${site.unpublished.size > rows.length}}`;
  } else if (path === '/gateway/published') {
    text = `{"matched":${markPublished(site, body)}}`;
  } else {
    text = `{${members},"unpublished":${site.unpublished.size},"records":${site.published},"digest":"${site.digest.toString()}"}`;
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}

function listUnpublished(site: Site, limit: number): readonly string[] {
  const rows: string[] = [];
  for (const row of site.unpublished.values()) {
    if (rows.length === limit) break;
    rows.push(row.entry);
  }
  return rows;
}

/** @returns the number of rows that had the acknowledged version and hash */
function markPublished(site: Site, body: Buffer): number {
  let matched = 0;
  const { published } = publishedRequestSchema.parse(JSON.parse(body.toString()));
  for (const { video, version, hash } of published) {
    const row = site.unpublished.get(video);
    if (row?.version !== version || row.hash !== hash) continue;
    site.unpublished.delete(video);
    site.digest.add(video, version, hash);
    site.published++;
    matched++;
  }
  return matched;
}

function getSite({ sites }: Fleet, index: number): Site {
  const site = sites[index];
  if (!site) throw new Error(`There is no site ${index}.`);
  return site;
}

/** Joins central and does the handshake, like a site at its first start. */
async function joinCentral(
  fleet: Fleet,
  { site: index, id, joinToken }: Extract<SitesRequest, { kind: 'join' }>,
): Promise<void> {
  const site = getSite(fleet, index);
  site.id = id;
  const joined = await call(`${fleet.centralUrl}/api/join`, {
    ...BOUNDS,
    method: 'POST',
    body: { joinToken, publicKey: site.key.publicKey },
    signer: { key: site.key, keyId: 'join' },
    response: joinResponseSchema,
  });
  fleet.centralKey = joined.centralPublicKey;
  const handshake = await call(`${fleet.centralUrl}/api/handshakes`, {
    ...BOUNDS,
    method: 'POST',
    body: { start: newNonce(), epoch: 0, digest: site.digest.toString() },
    signer: { key: site.key, keyId: id },
    response: handshakeResponseSchema,
  });
  site.epoch = handshake.epoch;
  emit({ kind: 'joined', site: index });
}

async function sendSignal(centralUrl: string, { key, id }: Site): Promise<void> {
  for (;;) {
    try {
      await call(`${centralUrl}/api/signals`, {
        ...BOUNDS,
        method: 'POST',
        signer: { key, keyId: id },
        response: signalResponseSchema,
      });
      return;
    } catch {
      await new Promise(resolve => setTimeout(resolve, SIGNAL_RETRY_MS));
    }
  }
}

/** Prepares all records first, so that the time of the commit is the same for all of them. */
function publish(fleet: Fleet, indexes: readonly number[], records: number): void {
  const written = indexes.map(index => {
    const site = getSite(fleet, index);
    return { site, rows: Array.from({ length: records }, () => writeRecord(site)) };
  });
  const atMs = performance.timeOrigin + performance.now();
  for (const { site, rows } of written) {
    for (const row of rows) site.unpublished.set(row.video, row);
    void sendSignal(fleet.centralUrl, site);
  }
  emit({ kind: 'published', videos: written.flatMap(({ rows }) => rows.map(row => row.video)), atMs });
}

/** Makes the next record of a site, of a usual size (about 1 KB). */
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

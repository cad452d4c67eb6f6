/**
 * Sends 1,000 concurrent requests for an uncached segment of an origin that takes 500 ms. Counts the requests at the origin,
 * and measures when the first, the median and the last viewer get their first byte, compared with Varnish and with nginx
 * with `proxy_cache_lock`.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newRevisionId, newVideoId } from '../src/protocol/base/ids.ts';
import { startNginxCache } from './peers/nginx.ts';
import { startTributary } from './peers/ours.ts';
import { isInstalled, median, type Peer, requireTools } from './peers/process.ts';
import { startVarnish } from './peers/varnish.ts';

const VIEWERS = Number(process.env.BENCH_VIEWERS ?? 1_000);
const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const SEGMENT = randomBytes(2 * 2 ** 20);
/** The origin responds immediately, and sends the segment evenly over this time. */
const ORIGIN_MS = 500;
const PIECES = 50;
const LIMIT_MS = 60_000;

interface Outcome {
  readonly originRequests: number;
  /** When the first, the median and the last viewer get the first byte of the body. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly lastMs: number;
  /** When the last viewer gets the last byte. */
  readonly wholeMs: number;
}

export interface FillBench {
  readonly bench: 'fill';
  /** Time to the first byte at a peer divided by ours: 1 = equal, higher is better. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly rows: readonly (Outcome & { readonly server: string })[];
  readonly viewers: number;
  readonly runs: number;
  readonly leftOut: readonly string[];
}

interface Origin {
  readonly url: string;
  /** Number of requests for each path. */
  readonly requests: Map<string, number>;
  stop(): void;
}

async function startOrigin(): Promise<Origin> {
  const requests = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.set(path, (requests.get(path) ?? 0) + 1);
    response.writeHead(200, {
      'content-length': SEGMENT.length,
      etag: '"1"',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    if (path.endsWith('/0.m4s')) {
      response.end(SEGMENT);
      return;
    }
    let piece = 0;
    const size = Math.ceil(SEGMENT.length / PIECES);
    const timer = setInterval(() => {
      response.write(SEGMENT.subarray(piece * size, (piece + 1) * size));
      piece++;
      if (piece < PIECES) return;
      clearInterval(timer);
      response.end();
    }, ORIGIN_MS / PIECES);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Viewing {
  readonly firstMs: number;
  readonly wholeMs: number;
}

/** Opens the connections of all viewers. @returns a function for each viewer that sends a request and measures from then on */
async function openViewers(peer: Peer): Promise<readonly ((path: string) => Promise<Viewing>)[]> {
  const { hostname, port } = new URL(peer.plain);
  return Promise.all(
    Array.from({ length: VIEWERS }, async () => {
      const socket = connect(Number(port), hostname);
      await new Promise((done, failed) => socket.once('connect', done).once('error', failed));
      return (path: string) =>
        new Promise<Viewing>((resolve, reject) => {
          const startedMs = performance.now();
          let headEnd = -1;
          let bytes = 0;
          let head = '';
          let firstMs = 0;
          const timer = setTimeout(() => reject(new Error('A viewer waited for a minute.')), LIMIT_MS);
          socket.on('data', piece => {
            bytes += piece.length;
            if (headEnd === -1) {
              head += piece.toString('latin1');
              headEnd = head.indexOf('\r\n\r\n');
              if (headEnd === -1) return;
              if (!head.startsWith('HTTP/1.1 200')) reject(new Error(head.split('\r\n', 1)[0]));
            }
            const bodyBytes = bytes - headEnd - 4;
            if (bodyBytes > 0 && firstMs === 0) firstMs = performance.now() - startedMs;
            if (bodyBytes < SEGMENT.length) return;
            clearTimeout(timer);
            socket.destroy();
            resolve({ firstMs, wholeMs: performance.now() - startedMs });
          });
          socket.once('error', reject);
          socket.once('close', () => reject(new Error('The connection of a viewer was closed.')));
          socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
        });
    }),
  );
}

async function measure(peer: Peer, origin: Origin, path: string): Promise<Outcome> {
  const viewers = await openViewers(peer);
  await sleep(200);
  const viewings = await Promise.all(viewers.map(view => view(path)));
  const firsts = viewings.map(({ firstMs }) => firstMs);
  return {
    originRequests: origin.requests.get(path) ?? 0,
    firstMs: Math.min(...firsts),
    medianMs: median(firsts),
    lastMs: Math.max(...firsts),
    wholeMs: Math.max(...viewings.map(({ wholeMs }) => wholeMs)),
  };
}

const medianOf = (outcomes: readonly Outcome[]): Outcome => {
  const of = (read: (outcome: Outcome) => number): number => Math.round(median(outcomes.map(read)));
  return {
    originRequests: Math.max(...outcomes.map(({ originRequests }) => originRequests)),
    firstMs: of(({ firstMs }) => firstMs),
    medianMs: of(({ medianMs }) => medianMs),
    lastMs: of(({ lastMs }) => lastMs),
    wholeMs: of(({ wholeMs }) => wholeMs),
  };
};

export async function run(): Promise<FillBench> {
  requireTools({ taskset: 'util-linux' });
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-fill-'));
  chmodSync(directory, 0o755);
  const origin = await startOrigin();
  const peers: Peer[] = [];
  try {
    const base = `/v/${newVideoId()}/${newRevisionId()}/source-video`;
    const probe = `${base}/0.m4s`;
    peers.push(await startTributary(directory, origin.url));
    const leftOut: string[] = [];
    for (const [name, command, start] of [
      ['varnish', 'varnishd', () => startVarnish(directory, origin.url, probe, VIEWERS + 100)],
      ['nginx-proxy_cache', 'nginx', () => startNginxCache(directory, origin.url, probe, { lock: true })],
    ] as const) {
      if (isInstalled(command)) peers.push(await start());
      else leftOut.push(name);
    }
    if (leftOut.length > 0) console.log(`Not installed, left out: ${leftOut.join(', ')}.`);
    const outcomes = new Map<string, Outcome[]>(peers.map(({ name }) => [name, []]));
    // The peers alternate, and the first round warms up. Each measurement requests another, uncached segment.
    for (let round = 0; round <= RUNS; round++) {
      for (const [index, peer] of peers.entries()) {
        const path = `${base}/${1 + round * peers.length + index}.m4s`;
        const outcome = await measure(peer, origin, path);
        if (round > 0) outcomes.get(peer.name)?.push(outcome);
      }
    }
    const rows = [...outcomes].map(([server, each]) => ({ server, ...medianOf(each) }));
    console.log(
      `${VIEWERS} concurrent viewers, a segment of 2 MB that the origin sends within ${ORIGIN_MS} ms`,
    );
    for (const { server, originRequests, firstMs, medianMs, lastMs, wholeMs } of rows) {
      console.log(
        `${server.padEnd(18)} ${String(originRequests).padStart(5)} fills   first byte: ${firstMs} ms first, ${medianMs} ms median, ${lastMs} ms last   all complete: ${wholeMs} ms`,
      );
    }
    const ours = rows[0];
    if (!ours) throw new Error('Nothing was measured.');
    const ratios: Record<string, number> = {};
    for (const row of rows.slice(1)) {
      ratios[`first-byte-of-the-first/${row.server}`] = Number((row.firstMs / ours.firstMs).toFixed(3));
      ratios[`first-byte-median/${row.server}`] = Number((row.medianMs / ours.medianMs).toFixed(3));
      ratios[`first-byte-of-the-last/${row.server}`] = Number((row.lastMs / ours.lastMs).toFixed(3));
    }
    return { bench: 'fill', ratios, rows, viewers: VIEWERS, runs: RUNS, leftOut };
  } finally {
    for (const peer of peers) await peer.stop();
    origin.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Measures the path to a site with a small sample: the round-trip time on an open connection, and the throughput. */
import { type Arrival, estimateThroughputBps } from './throughput.ts';

const TIMEOUT_MS = 5_000;

export interface Sample {
  readonly rttMs: number;
  readonly bps: number;
}

/** @throws if nothing arrived in time */
export async function measureSample(url: string): Promise<Sample> {
  const abort = AbortSignal.timeout(TIMEOUT_MS);
  const oneByte = new URL(url);
  oneByte.searchParams.set('bytes', '1');
  // The first request opens the connection; the second one measures a round trip on it.
  await load(oneByte.href, abort);
  const { durationMs } = await load(oneByte.href, abort);
  const { arrivals } = await load(url, abort);
  return { rttMs: durationMs, bps: estimateThroughputBps(arrivals) };
}

/** The site refused the request because it is at one of its limits. */
export class SiteBusy extends Error {}

interface Load {
  readonly durationMs: number;
  readonly arrivals: readonly Arrival[];
}

async function load(url: string, abort: AbortSignal): Promise<Load> {
  const startedMs = performance.now();
  const response = await fetch(url, { cache: 'no-store', signal: abort });
  if (response.status === 503) throw new SiteBusy();
  if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
  const arrivals: Arrival[] = [{ atMs: performance.now(), bytes: 0 }];
  const reader = response.body.getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    arrivals.push({ atMs: performance.now(), bytes });
  }
  return { durationMs: performance.now() - startedMs, arrivals };
}

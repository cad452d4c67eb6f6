/** A small sample of the way to a site: the time of a request over an open connection, and the rate at which bytes come in. */
const TIMEOUT_MS = 5_000;
/** Less than this in one piece says nothing of a rate. */
const WINDOW_BYTES = 32_768;
const MOST_PEAK = 3;

export interface Sample {
  readonly rttMs: number;
  readonly bps: number;
}

/** @throws where nothing came, or not in time. */
export async function takeSample(url: string): Promise<Sample> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const small = new URL(url);
  small.searchParams.set('bytes', '1');
  await load(small.href, signal);
  const { ms } = await load(small.href, signal);
  const { arrivals } = await load(url, signal);
  return { rttMs: ms, bps: rateOf(arrivals) };
}

export interface Arrival {
  readonly atMs: number;
  /** So far. */
  readonly bytes: number;
}

/** Bits a second. A connection that starts slowly comes in bursts; within a burst the bytes come at the path's own rate. */
export function rateOf(arrivals: readonly Arrival[]): number {
  const rate = (from: Arrival, to: Arrival): number =>
    ((to.bytes - from.bytes) * 8_000) / Math.max(0.5, to.atMs - from.atMs);
  const [first] = arrivals;
  const last = arrivals.at(-1);
  if (!first || !last || first === last) return 0;
  const mean = rate(first, last);
  let peak = mean;
  for (const from of arrivals) {
    const to = arrivals.find(each => each.bytes - from.bytes >= WINDOW_BYTES);
    if (to) peak = Math.max(peak, rate(from, to));
  }
  return Math.min(peak, MOST_PEAK * mean);
}

async function load(
  url: string,
  signal: AbortSignal,
): Promise<{ readonly ms: number; readonly arrivals: readonly Arrival[] }> {
  const started = performance.now();
  const response = await fetch(url, { cache: 'no-store', signal });
  if (!response.ok || !response.body) throw new Error(`answered ${response.status}`);
  const arrivals: Arrival[] = [{ atMs: performance.now(), bytes: 0 }];
  const reader = response.body.getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    arrivals.push({ atMs: performance.now(), bytes });
  }
  return { ms: performance.now() - started, arrivals };
}

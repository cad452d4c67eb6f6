/**
 * Enforces bit rates with token buckets: one for the link and one for each class of traffic, refilled by the clock. A response
 * that has bytes to send is in the queue of its class. With each permit it writes one chunk and goes to the end of the queue,
 * so connections get equal shares whatever they request. A connection that accepts no bytes (a slow client) is not queued and
 * costs nothing.
 */

export type TrafficClass = 'viewers' | 'fills';
const TRAFFIC_CLASSES: readonly TrafficClass[] = ['viewers', 'fills'];

/** Writes up to `maxBytes` and returns how many bytes it wrote. It leaves the queue when that is 0. */
export type PacedWrite = (maxBytes: number) => number;

/** The size of one permit: small enough to be fair, large enough to be cheap. */
const CHUNK_BYTES = 16 * 1024;
const TICK_MS = 5;
/** After a delay of the process, at most the bytes of this time are sent as one burst. */
const BURST_MS = 500;

class TokenBucket {
  readonly #bytesPerMs: number;
  #tokens = 0;
  #atMs: number;

  constructor(limitBps: number | undefined, nowMs: number) {
    this.#bytesPerMs = limitBps === undefined ? Number.POSITIVE_INFINITY : limitBps / 8_000;
    this.#atMs = nowMs;
  }

  refill(nowMs: number): void {
    if (this.#bytesPerMs === Number.POSITIVE_INFINITY) return;
    this.#tokens = Math.min(
      this.#tokens + (nowMs - this.#atMs) * this.#bytesPerMs,
      BURST_MS * this.#bytesPerMs,
    );
    this.#atMs = nowMs;
  }

  /** One write may take the bucket below zero; the next write waits until that is paid back. */
  get isOpen(): boolean {
    return this.#bytesPerMs === Number.POSITIVE_INFINITY || this.#tokens > 0;
  }

  take(bytes: number): void {
    this.#tokens -= bytes;
  }

  /** Milliseconds until the tokens taken in excess are paid back, except the excess that every write causes. */
  debtMs(nowMs: number): number {
    this.refill(nowMs);
    return Math.max(0, (-this.#tokens - 2 * CHUNK_BYTES) / this.#bytesPerMs);
  }
}

/** Bits per second; undefined means no limit. */
export interface PacerLimits {
  readonly linkBps?: number | undefined;
  readonly viewersBps?: number | undefined;
  readonly fillsBps?: number | undefined;
}

export class Pacer {
  readonly #link: TokenBucket;
  readonly #buckets: Readonly<Record<TrafficClass, TokenBucket>>;
  readonly #queues: Readonly<Record<TrafficClass, PacedWrite[]>> = { viewers: [], fills: [] };
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: PacerLimits, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#link = new TokenBucket(limits.linkBps, now());
    this.#buckets = {
      viewers: new TokenBucket(limits.viewersBps, now()),
      fills: new TokenBucket(limits.fillsBps, now()),
    };
  }

  /** Adds `write` to the end of the queue of its class. It is called later, never within this call. */
  enqueue(kind: TrafficClass, write: PacedWrite): void {
    this.#queues[kind].push(write);
    this.#timer ??= setTimeout(this.#run, 0);
  }

  /** Takes the tokens of bytes that were sent without a permit, for example heads. The next permits pay for them. */
  charge(kind: TrafficClass, bytes: number): void {
    this.#link.take(bytes);
    this.#buckets[kind].take(bytes);
  }

  /** Milliseconds until bytes of this class may be sent again. */
  debtMs(kind: TrafficClass): number {
    const nowMs = this.#now();
    return Math.max(this.#link.debtMs(nowMs), this.#buckets[kind].debtMs(nowMs));
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const queue of Object.values(this.#queues)) queue.length = 0;
  }

  #run = (): void => {
    const nowMs = this.#now();
    this.#link.refill(nowMs);
    for (const bucket of Object.values(this.#buckets)) bucket.refill(nowMs);
    let hasWritten = true;
    while (hasWritten) {
      hasWritten = false;
      for (const kind of TRAFFIC_CLASSES) if (this.#runNext(kind)) hasWritten = true;
    }
    const isWaiting = TRAFFIC_CLASSES.some(kind => this.#queues[kind].length > 0);
    this.#timer = isWaiting ? setTimeout(this.#run, TICK_MS) : undefined;
  };

  /** Gives one permit to the first in the queue. Returns false if nothing of this class may be sent now. */
  #runNext(kind: TrafficClass): boolean {
    if (!this.#link.isOpen || !this.#buckets[kind].isOpen) return false;
    const queue = this.#queues[kind];
    const write = queue.shift();
    if (!write) return false;
    const bytes = write(CHUNK_BYTES);
    this.charge(kind, bytes);
    if (bytes > 0) queue.push(write);
    return true;
  }
}

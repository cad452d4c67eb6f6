/**
 * Holds bit rates: one bucket of tokens for the link and one for each class of traffic, filled by the clock. Who wants to send
 * stands in the queue of its class; each turn it may write one chunk and goes to the end of the queue, so connections share
 * alike, whatever they ask for. Who cannot take bytes now (a slow client) is not in the queue and costs nothing.
 */

export type TrafficClass = 'viewers' | 'fills';
export const TRAFFIC_CLASSES: readonly TrafficClass[] = ['viewers', 'fills'];

/** Writes up to `maxBytes` and says how many it wrote; none: it leaves the queue. */
export type PacedWrite = (maxBytes: number) => number;

/** One turn: small enough to be fair, large enough to be cheap. */
const CHUNK_BYTES = 16 * 1024;
const TICK_MS = 5;
/** A process that was held up makes good for this long at most: so much may leave as one burst. */
const BURST_MS = 500;

class Bucket {
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

  /** May go below zero by what one turn wrote: that is paid back before the next. */
  get isOpen(): boolean {
    return this.#bytesPerMs === Number.POSITIVE_INFINITY || this.#tokens > 0;
  }

  take(bytes: number): void {
    this.#tokens -= bytes;
  }
}

export interface PacerLimits {
  readonly linkBps?: number | undefined;
  readonly viewersBps?: number | undefined;
  readonly fillsBps?: number | undefined;
}

export class Pacer {
  readonly #link: Bucket;
  readonly #buckets: Readonly<Record<TrafficClass, Bucket>>;
  readonly #queues: Readonly<Record<TrafficClass, PacedWrite[]>> = { viewers: [], fills: [] };
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: PacerLimits, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#link = new Bucket(limits.linkBps, now());
    this.#buckets = {
      viewers: new Bucket(limits.viewersBps, now()),
      fills: new Bucket(limits.fillsBps, now()),
    };
  }

  /** Stands at the end of the queue of its class. Its first turn comes later, never within this call. */
  enqueue(kind: TrafficClass, turn: PacedWrite): void {
    this.#queues[kind].push(turn);
    this.#timer ??= setTimeout(this.#run, 0);
  }

  /** Bytes that were sent outside of a turn (heads, for one): paid back by those that follow. */
  charge(kind: TrafficClass, bytes: number): void {
    this.#link.take(bytes);
    this.#buckets[kind].take(bytes);
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const queue of Object.values(this.#queues)) queue.length = 0;
  }

  #run = (): void => {
    const nowMs = this.#now();
    this.#link.refill(nowMs);
    for (const bucket of Object.values(this.#buckets)) bucket.refill(nowMs);
    let isMoving = true;
    while (isMoving) {
      isMoving = false;
      for (const kind of TRAFFIC_CLASSES) if (this.#giveTurn(kind)) isMoving = true;
    }
    const isWaiting = TRAFFIC_CLASSES.some(kind => this.#queues[kind].length > 0);
    this.#timer = isWaiting ? setTimeout(this.#run, TICK_MS) : undefined;
  };

  /** False where nobody of this class may send now. */
  #giveTurn(kind: TrafficClass): boolean {
    if (!this.#link.isOpen || !this.#buckets[kind].isOpen) return false;
    const queue = this.#queues[kind];
    const turn = queue.shift();
    if (!turn) return false;
    const bytes = turn(CHUNK_BYTES);
    this.charge(kind, bytes);
    if (bytes > 0) queue.push(turn);
    return true;
  }
}

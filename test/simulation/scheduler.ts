/**
 * Simulated time. Everything that waits (a timer, a message, a disk) waits here. One event happens at a time, followed by
 * everything that it causes without waiting, before the next event.
 */
import type { Random } from './random.ts';

interface Event {
  readonly atMs: number;
  /** Orders two events at the same moment randomly, because no real order can be relied on. */
  readonly lot: number;
  readonly happen: () => void;
}

const EPOCH_MS = Date.UTC(2026, 0, 1);

export class Scheduler {
  readonly #random: Random;
  #events: Event[] = [];
  nowMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The current time of all clocks. */
  get wallMs(): number {
    return EPOCH_MS + this.nowMs;
  }

  at(delayMs: number, happen: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, lot: this.#random.next(), happen });
  }

  /** Runs the next event and everything that it causes. @returns false if nothing is waiting */
  async step(): Promise<boolean> {
    let first = 0;
    for (let index = 1; index < this.#events.length; index++) {
      const a = this.#events[index]!;
      const b = this.#events[first]!;
      if (a.atMs < b.atMs || (a.atMs === b.atMs && a.lot < b.lot)) first = index;
    }
    const event = this.#events[first];
    if (!event) return false;
    this.#events[first] = this.#events.at(-1)!;
    this.#events.pop();
    this.nowMs = Math.max(this.nowMs, event.atMs);
    event.happen();
    // This runs after the callbacks of every promise that is resolved, and of those that they resolve.
    await new Promise(resolve => setImmediate(resolve));
    return true;
  }
}

/**
 * Simulated time. Whatever waits (a timer, a message, a disk) waits here; one thing happens at a time, and then everything
 * that follows from it without waiting, before the next.
 */
import type { Random } from './random.ts';

interface Event {
  readonly atMs: number;
  /** Settles who is first of two at the same moment: by chance, since no real order can be relied on. */
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

  /** The time that clocks show. */
  get wallMs(): number {
    return EPOCH_MS + this.nowMs;
  }

  at(delayMs: number, happen: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, lot: this.#random.next(), happen });
  }

  /** Lets the next thing happen, and all that follows from it. False: nothing is waited for. */
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
    // Runs after every promise that is settled by now, and those that these settle.
    await new Promise(resolve => setImmediate(resolve));
    return true;
  }
}

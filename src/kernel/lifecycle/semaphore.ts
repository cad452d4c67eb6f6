/** Limits how many pieces of work run at once, with a bounded queue for the others: first come, first served. */
export class Semaphore {
  readonly #permits: number;
  readonly #maxQueued: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(permits: number, maxQueued: number) {
    this.#permits = permits;
    this.#maxQueued = maxQueued;
  }

  /** True if all permits are taken and the queue is full. */
  get isFull(): boolean {
    return this.#taken >= this.#permits && this.#waiting.length >= this.#maxQueued;
  }

  /** Runs `work` once it has a permit. Call this only while not `isFull`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    // A permit that is returned passes directly to the next in the queue, so `#taken` does not change then.
    if (this.#taken < this.#permits) this.#taken++;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken--;
    }
  }
}

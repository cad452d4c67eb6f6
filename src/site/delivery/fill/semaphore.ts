/** A bounded number of pieces of work at once, with a bounded queue behind them. First come, first served. */

export class Semaphore {
  readonly #limit: number;
  readonly #queueLimit: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(limit: number, queueLimit: number) {
    this.#limit = limit;
    this.#queueLimit = queueLimit;
  }

  get isFull(): boolean {
    return this.#taken >= this.#limit && this.#waiting.length >= this.#queueLimit;
  }

  /** Lends a slot to `work`. Call only while not `isFull`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    // A slot that is given back passes straight to the next in line, so `#taken` does not change then.
    if (this.#taken < this.#limit) this.#taken++;
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

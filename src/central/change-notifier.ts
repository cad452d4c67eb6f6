/** Wakes whoever waits for the next change. A waiter says up to which ring it has looked, so none falls in between. */
export class Bell {
  #rings = 0;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Ends every wait, now and from now on. */
  close(): void {
    this.#closed = true;
    this.ring();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Returns when there was a ring after `heard`, after `ms`, or when the waiter is gone. */
  async next(heard: number, ms: number, gone: AbortSignal): Promise<void> {
    if (this.#closed || this.#rings !== heard || gone.aborted) return;
    await new Promise<void>(resolve => {
      const wake = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      gone.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}

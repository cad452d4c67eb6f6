/**
 * Wakes waiters when something has changed. Each change increases the version. A waiter passes the version it has seen, so that it
 * misses no change between two waits.
 */
export class ChangeNotifier {
  #version = 0;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  get version(): number {
    return this.#version;
  }

  notify(): void {
    this.#version++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Ends all current and future waits. */
  close(): void {
    this.#closed = true;
    this.notify();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Returns when the version differs from `since`, after `ms`, or when `abort` fires. */
  async waitForChange(since: number, ms: number, abort: AbortSignal): Promise<void> {
    if (this.#closed || this.#version !== since || abort.aborted) return;
    await new Promise<void>(resolve => {
      const wake = (): void => {
        clearTimeout(timer);
        abort.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      abort.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}

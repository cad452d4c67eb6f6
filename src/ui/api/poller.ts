/**
 * Loads a value repeatedly while the page is visible. It never runs two loads at once, and knows nothing of the DOM: the hook
 * in use-poll.ts reports visibility.
 */
const RETRY_AFTER_ERROR_MS = 3_000;

export interface PollerDeps<T> {
  readonly load: (abort: AbortSignal) => Promise<T>;
  /** Milliseconds until the next load after `value`. */
  readonly chooseInterval: (value: T) => number;
  readonly onValue: (value: T) => void;
  readonly onError: (error: unknown) => void;
  readonly isVisible: () => boolean;
}

export interface Poller {
  /** Loads as soon as possible: now, or when the running load has ended. */
  refresh(): void;
  /** Stops waiting for the next load. `refresh` resumes. */
  pause(): void;
  /** Aborts the running load. Nothing is reported after this. */
  stop(): void;
}

export function startPoller<T>(deps: PollerDeps<T>): Poller {
  const control = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLoading = false;
  let isRefreshRequested = false;

  /** @returns milliseconds until the next load */
  async function load(): Promise<number> {
    try {
      const value = await deps.load(control.signal);
      if (control.signal.aborted) return 0;
      deps.onValue(value);
      return deps.chooseInterval(value);
    } catch (error) {
      if (!control.signal.aborted) deps.onError(error);
      return RETRY_AFTER_ERROR_MS;
    }
  }
  async function run(): Promise<void> {
    clearTimeout(timer);
    if (isLoading) {
      isRefreshRequested = true;
      return;
    }
    isLoading = true;
    const waitMs = await load();
    isLoading = false;
    if (control.signal.aborted) return;
    if (isRefreshRequested) {
      isRefreshRequested = false;
      void run();
    } else if (deps.isVisible()) {
      timer = setTimeout(() => void run(), waitMs);
    }
  }
  void run();
  return {
    refresh: () => void run(),
    pause: () => clearTimeout(timer),
    stop() {
      control.abort();
      clearTimeout(timer);
    },
  };
}

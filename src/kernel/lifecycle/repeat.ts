/** A loop that runs one task at a time, can be woken early, and stops cleanly. */
import { type Clock, systemClock } from './clock.ts';

export interface Repeating {
  /** Starts a run as soon as possible: now, or directly after the current run. */
  wake(): void;
  /** Prevents further runs, aborts the current one and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Runs `work` at once and then repeatedly. `work` returns the delay before its next run in milliseconds. It must handle its
 * own failures and never throw.
 */
export function repeat(work: (abort: AbortSignal) => Promise<number>, clock: Clock = systemClock): Repeating {
  const abort = new AbortController();
  let cancel = (): void => {};
  let running: Promise<void> | undefined;
  let again = false;

  const run = (): void => {
    if (abort.signal.aborted) return;
    cancel();
    if (running) {
      again = true;
      return;
    }
    running = work(abort.signal).then(delayMs => {
      running = undefined;
      if (abort.signal.aborted) return;
      const next = again ? 0 : delayMs;
      again = false;
      cancel = clock.after(next, run);
    });
  };
  run();
  return {
    wake: run,
    async stop() {
      abort.abort();
      cancel();
      await running;
    },
  };
}

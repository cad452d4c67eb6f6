/** Work that repeats: one run at a time, woken early when there is something to do, and stopped cleanly. */
import { type Clock, systemClock } from './clock.ts';

export interface Repeating {
  /** Runs as soon as possible: now, or right after the run under way. */
  wake(): void;
  /** No run starts any more; waits for the one under way. */
  stop(): Promise<void>;
}

/**
 * Runs `work` at once and then again `work`'s own answer later (milliseconds). `work` must not throw: it answers for its
 * failures itself.
 */
export function repeat(
  work: (signal: AbortSignal) => Promise<number>,
  clock: Clock = systemClock,
): Repeating {
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

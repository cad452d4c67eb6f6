/** The loop of a member (a site or a tracker) that calls central again and again, whether or not central can be reached. */
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Repeating, repeat } from './repeat.ts';

export interface MemberLoopOptions<Central> {
  /** What the loop does, for the log: "reading withdrawals". */
  readonly name: string;
  /** The client for central; undefined while this member has not joined. */
  readonly central: () => Central | undefined;
  /** Delay before the next run, unless the work returns another. Milliseconds. */
  readonly everyMs: number;
  /** Delay after a failure. Default: `everyMs`. */
  readonly retryMs?: number;
  /** Delay while this member has not joined. Default: `everyMs`. */
  readonly whenNotJoinedMs?: number;
  readonly log: Log;
  readonly clock?: Clock;
}

/**
 * Runs `work` at once and then repeatedly. `work` returns the delay before its next run in milliseconds, or nothing for
 * `everyMs`. A failure is logged once for each new reason and never ends the loop.
 */
export function memberLoop<Central>(
  options: MemberLoopOptions<Central>,
  work: (central: Central, abort: AbortSignal) => Promise<number | undefined>,
): Repeating {
  const { name, everyMs, log } = options;
  let lastFailure: string | undefined;
  return repeat(async abort => {
    const central = options.central();
    if (central === undefined) return options.whenNotJoinedMs ?? everyMs;
    try {
      const delayMs = await work(central, abort);
      lastFailure = undefined;
      return delayMs ?? everyMs;
    } catch (error) {
      const reason = messageOf(error);
      if (!abort.aborted && reason !== lastFailure) log.warn({ reason }, `${name} failed; will retry`);
      lastFailure = reason;
      return options.retryMs ?? everyMs;
    }
  }, options.clock ?? systemClock);
}

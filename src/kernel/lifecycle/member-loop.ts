/**
 * The loop of a member (a site or a tracker) that calls a peer again and again, whether or not the peer can be reached.
 * The peer is usually central.
 */
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Repeating, repeat } from './repeat.ts';

export interface MemberLoopOptions<Peer> {
  /** What the loop does, for the log: "reading withdrawals". */
  readonly name: string;
  /** The client for the peer; undefined while there is nothing to call, because this member has not joined. */
  readonly peer: () => Peer | undefined;
  /** Delay before the next run, unless the work returns another. Milliseconds. */
  readonly everyMs: number;
  /** Delay after a failure, or a function of the number of failures in a row (1 or more). Default: `everyMs`. */
  readonly retryMs?: number | ((failures: number) => number);
  /** Delay while there is no peer. Default: `everyMs`. */
  readonly whenNotJoinedMs?: number;
  readonly log: Log;
  /** Logged once when the work succeeds after a failure. */
  readonly recovered?: string;
  /** Level at which failures are logged. Default: `warn`. */
  readonly level?: 'debug' | 'warn';
  readonly clock?: Clock;
}

/**
 * Runs `work` at once and then repeatedly. `work` returns the delay before its next run in milliseconds, or nothing for
 * `everyMs`. A failure is logged once for each new reason and never ends the loop.
 */
export function memberLoop<Peer>(
  options: MemberLoopOptions<Peer>,
  work: (peer: Peer, abort: AbortSignal) => Promise<number | undefined>,
): Repeating {
  const { name, everyMs, log, retryMs = everyMs } = options;
  let failures = 0;
  let lastFailure: string | undefined;
  return repeat(async abort => {
    const peer = options.peer();
    if (peer === undefined) return options.whenNotJoinedMs ?? everyMs;
    try {
      const delayMs = await work(peer, abort);
      if (failures > 0 && options.recovered) log.info({ failures }, options.recovered);
      failures = 0;
      lastFailure = undefined;
      return delayMs ?? everyMs;
    } catch (error) {
      const reason = messageOf(error);
      if (!abort.aborted && reason !== lastFailure) {
        log[options.level ?? 'warn']({ reason }, `${name} failed; will retry`);
      }
      failures++;
      lastFailure = reason;
      return typeof retryMs === 'number' ? retryMs : retryMs(failures);
    }
  }, options.clock ?? systemClock);
}

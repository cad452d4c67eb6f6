/**
 * Publishing, as a site does it: greet central once in every start, number what was written, and send the signal "I have
 * something new" for as long as the flag says "not sent": at once when a record is written, and on the patent's timer
 * (mission, requirement 7). A site that cannot reach central goes on working; its records wait.
 */

import { failpoint } from '../../kernel/failpoint.ts';
import { type Clock, systemClock } from '../../kernel/lifecycle/clock.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type Epoch, isSameEpoch } from '../../protocol/publication/epoch.ts';
import { epochOf } from '../../protocol/publication/site-tables.ts';
import { numberDrafts } from '../database/records.ts';
import { beginStart, markSignalled, readSignal } from '../database/signal.ts';
import { type HandshakeDeps, performHandshake } from './handshake.ts';

export interface PublisherDeps extends HandshakeDeps {
  readonly newNonce: () => string;
  readonly intervalMs: number;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface Publisher extends Repeating {
  /**
   * Asks central which epoch it takes records of. If that is not ours, it has been restored, or our histories were found
   * to differ: this site greets anew.
   */
  check(ask: () => Promise<Epoch | undefined>): Promise<void>;
}

export function startPublisher(options: PublisherDeps): Publisher {
  const { db, calls, log, intervalMs } = options;
  let lastFailure: string | undefined;

  async function check(ask: () => Promise<Epoch | undefined>): Promise<void> {
    const own = epochOf(await readSignal(db));
    const theirs = await ask();
    if (!own || isSameEpoch(own, theirs) || !isSameEpoch(own, epochOf(await readSignal(db)))) return;
    log.warn({ ours: own.number, central: theirs?.number }, 'central is in another epoch; greeting it anew');
    await beginStart(db, options.newNonce());
    repeating.wake();
  }

  const repeating = repeat(async signal => {
    if (calls.site() === undefined) return intervalMs;
    try {
      if (!epochOf(await readSignal(db))) {
        await performHandshake(options, signal);
        failpoint('epoch-adopted');
        log.info({ epoch: (await readSignal(db)).epoch }, 'central was greeted');
      }
      // Read before numbering: what is written meanwhile leaves the flag as it is.
      const { flag, change } = await readSignal(db);
      while ((await numberDrafts(db)) > 0) failpoint('drafts-numbered');
      lastFailure = undefined;
      if (flag === 'sent') return intervalMs;
      await check(async () => {
        const epoch = await calls.sendSignal(signal);
        failpoint('signal-answered');
        await markSignalled(db, Number(change));
        failpoint('signal-marked-sent');
        return epoch;
      });
      return 0;
    } catch (error) {
      const reason = messageOf(error);
      if (!signal.aborted && reason !== lastFailure) {
        log.warn({ reason }, 'central was not told; it will be tried again');
      }
      lastFailure = reason;
      return intervalMs;
    }
  }, options.clock ?? systemClock);
  return { ...repeating, check };
}

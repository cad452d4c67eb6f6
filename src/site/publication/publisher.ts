/**
 * Publishes the records of a site: performs the handshake with central once in every start, numbers the drafts, and sends
 * the signal "I have new records" while the signal flag is "not sent": at once when a record is written, and then on a
 * timer. A site that cannot reach central continues to work; its records wait.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import type { Clock } from '../../kernel/lifecycle/clock.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { Problem } from '../../kernel/problem.ts';
import { type Epoch, isSameEpoch } from '../../protocol/publication/epoch.ts';
import { epochOf } from '../../protocol/publication/site-tables.ts';
import { numberDrafts } from '../database/publication/records.ts';
import { beginStart, markSignalled, readSignal } from '../database/publication/signal.ts';
import type { Central } from './central-client.ts';
import { type HandshakeDeps, performHandshake } from './handshake.ts';

type Peer = Pick<Central, 'site' | 'handshake' | 'listHeld' | 'fetchRecords' | 'sendSignal'>;

export interface PublisherDeps extends HandshakeDeps {
  readonly central: () => Peer | undefined;
  readonly newNonce: () => string;
  /** Called after each handshake, with the reason if central refused it. */
  readonly onHandshake?: (refusal: Problem | undefined) => void;
  readonly intervalMs: number;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface Publisher extends Repeating {
  /**
   * Compares the epoch of which central accepts records with this site's. If they differ, central was restored or found
   * that the histories differ, and this site repeats the handshake.
   */
  checkEpoch(fetchEpoch: () => Promise<Epoch | undefined>): Promise<void>;
}

export function startPublisher(deps: PublisherDeps): Publisher {
  const { db, central, log, intervalMs, clock } = deps;

  async function checkEpoch(fetchEpoch: () => Promise<Epoch | undefined>): Promise<void> {
    const own = epochOf(await readSignal(db));
    const theirs = await fetchEpoch();
    if (!own || isSameEpoch(own, theirs) || !isSameEpoch(own, epochOf(await readSignal(db)))) return;
    log.warn(
      { ours: own.number, central: theirs?.number },
      'central is in another epoch; repeating the handshake',
    );
    await beginStart(db, deps.newNonce());
    loop.wake();
  }

  async function handshake(peer: Peer, abort: AbortSignal): Promise<void> {
    try {
      await performHandshake(deps, peer, abort);
      deps.onHandshake?.(undefined);
    } catch (error) {
      if (error instanceof Problem) deps.onHandshake?.(error);
      throw error;
    }
  }

  const loop = memberLoop(
    { name: 'publishing to central', peer: central, everyMs: intervalMs, log, ...(clock ? { clock } : {}) },
    async (peer, abort) => {
      if (!epochOf(await readSignal(db))) {
        await handshake(peer, abort);
        failpoint('epoch-adopted');
        log.info({ epoch: (await readSignal(db)).epoch }, 'handshake with central completed');
      }
      // Read before the drafts are numbered, so that a record written meanwhile leaves the flag as it is.
      const { flag, change } = await readSignal(db);
      while ((await numberDrafts(db)) > 0) failpoint('drafts-numbered');
      if (flag === 'sent') return intervalMs;
      await checkEpoch(async () => {
        const epoch = await peer.sendSignal(abort);
        failpoint('signal-answered');
        await markSignalled(db, Number(change));
        failpoint('signal-marked-sent');
        return epoch;
      });
      return 0;
    },
  );
  return { ...loop, checkEpoch };
}

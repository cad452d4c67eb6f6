/**
 * Carries out what other sites have withdrawn: whatever this site keeps of such a video goes. The position moves on only
 * after that, and asking for what follows it is the confirmation that central shows.
 */

import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { cancelTakeover, isUnpublishedTakeover } from '../database/copies.ts';
import { noteWithdrawals, readSignal } from '../database/signal.ts';
import { findVideo, type SiteDatabase, SUPERSEDED } from '../database/videos.ts';
import type { CentralCalls } from './central-client.ts';

const RETRY_MS = 5_000;

export interface WithdrawalDeps {
  readonly db: SiteDatabase;
  readonly calls: CentralCalls;
  /** Drops all that is kept of a video: buffered segments, copies, what is open. @throws if the disk will not. */
  readonly drop: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

export function startWithdrawals({ db, calls, drop, log }: WithdrawalDeps): Repeating {
  return repeat(async signal => {
    if (calls.site() === undefined) return RETRY_MS;
    try {
      const after = Number((await readSignal(db)).withdrawals);
      const { videos, position } = await calls.awaitWithdrawals(after, signal);
      for (const video of videos) {
        // Ours and not withdrawn: another site had it before us, under this id.
        const own = await findVideo(db, video);
        if (own && isUnpublishedTakeover(own)) await cancelTakeover(db, video);
        const isOthers = own && (own.error_code === SUPERSEDED || isUnpublishedTakeover(own));
        if (!own || own.state === 'withdrawn' || isOthers) await drop(video);
      }
      await noteWithdrawals(db, position);
      if (videos.length > 0) log.info({ videos: videos.length }, 'withdrawn videos were dropped');
      // Asked again at once: that confirms it, and then waits.
      return 0;
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'withdrawals not carried out');
      return RETRY_MS;
    }
  });
}

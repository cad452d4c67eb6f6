/**
 * Carries out the withdrawals of other sites: this site deletes everything it holds of such a video. The position moves on
 * only after that, and the request for later withdrawals is the confirmation that central shows.
 */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { cancelTakeover, isUnpublishedTakeover } from '../database/publication/copies.ts';
import { noteWithdrawals, readSignal } from '../database/publication/signal.ts';
import { findVideo, type SiteDatabase, SUPERSEDED } from '../database/tables/videos.ts';
import type { Central } from './central-client.ts';

const RETRY_MS = 5_000;

export interface WithdrawalDeps {
  readonly db: SiteDatabase;
  readonly central: () => Pick<Central, 'awaitWithdrawals'> | undefined;
  /** Deletes all that is held of a video: buffered segments, copies, open files. @throws if the disk fails */
  readonly drop: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

export function startWithdrawals({ db, central, drop, log }: WithdrawalDeps): Repeating {
  return memberLoop(
    { name: 'carrying out withdrawals', peer: central, everyMs: RETRY_MS, log, level: 'debug' },
    async (peer, abort) => {
      const after = Number((await readSignal(db)).withdrawals);
      const { videos, position } = await peer.awaitWithdrawals(after, abort);
      for (const video of videos) {
        const own = await findVideo(db, video);
        // The former site of a video that this site has taken over has withdrawn it.
        if (own && isUnpublishedTakeover(own)) await cancelTakeover(db, video);
        const isOthers = own && (own.error_code === SUPERSEDED || isUnpublishedTakeover(own));
        if (!own || own.state === 'withdrawn' || isOthers) await drop(video);
      }
      await noteWithdrawals(db, position);
      if (videos.length > 0) log.info({ videos: videos.length }, 'withdrawn videos were deleted');
      // The next request confirms these at once, and then waits.
      return 0;
    },
  );
}

/**
 * Reconciles the copies at this site with the set that central has assigned. It changes one copy at a time: copies are not
 * urgent, and must not take the link from viewers.
 */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { listCopyWork, noteCopyFailure } from '../database/publication/copies.ts';
import type { CopyRow } from '../database/tables/schema.ts';
import { dropCopy, isFetch, type ReconcileCopyDeps, reconcileCopy } from './reconcile-copy.ts';

const IDLE_MS = 5_000;
/** The delay at times of day at which this site fetches nothing in advance. */
const CLOSED_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 300_000;

export interface CopyReconciler extends Repeating {
  /** Deletes the copy of a video that was withdrawn, at once. */
  dropWithdrawn(video: VideoId): Promise<void>;
}

export function startCopyReconciler(deps: ReconcileCopyDeps): CopyReconciler {
  const { db, log } = deps;
  const loop = memberLoop(
    { name: 'updating copies', peer: deps.siteId, everyMs: IDLE_MS, log },
    async (siteId, abort) => {
      const [row] = await listCopyWork(db, siteId, Date.now(), 1);
      if (!row) return IDLE_MS;
      const isClosed = (): boolean => isFetch(row, siteId) && !deps.mayFetch();
      if (isClosed()) return CLOSED_MS;
      try {
        await reconcileCopy(deps, row, abort);
      } catch (error) {
        if (abort.aborted) return 0;
        if (isClosed()) return CLOSED_MS;
        await noteFailure(deps, row, error);
      }
      return 0;
    },
  );
  return { ...loop, dropWithdrawn: video => dropCopy(deps, video, 'The video was withdrawn.', true) };
}

async function noteFailure({ db, log }: ReconcileCopyDeps, row: CopyRow, error: unknown): Promise<void> {
  const reason = messageOf(error);
  const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(row.attempts, 10));
  log.warn({ video: row.video_id, reason }, 'copy update failed; will retry');
  await noteCopyFailure(db, row.video_id, reason, Date.now() + waitMs);
}

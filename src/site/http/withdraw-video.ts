/** Withdraws a video of this site: for a person, or because the time in its record has come. */
import { failpoint } from '../../kernel/failpoint.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { deleteDrafts } from '../database/caption-drafts.ts';
import { deleteJobs } from '../database/jobs.ts';
import { changeVideo, writeTombstone } from '../database/publication/records.ts';
import { deleteRevisions } from '../database/revisions.ts';
import { markRemoved } from '../database/tables/offloading.ts';
import { type SiteDatabase, SUPERSEDED, type VideoWithRecord } from '../database/tables/videos.ts';
import type { Storage } from '../media/storage/storage.ts';

export interface WithdrawVideoDeps {
  readonly db: SiteDatabase;
  readonly storage: Pick<Storage, 'remove'>;
  readonly onRecord: () => void;
  /** Closes the files of a withdrawn video and deletes it from the buffer. */
  readonly onWithdrawn: (video: VideoId) => Promise<void>;
}

export const describeWithdrawal = ({ id, name, state }: VideoWithRecord) =>
  ({ action: 'video.withdraw', object: `video:${id}`, before: { name, state } }) as const;

/** @param note writes the entry of the audit log, in the transaction of the withdrawal */
export async function withdrawVideo(
  { db, storage, onRecord, onWithdrawn }: WithdrawVideoDeps,
  row: VideoWithRecord,
  note: (transaction: SiteDatabase) => Promise<void>,
): Promise<void> {
  const { id } = row;
  const changed = await changeVideo(db, id, {
    onlyFrom: ['checking', 'preparing', 'ready', 'failed'],
    changes: { state: 'withdrawn', approval: null, approval_comment: null },
    also: async transaction => {
      // A video that another site has taken over can only be withdrawn there.
      if (row.error_code !== SUPERSEDED) await writeTombstone(transaction, id);
      await note(transaction);
    },
  });
  if (!changed) return;
  failpoint('withdrawal-written');
  onRecord();
  await onWithdrawn(id);
  await deleteJobs(db, id);
  failpoint('withdrawal-buffer-dropped');
  await deleteRevisions(db, id);
  await deleteDrafts(db, id);
  await storage.remove(id);
  await markRemoved(db, id);
  failpoint('withdrawal-files-removed');
}

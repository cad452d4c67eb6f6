/** The offload of videos to the object store behind the disks: which are not there yet, and which are there in part. */
import type { RevisionId, VideoId } from '../../../protocol/base/ids.ts';
import type { VideoRow } from './schema.ts';
import type { SiteDatabase } from './videos.ts';

/** `begun` is written before the first object, so that a deletion of the video also looks into the object store. */
export const OFFLOAD = { no: 0, begun: 1, done: 2 } as const;

/** Lists published videos that are complete, and whose current revision is not offloaded. */
export const listNotOffloaded = (
  db: SiteDatabase,
  limit: number,
  /** A video waits until its extras are made, or until this number of attempts has failed. */
  extrasAttempts: number,
): Promise<VideoRow[]> =>
  db
    .selectFrom('videos')
    .selectAll()
    .where('state', '=', 'ready')
    .where('offloaded', '<', OFFLOAD.done)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('jobs')
            .select('jobs.id')
            .whereRef('jobs.video_id', '=', 'videos.id')
            .where('jobs.state', '=', 'open'),
        ),
      ),
    )
    .where(({ eb, or }) => or([eb('extras_made', '=', 1), eb('extras_attempts', '>=', extrasAttempts)]))
    .orderBy('id')
    .limit(limit)
    .execute();

export async function markOffloadBegun(db: SiteDatabase, id: VideoId): Promise<void> {
  await db.updateTable('videos').set({ offloaded: OFFLOAD.begun }).where('id', '=', id).execute();
}

/** Marks the offload as complete, unless the video got a new revision meanwhile. */
export async function markOffloaded(
  db: SiteDatabase,
  id: VideoId,
  revision: RevisionId | null,
): Promise<void> {
  await db
    .updateTable('videos')
    .set({ offloaded: OFFLOAD.done })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .where('state', '=', 'ready')
    .execute();
}

/** Stores that no file of the video is left, here or in the object store. */
export async function markRemoved(db: SiteDatabase, id: VideoId): Promise<void> {
  await db.updateTable('videos').set({ offloaded: OFFLOAD.no }).where('id', '=', id).execute();
}

/** Which videos are still to be offloaded in the object store behind the disks, and of which something is there. */
import type { RevisionId, VideoId } from '../../protocol/ids.ts';
import type { VideoRow } from './schema.ts';
import type { SiteDatabase } from './videos.ts';

/** Begun is written before the first object, so that whoever removes a video knows where to look. */
export const OFFLOAD = { no: 0, begun: 1, done: 2 } as const;

/** Published, with nothing more to be made of it, and not offloaded in its present revision. */
export const listNotOffloaded = (
  db: SiteDatabase,
  limit: number,
  /** Pictures and captions are made here: a video waits for its own, or until they were tried for often enough. */
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

/** Done, unless it got a new revision meanwhile. */
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

/** Nothing of it is left anywhere. */
export async function markRemoved(db: SiteDatabase, id: VideoId): Promise<void> {
  await db.updateTable('videos').set({ offloaded: OFFLOAD.no }).where('id', '=', id).execute();
}

/** What has changed in the studio since a number of the sequence of changes. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { SiteDatabase, VisibleVideos } from '../tables/videos.ts';
import { isVisible, listStudioJobs, type StudioJob } from './list-jobs.ts';

/** The number of the last change. */
export async function readChanged(db: SiteDatabase): Promise<number> {
  const { changed } = await db.selectFrom('studio_state').select('changed').executeTakeFirstOrThrow();
  return Number(changed);
}

export interface StudioChanges {
  /** Everything up to this number is included. */
  readonly until: number;
  readonly videos: readonly VideoId[];
  readonly jobs: readonly StudioJob[];
  readonly removed: readonly string[];
}

interface ChangesQuery {
  readonly since: number;
  readonly visible: VisibleVideos;
  readonly visibleJobs: VisibleVideos;
  /** The number of videos, jobs and removals each. */
  readonly limit: number;
}

export async function listChanges(
  db: SiteDatabase,
  { since, visible, visibleJobs, limit }: ChangesQuery,
): Promise<StudioChanges> {
  const last = await readChanged(db);
  const videos = await db
    .selectFrom('studio_videos')
    .select(['video_id', 'changed'])
    .where('changed', '>', since)
    .where(isVisible(visible))
    .orderBy('changed')
    .limit(limit)
    .execute();
  const jobs = await listStudioJobs(db, { visible: visibleJobs, changedAfter: since, limit });
  const removals = await db
    .selectFrom('studio_removals')
    .select(['item', 'changed'])
    .where('changed', '>', since)
    .orderBy('changed')
    .limit(limit)
    .execute();
  // A list that is cut off ends the page for all of them.
  const until = Math.min(
    last,
    ...[videos, jobs, removals].map(rows =>
      rows.length < limit ? last : Number(rows.at(-1)?.changed ?? last),
    ),
  );
  const isWithin = ({ changed }: { readonly changed: number }): boolean => Number(changed) <= until;
  return {
    until,
    videos: videos.filter(isWithin).map(({ video_id }) => video_id),
    jobs: jobs.filter(isWithin),
    removed: removals.filter(isWithin).map(({ item }) => item),
  };
}

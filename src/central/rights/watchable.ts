/** What decides who may watch a video, as central knows it. */
import { type Problem, problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { Watchable } from '../../protocol/people/viewing.ts';
import { findVideo } from '../database/catalogue.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { listVideoGroups } from '../database/video-groups.ts';

export interface WatchableVideo {
  readonly row: NonNullable<Awaited<ReturnType<typeof findVideo>>>;
  readonly watchable: Watchable;
}

/** The queries are the same for every id, so that the time does not reveal whether there is such a video. */
export async function findWatchable(
  db: CentralDatabase,
  video: VideoId,
): Promise<WatchableVideo | undefined> {
  const row = await findVideo(db, video);
  const groups = await listVideoGroups(db, video);
  if (!row) return undefined;
  const watchable: Watchable = {
    audience: row.private === 1 ? (row.audience ?? 'private') : 'public',
    groups: groups.filter(({ site }) => site === row.site_id).map(({ group }) => group),
    site: row.site_id,
    series: row.series_id ?? undefined,
    owner: row.owner_id ?? undefined,
  };
  return { row, watchable };
}

export const videoUnknown = (): Problem => problem('video-unknown', 'There is no such video.');

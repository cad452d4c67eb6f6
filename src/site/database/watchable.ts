/** Which videos that are not public a viewer may watch at this site, by what the site itself knows of them. */
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import { type Audience, type AudienceOfVideo, audienceOf } from '../../protocol/people/audience.ts';
import { type Action, isAllowed } from '../../protocol/people/permissions.ts';
import { mayWatch, type Viewer } from '../../protocol/people/viewing.ts';
import type { VideoRecord } from '../../protocol/publication/record.ts';
import { phaseAt } from '../../protocol/publication/schedule.ts';
import { audienceOfRow, isPending, targetOf } from './tables/people-columns.ts';
import type { VideoRow } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

export interface ViewerHere {
  readonly viewer: Viewer;
  /** The id of this site; undefined until it has joined. */
  readonly site: SiteId | undefined;
}

/** A video of which another part says that it is not public, although the row here says so, is shown to its editors only. */
const hidden = (audience: Audience): Audience => (audience === 'public' ? 'private' : audience);

/**
 * Returns those of these videos, which are not public, that the viewer may watch, with their audiences: own videos that need no
 * approval, and copies. Of other videos, the site does not know the audience.
 */
export async function listWatchable(
  db: SiteDatabase,
  videos: readonly VideoId[],
  { viewer, site }: ViewerHere,
): Promise<ReadonlyMap<VideoId, Audience>> {
  if (videos.length === 0 || (viewer.permissions.length === 0 && viewer.groups.length === 0))
    return new Map();
  const own = await db
    .selectFrom('videos')
    .select(['id', 'private', 'audience', 'groups', 'owner_id', 'series_id', 'publish_at'])
    .where('id', 'in', videos)
    .where('approval', 'is', null)
    .execute();
  const copies = await db
    .selectFrom('copies')
    .select(['video_id', 'origin', 'held_record'])
    .where('video_id', 'in', videos)
    .where('held_record', 'is not', null)
    .execute();
  const all = [
    ...own.map(row => ({ id: row.id, ...audienceNow(row), ...targetOf(site, row) })),
    ...copies.flatMap(({ video_id: id, origin, held_record }) => {
      const record = JSON.parse(held_record ?? '{}') as Partial<VideoRecord>;
      const phase = phaseAt(record, Date.now());
      if (phase === 'expired') return [];
      return {
        id,
        ...(phase === 'pending'
          ? EDITORS_ONLY
          : { audience: audienceOf(record), groups: record.groups ?? [] }),
        site: origin,
        series: record.series?.id,
        owner: record.owner?.id,
      };
    }),
  ].map(video => ({ ...video, audience: hidden(video.audience) }));
  return new Map(all.filter(video => mayWatch(viewer, video)).map(({ id, audience }) => [id, audience]));
}

type WatchableRow = Pick<
  VideoRow,
  'private' | 'audience' | 'groups' | 'owner_id' | 'series_id' | 'publish_at'
>;

const EDITORS_ONLY: AudienceOfVideo = { audience: 'private', groups: [] };
/** Before its publishAt, only those who may edit a video may know it. */
const audienceNow = (row: WatchableRow): AudienceOfVideo =>
  isPending(row) ? EDITORS_ONLY : audienceOfRow(row);

/** For somebody else, a video of this site is one that does not exist. */
export const mayKnow = ({ viewer, site }: ViewerHere, row: WatchableRow, action: Action): boolean => {
  const target = targetOf(site, row);
  return mayWatch(viewer, { ...audienceNow(row), ...target }) || isAllowed(viewer, action, target);
};

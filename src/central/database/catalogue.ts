/** The catalogue: listing for viewers, and the registrations by trackers. */

import { listAccess, type VideoAccess } from '../../kernel/access/video-access.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { Viewer } from '../../protocol/people/viewing.ts';
import type { Cursor } from './cursor.ts';
import { registeredUpTo } from './feed.ts';
import type { CentralDatabase, VideoRow } from './schema.ts';
import { parseStoredRecord } from './stored-record.ts';

/** How many selects are united in one statement. SQLite accepts 500. */
const MAX_UNITED = 100;

export interface VideoQuery {
  readonly site?: SiteId | undefined;
  readonly limit: number;
  /** Only the videos that this viewer may watch are listed. */
  readonly viewer: Viewer;
  readonly before?: Cursor | undefined;
}

export const videoColumns = [
  'videos.site_id',
  'videos.video_id',
  'videos.version',
  'videos.body',
  'videos.withdrawn',
  'videos.published_at',
  'videos.private',
  'videos.audience',
  'videos.owner_id',
  'videos.series_id',
  'videos.publish_at',
  'members.name as site_name',
  sql<
    number | null
  >`(select at from registrations where registrations.position >= videos.position order by registrations.position limit 1)`.as(
    'registered_at',
  ),
] as const;

export type ListedVideo = Pick<
  VideoRow,
  | 'site_id'
  | 'video_id'
  | 'version'
  | 'body'
  | 'withdrawn'
  | 'published_at'
  | 'private'
  | 'audience'
  | 'owner_id'
  | 'series_id'
  | 'publish_at'
> & {
  readonly site_name: string;
  /** Null while no tracker has registered this version. */
  readonly registered_at: number | null;
};

/**
 * Lists the newest videos first. Returns one row more than `limit` if there are more. Each kind of access has its own index, so
 * videos that the viewer may not watch are not read and do not change the time of the response.
 */
export async function listVideos(db: CentralDatabase, query: VideoQuery): Promise<ListedVideo[]> {
  const access = listAccess(query.viewer);
  const found = new Map<string, ListedVideo>();
  for (let at = 0; at < access.length; at += MAX_UNITED) {
    const rows = await listAccessible(db, query, access.slice(at, at + MAX_UNITED));
    for (const row of rows) found.set(`${row.site_id} ${row.video_id}`, row);
  }
  return [...found.values()].sort(newestFirst).slice(0, query.limit + 1);
}

const newestFirst = (a: ListedVideo, b: ListedVideo): number =>
  b.published_at - a.published_at || (a.video_id < b.video_id ? 1 : -1);

async function listAccessible(
  db: CentralDatabase,
  query: VideoQuery,
  access: readonly VideoAccess[],
): Promise<ListedVideo[]> {
  const [first, ...others] = access.map(one =>
    db.selectFrom(newestOf(db, query, one).as('accessible')).selectAll(),
  );
  if (!first) return [];
  const found = others.reduce((all, other) => all.union(other), first);
  return db
    .selectFrom(found.as('found'))
    .innerJoin('videos', join =>
      join.onRef('videos.site_id', '=', 'found.site_id').onRef('videos.video_id', '=', 'found.video_id'),
    )
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(videoColumns)
    .orderBy('videos.published_at', 'desc')
    .orderBy('videos.video_id', 'desc')
    .limit(query.limit + 1)
    .execute();
}

/** The newest videos of one kind of access. */
function newestOf(db: CentralDatabase, { site, limit, before }: VideoQuery, access: VideoAccess) {
  // The index of groups is sorted by its own column.
  const sorted = access.group === undefined ? 'videos' : 'video_groups';
  let select = db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .$if(access.group !== undefined, query =>
      query
        .innerJoin('video_groups', join =>
          join
            .onRef('video_groups.site_id', '=', 'videos.site_id')
            .onRef('video_groups.video_id', '=', 'videos.video_id'),
        )
        .where('video_groups.group_id', '=', access.group ?? ''),
    )
    .select(['videos.site_id', 'videos.video_id', 'videos.published_at'])
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.superseded_by', 'is', null)
    .where('members.revoked_at', 'is', null);
  if (access.audience === 'public') select = select.where('videos.private', '!=', sql.lit(1));
  if (access.audience === 'internal') select = select.where('videos.audience', '=', sql.lit('internal'));
  if (access.site) select = select.where('videos.site_id', '=', access.site);
  if (access.series) select = select.where('videos.series_id', '=', access.series);
  if (access.owner) select = select.where('videos.owner_id', '=', access.owner);
  if (site) select = select.where('videos.site_id', '=', site);
  const [at, id] = [sql.ref<number>(`${sorted}.published_at`), sql.ref<string>(`${sorted}.video_id`)];
  if (before) select = select.where(sql<boolean>`(${at}, ${id}) < (${before.at}, ${before.id})`);
  return select
    .orderBy(at, 'desc')
    .orderBy(id, 'desc')
    .limit(limit + 1);
}

/** Finds the video with this id. If several sites published it, an active site wins over a revoked one, then the first site. */
export function findVideo(
  db: CentralDatabase,
  video: VideoId,
): Promise<(ListedVideo & { readonly revoked_at: number | null }) | undefined> {
  return db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select([...videoColumns, 'members.revoked_at'])
    .where('videos.video_id', '=', video)
    .where('videos.kind', '=', sql.lit('video'))
    .orderBy(sql`case when members.revoked_at is null and videos.superseded_by is null then 0 else 1 end`)
    .orderBy('videos.published_at')
    .executeTakeFirst();
}

export interface CopyAddress {
  readonly site: SiteId;
  readonly address: string;
}

/** Lists, by video, the sites that hold a complete copy of the given revision. */
export async function listCopies(
  db: CentralDatabase,
  revisions: ReadonlyMap<VideoId, RevisionId>,
): Promise<ReadonlyMap<VideoId, readonly CopyAddress[]>> {
  const copies = new Map<VideoId, CopyAddress[]>();
  if (revisions.size === 0) return copies;
  const rows = await db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(['videos.site_id', 'videos.video_id', 'videos.body'])
    .where('videos.video_id', 'in', [...revisions.keys()])
    .where('videos.kind', '=', sql.lit('copy'))
    .where('members.revoked_at', 'is', null)
    .orderBy('videos.published_at')
    .execute();
  for (const row of rows) {
    const video = row.video_id;
    const record = parseStoredRecord(row.body);
    if (record.kind !== 'copy' || record.revision !== revisions.get(video)) continue;
    const known = copies.get(video) ?? [];
    copies.set(video, [...known, { site: row.site_id, address: record.sourceAddress }]);
  }
  return copies;
}

export async function listRegistrations(
  db: CentralDatabase,
  site: SiteId,
  videos: readonly VideoId[],
): Promise<{ video: VideoId; version: number }[]> {
  const rows = await db
    .selectFrom('videos')
    .select(['video_id', 'version'])
    .where('site_id', '=', site)
    .where('video_id', 'in', videos)
    .where('position', '<=', await registeredUpTo(db))
    .execute();
  return rows.map(row => ({ video: row.video_id, version: row.version }));
}

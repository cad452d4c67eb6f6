/** The catalogue: listing and search for viewers, and the registrations by trackers. */

import { sql } from '../../kernel/sql/sql.ts';
import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import { searchWords } from '../../protocol/base/text.ts';
import type { Cursor } from './cursor.ts';
import { registeredUpTo } from './feed.ts';
import type { CentralDatabase, VideoRow } from './schema.ts';
import { parseStoredRecord } from './stored-record.ts';

export interface VideoQuery {
  readonly q?: string | undefined;
  readonly site?: SiteId | undefined;
  readonly limit: number;
  /** True for operators, who also see private videos. */
  readonly withPrivate: boolean;
  readonly before?: Cursor | undefined;
}

const videoColumns = [
  'videos.site_id',
  'videos.video_id',
  'videos.version',
  'videos.body',
  'videos.withdrawn',
  'videos.published_at',
  'videos.private',
  'members.name as site_name',
  sql<
    number | null
  >`(select at from registrations where registrations.position >= videos.position order by registrations.position limit 1)`.as(
    'registered_at',
  ),
] as const;

export type ListedVideo = Pick<
  VideoRow,
  'site_id' | 'video_id' | 'version' | 'body' | 'withdrawn' | 'published_at' | 'private'
> & {
  readonly site_name: string;
  /** Null while no tracker has registered this version. */
  readonly registered_at: number | null;
};

/** Lists the newest videos first. Returns one row more than `limit` if there are more. */
export function listVideos(db: CentralDatabase, query: VideoQuery): Promise<ListedVideo[]> {
  let select = db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(videoColumns)
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.superseded_by', 'is', null)
    .where('members.revoked_at', 'is', null);
  if (!query.withPrivate) select = select.where('videos.private', '!=', sql.lit(1));
  if (query.site) select = select.where('videos.site_id', '=', query.site);
  if (query.before) {
    const { at, id } = query.before;
    select = select.where(sql<boolean>`(videos.published_at, videos.video_id) < (${at}, ${id})`);
  }
  for (const word of searchWords(query.q)) {
    // LIKE is used instead of a full-text index. Chinese is written without spaces, so a word tokenizer finds nothing inside a
    // sentence, and a trigram index cannot find words of one or two characters, which most Chinese words are. A scan of the
    // short normalised texts takes milliseconds for catalogues of this size and works for every script.
    select = select.where(sql<boolean>`videos.search_text like ${`%${escapeLike(word)}%`} escape '\\'`);
  }
  return select
    .orderBy('videos.published_at', 'desc')
    .orderBy('videos.video_id', 'desc')
    .limit(query.limit + 1)
    .execute();
}

const escapeLike = (word: string): string => word.replaceAll(/[\\%_]/g, '\\$&');

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

/** The videos that everyone may know, for pages and feeds that programs read. Nothing here depends on the client. */
import { sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { SeriesOrder } from '../../../protocol/catalogue/series.ts';
import type { SeriesId } from '../../../protocol/people/permissions.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import { phaseAt } from '../../../protocol/publication/schedule.ts';
import { findVideo } from '../catalogue.ts';
import type { Cursor } from '../cursor.ts';
import type { CentralDatabase, VideoRow } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';

export interface PublicVideo {
  readonly record: VideoRecord;
  readonly siteName: string;
  /** Milliseconds since 1970. */
  readonly publishedAtMs: number;
}

type Row = Pick<VideoRow, 'body' | 'private' | 'withdrawn' | 'published_at'> & { readonly site_name: string };

/** Undefined if not everyone may know the video now. The record decides also when its site is disconnected. */
export function readPublic(row: Row, nowMs: number): PublicVideo | undefined {
  if (row.private === 1 || row.withdrawn !== 0) return undefined;
  const record = parseStoredRecord(row.body);
  if (record.kind !== 'video' || phaseAt(record, nowMs) !== 'current') return undefined;
  return { record, siteName: row.site_name, publishedAtMs: Number(row.published_at) };
}

export async function findPublicVideo(
  db: CentralDatabase,
  id: VideoId,
  nowMs: number,
): Promise<PublicVideo | undefined> {
  const row = await findVideo(db, id);
  return row && row.revoked_at === null ? readPublic(row, nowMs) : undefined;
}

/** The conditions of the partial indexes of public videos, literally. */
const listed = (db: CentralDatabase) =>
  db
    .selectFrom('videos')
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.superseded_by', 'is', null)
    .where('videos.private', '!=', sql.lit(1));

const withSite = (db: CentralDatabase) =>
  listed(db)
    .innerJoin('members', 'members.id', 'videos.site_id')
    .where('members.revoked_at', 'is', null)
    .select([
      'videos.video_id',
      'videos.body',
      'videos.private',
      'videos.withdrawn',
      'videos.published_at',
      'members.name as site_name',
    ]);

const readAll = (rows: readonly Row[], nowMs: number): PublicVideo[] =>
  rows.flatMap(row => readPublic(row, nowMs) ?? []);

/** The public videos of a series in its order, at most `limit` of the newest. */
export async function listSeriesVideos(
  db: CentralDatabase,
  { id, order, limit }: { readonly id: SeriesId; readonly order: SeriesOrder; readonly limit: number },
  nowMs: number,
): Promise<PublicVideo[]> {
  const rows = await withSite(db)
    .where('videos.series_id', '=', id)
    .orderBy('videos.published_at', 'desc')
    .orderBy('videos.video_id', 'desc')
    .limit(limit)
    .execute();
  const found = readAll(rows, nowMs);
  if (order === 'date') return found.sort((a, b) => recordedAtMs(b) - recordedAtMs(a));
  const positionOf = ({ record }: PublicVideo): number => record.series?.position ?? Number.MAX_SAFE_INTEGER;
  return found.sort((a, b) => positionOf(a) - positionOf(b) || a.publishedAtMs - b.publishedAtMs);
}

const recordedAtMs = ({ record, publishedAtMs }: PublicVideo): number =>
  record.recordedAt === undefined ? publishedAtMs : Date.parse(record.recordedAt);

/** The public videos from `from` on, the oldest first, with the cursor of the row after them. */
export async function listPublicVideos(
  db: CentralDatabase,
  { from, limit }: { readonly from: Cursor; readonly limit: number },
  nowMs: number,
): Promise<{ readonly videos: readonly PublicVideo[]; readonly next: Cursor | undefined }> {
  const rows = await withSite(db)
    .where(sql<boolean>`(videos.published_at, videos.video_id) >= (${from.at}, ${from.id})`)
    .orderBy('videos.published_at')
    .orderBy('videos.video_id')
    .limit(limit + 1)
    .execute();
  const after = rows[limit];
  return {
    videos: readAll(rows.slice(0, limit), nowMs),
    next: after && { at: Number(after.published_at), id: after.video_id },
  };
}

/** Where the list of public videos is after `count` videos from `from` on: an index decides, no record is read. */
export async function skipPublicVideos(
  db: CentralDatabase,
  from: Cursor,
  count: number,
): Promise<Cursor | undefined> {
  const row = await listed(db)
    .select(['videos.published_at', 'videos.video_id'])
    .where(sql<boolean>`(videos.published_at, videos.video_id) >= (${from.at}, ${from.id})`)
    .orderBy('videos.published_at')
    .orderBy('videos.video_id')
    .limit(1)
    .offset(count)
    .executeTakeFirst();
  return row && { at: Number(row.published_at), id: row.video_id };
}

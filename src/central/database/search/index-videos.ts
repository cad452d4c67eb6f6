/** Keeps the index of the catalogue in the transactions that change the catalogue, and afterwards for changes of many videos. */

import { deleteCaptions, readCaptionLexemes } from '../../../kernel/search/database/captions.ts';
import { searchTables } from '../../../kernel/search/database/tables.ts';
import { writeDocuments } from '../../../kernel/search/database/write.ts';
import { makeDocument } from '../../../kernel/search/document.ts';
import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { SeriesId } from '../../../protocol/people/permissions.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';
import { listedAudience } from './listed-audience.ts';

/** How many videos are read at a time. */
const STEP = 100;

/**
 * Writes the documents of these videos as the catalogue lists them now, and removes those of videos that it does not list.
 *
 * @param seqs the numbers of videos that have a place in the order, but no document yet
 */
export async function indexVideos(
  tx: CentralTransaction,
  videos: readonly VideoId[],
  seqs: ReadonlyMap<VideoId, number> = new Map(),
): Promise<void> {
  const unique = [...new Set(videos)];
  for (let at = 0; at < unique.length; at += STEP) await indexStep(tx, unique.slice(at, at + STEP), seqs);
}

async function indexStep(
  tx: CentralTransaction,
  videos: readonly VideoId[],
  seqs: ReadonlyMap<VideoId, number>,
): Promise<void> {
  const rows = await tx
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .leftJoin('series', 'series.id', 'videos.series_id')
    .select([
      'videos.site_id',
      'videos.video_id',
      'videos.body',
      'videos.private',
      'videos.audience',
      'series.title as series_title',
    ])
    .where(isAmong(tx, 'videos.video_id', videos))
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.superseded_by', 'is', null)
    .where('members.revoked_at', 'is', null)
    .orderBy('videos.published_at', 'desc')
    .execute();
  const listed = new Map(rows.map(row => [row.video_id, row]));
  const search = searchTables(tx);
  await deleteCaptions(
    search,
    videos.filter(video => !listed.has(video)),
  );
  const captions = await readCaptionLexemes(search, [...listed.keys()]);
  const documents = videos.map(video => {
    const row = listed.get(video);
    const record = row && parseStoredRecord(row.body);
    if (!row || record?.kind !== 'video') return { video, document: undefined };
    const audience = listedAudience(row);
    const document = makeDocument(
      {
        ...record,
        site: row.site_id,
        audience,
        groups: audience === 'groups' ? (record.groups ?? []) : [],
        owner: record.owner?.id,
        series: record.series && { id: record.series.id, title: row.series_title ?? '' },
      },
      {
        has: record.renditions.some(({ kind }) => kind === 'captions'),
        lexemes: captions.get(video) ?? [],
      },
    );
    return { video, document, seq: seqs.get(video) };
  });
  await writeDocuments(search, documents);
}

/** The same for videos that appear now, although they have been known before: they become the newest. */
export async function indexAsNew(tx: CentralTransaction, videos: readonly VideoId[]): Promise<void> {
  await writeDocuments(
    searchTables(tx),
    videos.map(video => ({ video, document: undefined })),
  );
  await indexVideos(tx, videos);
}

/** Queues the videos of a site that was revoked or has joined again. */
export const queueSite = (tx: CentralTransaction, site: SiteId): Promise<void> =>
  queue(tx, sql`site_id = ${site}`);

/** Queues the videos of a series whose title has changed. */
export const queueSeries = (tx: CentralTransaction, series: SeriesId): Promise<void> =>
  queue(tx, sql`series_id = ${series}`);

async function queue(tx: CentralTransaction, condition: ReturnType<typeof sql>): Promise<void> {
  await sql`insert into search_queue (video_id, seq)
    select distinct video_id, 0 from videos where kind = 'video' and withdrawn = 0 and ${condition}
    on conflict do nothing`.execute(tx);
}

/**
 * Indexes a few queued videos, the newest first.
 *
 * @returns false if none is queued
 */
export function indexQueued(db: CentralDatabase, limit: number): Promise<boolean> {
  return db.transaction().execute(async tx => {
    const queued = await tx
      .selectFrom('search_queue')
      .select(['video_id', 'seq'])
      .orderBy('seq', 'desc')
      .orderBy('video_id', 'desc')
      .limit(limit)
      .execute();
    if (queued.length === 0) return false;
    const videos = queued.map(({ video_id }) => video_id);
    // The lock of these rows makes a record that is being written wait, and the other way round.
    await tx
      .deleteFrom('search_queue')
      .where(isAmong(tx, 'video_id', videos))
      .execute();
    const numbered = queued
      .filter(({ seq }) => seq > 0)
      .map(({ video_id, seq }) => [video_id, Number(seq)] as const);
    await indexVideos(tx, videos, new Map(numbered));
    return true;
  });
}

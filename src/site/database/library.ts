/**
 * The library: all videos that can be played without any other site, which are this site's own videos, its copies, and those
 * of which its buffer holds something. A search matches all words of the query, in any script.
 */
import type { RevisionId, VideoId } from '../../protocol/base/ids.ts';
import { normaliseForSearch, searchWords } from '../../protocol/base/text.ts';
import type { Pictures } from '../../protocol/media/media.ts';
import type { VideoRecord } from '../../protocol/publication/record.ts';
import { parseExtras } from './extras.ts';
import type { CatalogueEntryRow } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

export interface LibraryVideo {
  readonly id: VideoId;
  readonly revision: RevisionId;
  readonly name: string;
  readonly description: string;
  readonly durationMs: number;
  readonly pictures: Pictures;
  readonly holding: 'own' | 'copy' | 'partly';
}

interface Title extends Pick<LibraryVideo, 'id' | 'name' | 'description' | 'holding'> {}

const NO_PICTURES: Pictures = { poster: false, storyboard: false };

/** Lists videos with an id below `before`, newest first (UUIDv7 sorts by time); one more than `limit` if there are more. */
export async function listLibrary(
  db: SiteDatabase,
  query: {
    readonly q: string | undefined;
    readonly before: string | undefined;
    readonly limit: number;
    /** The videos of which the buffer holds something. */
    readonly buffered: ReadonlySet<VideoId>;
    /** Private ones are not listed. */
    readonly isPrivate: (video: VideoId) => boolean;
  },
): Promise<LibraryVideo[]> {
  const words = searchWords(query.q);
  const titles = new Map<VideoId, Title>();
  for (const title of await listTitles(db, query.buffered)) {
    if (query.isPrivate(title.id)) continue;
    if (query.before !== undefined && title.id >= query.before) continue;
    const text = normaliseForSearch(`${title.name}\n${title.description}`);
    // An own video comes before a copy, and a copy before a buffered video.
    if (!titles.has(title.id) && words.every(word => text.includes(word))) titles.set(title.id, title);
  }
  const page = [...titles.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit + 1);
  const described = await Promise.all(page.map(title => describe(db, title)));
  return described.filter(video => video !== undefined);
}

async function listTitles(db: SiteDatabase, buffered: ReadonlySet<VideoId>): Promise<Title[]> {
  const columns = ['name', 'description'] as const;
  const own = await db
    .selectFrom('videos')
    .select(['id', ...columns])
    .where('state', '=', 'ready')
    .execute();
  const copies = await db
    .selectFrom('copies')
    .select(['video_id as id', ...columns])
    .where('held_revision', 'is not', null)
    .execute();
  const entries = await db
    .selectFrom('catalogue_entries')
    .select(['video_id as id', ...columns])
    .execute();
  const as = (holding: Title['holding']) => (row: Pick<Title, 'id' | 'name' | 'description'>) => ({
    ...row,
    id: row.id,
    holding,
  });
  return [
    ...own.map(as('own')),
    ...copies.map(as('copy')),
    ...entries.map(as('partly')).filter(({ id }) => buffered.has(id)),
  ];
}

async function describe(db: SiteDatabase, title: Title): Promise<LibraryVideo | undefined> {
  const found = await (title.holding === 'own'
    ? describeOwn(db, title.id)
    : title.holding === 'copy'
      ? describeCopy(db, title.id)
      : describeCatalogueEntry(db, title.id));
  return found && { ...title, ...found };
}

type Facts = Pick<LibraryVideo, 'revision' | 'durationMs' | 'pictures'>;

async function describeOwn(db: SiteDatabase, id: VideoId): Promise<Facts | undefined> {
  const row = await db
    .selectFrom('videos')
    .select(['revision', 'prepared', 'extras'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row?.revision || !row.prepared) return undefined;
  const { durationMs, takenOver } = JSON.parse(row.prepared) as {
    durationMs: number;
    takenOver?: { pictures?: Pictures };
  };
  const { poster, storyboard } = parseExtras(row.extras);
  const pictures = takenOver?.pictures ?? {
    poster: poster !== undefined,
    storyboard: storyboard !== undefined,
  };
  return { revision: row.revision, durationMs, pictures };
}

async function describeCopy(db: SiteDatabase, id: VideoId): Promise<Facts | undefined> {
  const row = await db
    .selectFrom('copies')
    .select(['held_revision', 'held_record'])
    .where('video_id', '=', id)
    .executeTakeFirst();
  if (!row?.held_revision || !row.held_record) return undefined;
  const { durationMs, pictures = NO_PICTURES } = JSON.parse(row.held_record) as VideoRecord;
  return { revision: row.held_revision, durationMs, pictures };
}

async function describeCatalogueEntry(db: SiteDatabase, id: VideoId): Promise<Facts | undefined> {
  const row = await db
    .selectFrom('catalogue_entries')
    .selectAll()
    .where('video_id', '=', id)
    .executeTakeFirst();
  if (!row) return undefined;
  const pictures = row.pictures === null ? NO_PICTURES : (JSON.parse(row.pictures) as Pictures);
  return { revision: row.revision, durationMs: Number(row.duration_ms), pictures };
}

/** Returns those videos whose catalogue entry is missing or older than `sinceMs`. */
export async function listUnsynced(
  db: SiteDatabase,
  videos: readonly VideoId[],
  sinceMs: number,
): Promise<VideoId[]> {
  if (videos.length === 0) return [];
  const known = [
    ...(await db.selectFrom('videos').select('id').where('id', 'in', videos).execute()),
    ...(await db.selectFrom('copies').select('video_id as id').where('video_id', 'in', videos).execute()),
    ...(await db
      .selectFrom('catalogue_entries')
      .select('video_id as id')
      .where('video_id', 'in', videos)
      .where('synced_ms', '>=', sinceMs)
      .execute()),
  ];
  const ids = new Set(known.map(({ id }) => id));
  return videos.filter(id => !ids.has(id));
}

export async function writeCatalogueEntry(db: SiteDatabase, row: CatalogueEntryRow): Promise<void> {
  await db
    .insertInto('catalogue_entries')
    .values(row)
    .onConflict(conflict => conflict.column('video_id').doUpdateSet(row))
    .execute();
}

export async function deleteCatalogueEntry(db: SiteDatabase, video: VideoId): Promise<void> {
  await db.deleteFrom('catalogue_entries').where('video_id', '=', video).execute();
}

/**
 * The library: all videos that can be played without any other site, which are this site's own videos, its copies, and those
 * of which its buffer holds something.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import { isAmong } from '../../kernel/sql/rows.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { Pictures } from '../../protocol/media/media.ts';
import type { Audience } from '../../protocol/people/audience.ts';
import type { Viewer } from '../../protocol/people/viewing.ts';
import type { VideoRecord } from '../../protocol/publication/record.ts';
import { parseExtras } from './extras.ts';
import type { CatalogueEntryRow } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';
import { listWatchable } from './watchable.ts';

export interface LibraryVideo {
  readonly id: VideoId;
  readonly revision: RevisionId;
  readonly name: string;
  readonly description: string;
  readonly durationMs: number;
  readonly pictures: Pictures;
  readonly holding: 'own' | 'copy' | 'partly';
  /** Absent: public. */
  readonly audience?: Audience;
}

interface Title extends Pick<LibraryVideo, 'id' | 'name' | 'description' | 'audience'> {
  /** Index in `HOLDINGS`. */
  readonly holding: number;
}

const HOLDINGS = ['own', 'copy', 'partly'] as const;
const NO_PICTURES: Pictures = { poster: false, storyboard: false };
/** Rows that are read without a break. Between two pages, other requests are served. */
const PAGE_ROWS = 200;

/** Who opens the library of this site, and what it can play. */
export interface LibraryViewer {
  /** The videos of which the buffer holds something. */
  readonly buffered: ReadonlySet<VideoId>;
  /** Videos that are not public are listed only for those who may watch them. */
  readonly isPrivate: (video: VideoId) => boolean;
  readonly viewer: Viewer;
  /** The id of this site; undefined until it has joined. */
  readonly site: SiteId | undefined;
}

export interface LibraryQuery extends LibraryViewer {
  readonly before: VideoId | undefined;
  readonly limit: number;
}

/** Describes those of these videos that this viewer may find here. */
export async function describeHoldings(
  db: SiteDatabase,
  videos: readonly VideoId[],
  viewer: LibraryViewer,
): Promise<ReadonlyMap<VideoId, LibraryVideo>> {
  if (videos.length === 0) return new Map();
  const page: Title[] = [];
  const watchable = await listWatchable(db, videos.filter(viewer.isPrivate), viewer);
  for (const title of await listTitles(db, { among: videos }, videos.length * HOLDINGS.length)) {
    if (title.id === page.at(-1)?.id) continue;
    const shown = showTitle(title, watchable, viewer);
    if (shown) page.push(shown);
  }
  return new Map((await describe(db, page)).map(video => [video.id, video]));
}

/** @returns undefined if this viewer does not see the video, or this holding of it is empty */
function showTitle(
  title: Title,
  watchable: ReadonlyMap<VideoId, Title['audience']>,
  viewer: LibraryViewer,
): Title | undefined {
  if (HOLDINGS[title.holding] === 'partly' && !viewer.buffered.has(title.id)) return undefined;
  const audience = watchable.get(title.id);
  if (audience === undefined) return viewer.isPrivate(title.id) ? undefined : title;
  return { ...title, audience };
}

/** Lists videos with an id below `before`, newest first (UUIDv7 sorts by time); one more than `limit` if there are more. */
export async function listLibrary(db: SiteDatabase, query: LibraryQuery): Promise<LibraryVideo[]> {
  const page: Title[] = [];
  let last: VideoId | undefined;
  for (let before = query.before; page.length <= query.limit; ) {
    const titles = await listTitles(db, { before }, PAGE_ROWS);
    const hidden = titles.map(({ id }) => id).filter(query.isPrivate);
    const watchable = await listWatchable(db, hidden, query);
    for (const title of titles) {
      // A video can have several holdings. The first row is the best of them.
      if (title.id === last || page.length > query.limit) continue;
      const shown = showTitle(title, watchable, query);
      if (!shown) continue;
      last = title.id;
      page.push(shown);
    }
    before = titles.at(-1)?.id;
    if (titles.length < PAGE_ROWS) break;
    await nextTick();
  }
  return describe(db, page);
}

/** One page of everything that the site holds, newest first, each video by its best holding first. */
function listTitles(
  db: SiteDatabase,
  { before, among }: { readonly before?: VideoId | undefined; readonly among?: readonly VideoId[] },
  limit: number,
): Promise<Title[]> {
  // Compared as text: every id is below this one.
  const end = before ?? ('~' as VideoId);
  const isListed = (column: string) =>
    among === undefined ? sql<boolean>`1 = 1` : isAmong(db, column, among);
  return db
    .selectFrom('videos')
    .select(['id', 'name', 'description', sql<number>`0`.as('holding')])
    .where('state', '=', 'ready')
    .where('id', '<', end)
    .where(isListed('id'))
    .unionAll(
      db
        .selectFrom('copies')
        .select(['video_id as id', 'name', 'description', sql<number>`1`.as('holding')])
        .where('held_revision', 'is not', null)
        .where('video_id', '<', end)
        .where(isListed('video_id')),
    )
    .unionAll(
      db
        .selectFrom('catalogue_entries')
        .select(['video_id as id', 'name', 'description', sql<number>`2`.as('holding')])
        .where('video_id', '<', end)
        .where(isListed('video_id')),
    )
    .orderBy('id', 'desc')
    .orderBy('holding')
    .limit(limit)
    .execute();
}

type Facts = Pick<LibraryVideo, 'revision' | 'durationMs' | 'pictures'>;

/** Adds to each title what a page shows of it. A video that has changed meanwhile is left out. */
async function describe(db: SiteDatabase, titles: readonly Title[]): Promise<LibraryVideo[]> {
  const idsOf = (holding: (typeof HOLDINGS)[number]): VideoId[] =>
    titles.filter(title => HOLDINGS[title.holding] === holding).map(({ id }) => id);
  const facts = new Map([
    ...(await describeOwn(db, idsOf('own'))),
    ...(await describeCopies(db, idsOf('copy'))),
    ...(await describeCatalogueEntries(db, idsOf('partly'))),
  ]);
  return titles.flatMap(({ holding, ...title }) => {
    const found = facts.get(title.id);
    const name = HOLDINGS[holding];
    return found && name ? [{ ...title, holding: name, ...found }] : [];
  });
}

async function describeOwn(db: SiteDatabase, ids: readonly VideoId[]): Promise<[VideoId, Facts][]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('videos')
    .select(['id', 'revision', 'prepared', 'extras'])
    .where('id', 'in', ids)
    .execute();
  return rows.flatMap(({ id, revision, prepared, extras }): [VideoId, Facts][] => {
    if (!revision || !prepared) return [];
    const { durationMs, takenOver } = JSON.parse(prepared) as {
      durationMs: number;
      takenOver?: { pictures?: Pictures };
    };
    const { poster, storyboard } = parseExtras(extras);
    const pictures = takenOver?.pictures ?? {
      poster: poster !== undefined,
      storyboard: storyboard !== undefined,
    };
    return [[id, { revision, durationMs, pictures }]];
  });
}

async function describeCopies(db: SiteDatabase, ids: readonly VideoId[]): Promise<[VideoId, Facts][]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('copies')
    .select(['video_id', 'held_revision', 'held_record'])
    .where('video_id', 'in', ids)
    .execute();
  return rows.flatMap(({ video_id, held_revision, held_record }): [VideoId, Facts][] => {
    if (!held_revision || !held_record) return [];
    const { durationMs, pictures = NO_PICTURES } = JSON.parse(held_record) as VideoRecord;
    return [[video_id, { revision: held_revision, durationMs, pictures }]];
  });
}

async function describeCatalogueEntries(
  db: SiteDatabase,
  ids: readonly VideoId[],
): Promise<[VideoId, Facts][]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom('catalogue_entries').selectAll().where('video_id', 'in', ids).execute();
  return rows.map((row): [VideoId, Facts] => {
    const pictures = row.pictures === null ? NO_PICTURES : (JSON.parse(row.pictures) as Pictures);
    return [row.video_id, { revision: row.revision, durationMs: Number(row.duration_ms), pictures }];
  });
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

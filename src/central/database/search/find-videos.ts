/** The catalogue as a viewer may see it: lists in every order, hits, facets and suggestions. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { listAccess } from '../../../kernel/access/video-access.ts';
import { readCaptions } from '../../../kernel/search/database/captions.ts';
import { type CountedFacets, countFacets } from '../../../kernel/search/database/facets.ts';
import { findPage, type PageOf } from '../../../kernel/search/database/page.ts';
import { suggest } from '../../../kernel/search/database/suggest.ts';
import { searchTables } from '../../../kernel/search/database/tables.ts';
import { searchTextOf } from '../../../kernel/search/document.ts';
import { findHits } from '../../../kernel/search/hits.ts';
import { planSearch } from '../../../kernel/search/plan.ts';
import type { SearchQuery } from '../../../kernel/search/query.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Hit, Suggestion, VideoFilter, VideoQuery } from '../../../protocol/catalogue/search.ts';
import { mayWatch, type Viewer } from '../../../protocol/people/viewing.ts';
import { type ListedVideo, videoColumns } from '../catalogue.ts';
import type { CentralDatabase } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';
import { listedAudience } from './listed-audience.ts';

export interface FoundVideo {
  readonly row: ListedVideo;
  /** Present for a search. */
  readonly hits?: readonly Hit[];
}

/** Videos whose hits are found before other work of this thread. */
const HITS_STEP = 4;

/** @throws Problem 400 `cursor-invalid` */
export async function findVideos(
  db: CentralDatabase,
  query: VideoQuery,
  viewer: Viewer,
): Promise<PageOf<FoundVideo>> {
  const plan = planSearch(query, listAccess(viewer));
  if (plan === undefined) return { items: [] };
  const { words, walk } = plan;
  return findPage(
    searchTables(db),
    { ...walk, cursor: query.cursor, limit: query.limit, hasPlays: true },
    videos => loadVideos(db, videos, { viewer, words }),
  );
}

/** Those of these videos that the viewer may find, in any order. */
export const listFound = async (
  db: CentralDatabase,
  videos: readonly VideoId[],
  viewer: Viewer,
): Promise<readonly FoundVideo[]> => [
  ...(await loadVideos(db, videos, { viewer, words: undefined })).values(),
];

interface Loading {
  readonly viewer: Viewer;
  readonly words: SearchQuery | undefined;
}

/** The index only chooses candidates. Here each video is checked again. */
async function loadVideos(
  db: CentralDatabase,
  videos: readonly VideoId[],
  { viewer, words }: Loading,
): Promise<ReadonlyMap<VideoId, FoundVideo>> {
  const rows = await db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .leftJoin('series', 'series.id', 'videos.series_id')
    .select([...videoColumns, 'series.title as series_title'])
    .where('videos.video_id', 'in', videos)
    .where('videos.kind', '=', sql.lit('video'))
    .where('videos.withdrawn', '=', sql.lit(0))
    .where('videos.superseded_by', 'is', null)
    .where('members.revoked_at', 'is', null)
    .execute();
  const captions = words ? await readCaptions(searchTables(db), videos) : new Map();
  const found = new Map<VideoId, FoundVideo>();
  for (const [at, { series_title, ...row }] of rows.entries()) {
    const record = parseStoredRecord(row.body);
    if (record.kind !== 'video') continue;
    const watchable = {
      audience: listedAudience(row),
      groups: record.groups ?? [],
      site: row.site_id,
      series: record.series?.id,
      owner: record.owner?.id,
    };
    if (!mayWatch(viewer, watchable)) continue;
    if (!words) {
      found.set(row.video_id, { row });
      continue;
    }
    const series = record.series && { id: record.series.id, title: series_title ?? '' };
    const hits = findHits(words, searchTextOf({ ...record, series }), captions.get(row.video_id) ?? []);
    if (hits) found.set(row.video_id, { row, hits });
    if (at % HITS_STEP === HITS_STEP - 1) await nextTick();
  }
  return found;
}

/** The counts of the videos that match the filter and that the viewer may find. */
export function countVideosByFacet(
  db: CentralDatabase,
  filter: VideoFilter,
  viewer: Viewer,
): Promise<CountedFacets> {
  return countFacets(
    searchTables(db),
    planSearch({ ...filter, order: 'newest' }, listAccess(viewer))?.facets,
  );
}

export function suggestVideos(db: CentralDatabase, q: string, viewer: Viewer): Promise<Suggestion[]> {
  return suggest(searchTables(db), q, {
    access: planSearch({ order: 'newest' }, listAccess(viewer))?.access.match,
    titlesOf: ids => listSeriesTitles(db, ids),
    namesOf: async videos => {
      const found = await loadVideos(db, videos, { viewer, words: undefined });
      return new Map([...found].map(([video, { row }]) => [video, parseName(row.body)]));
    },
  });
}

const parseName = (body: string): string => {
  const record = parseStoredRecord(body);
  return record.kind === 'video' ? record.name : '';
};

export async function listSeriesTitles(
  db: CentralDatabase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('series').select(['id', 'title']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, title }) => [id, title]));
}

export async function listSiteNames(
  db: CentralDatabase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('members').select(['id', 'name']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

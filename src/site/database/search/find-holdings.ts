/** The search in the library of a site, by the same index and ranking as the catalogue's. It needs no other part. */
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
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Hit, Suggestion, VideoFilter, VideoQuery } from '../../../protocol/catalogue/search.ts';
import { readCentralLists } from '../central-lists.ts';
import { describeHoldings, type LibraryVideo, type LibraryViewer } from '../library.ts';
import type { SiteDatabase } from '../tables/videos.ts';
import { readHoldings } from './read-holdings.ts';

export type FoundHolding = LibraryVideo & { readonly hits?: Hit[] };

/** @throws Problem 400 `cursor-invalid` */
export async function findHoldings(
  db: SiteDatabase,
  query: VideoQuery,
  viewer: LibraryViewer,
): Promise<PageOf<FoundHolding>> {
  const plan = planSearch(query, listAccess(viewer.viewer));
  if (plan === undefined) return { items: [] };
  const { words, walk } = plan;
  return findPage(
    searchTables(db),
    { ...walk, cursor: query.cursor, limit: query.limit, hasPlays: false },
    videos => loadHoldings(db, videos, { viewer, words }),
  );
}

interface Loading {
  readonly viewer: LibraryViewer;
  readonly words: SearchQuery | undefined;
}

/** The index only chooses candidates. Here each video is checked again. */
async function loadHoldings(
  db: SiteDatabase,
  videos: readonly VideoId[],
  { viewer, words }: Loading,
): Promise<ReadonlyMap<VideoId, FoundHolding>> {
  const shown = await describeHoldings(db, videos, viewer);
  if (!words) return shown;
  const held = await readHoldings(db, [...shown.keys()], viewer.site);
  const captions = await readCaptions(searchTables(db), [...shown.keys()]);
  return new Map(
    [...shown].flatMap(([id, video]): [VideoId, FoundHolding][] => {
      const found = held.get(id);
      const hits = found && findHits(words, searchTextOf(found.video), captions.get(id) ?? []);
      return hits ? [[id, { ...video, hits }]] : [];
    }),
  );
}

export async function countHoldings(
  db: SiteDatabase,
  filter: VideoFilter,
  viewer: LibraryViewer,
): Promise<CountedFacets> {
  const plan = planSearch({ ...filter, order: 'newest' }, listAccess(viewer.viewer));
  return countFacets(searchTables(db), plan?.facets);
}

export function suggestHoldings(db: SiteDatabase, q: string, viewer: LibraryViewer): Promise<Suggestion[]> {
  const plan = planSearch({ order: 'newest' }, listAccess(viewer.viewer));
  return suggest(searchTables(db), q, {
    access: plan?.access.match,
    titlesOf: () => listSeriesTitles(db),
    namesOf: async videos => {
      const shown = await describeHoldings(db, videos, viewer);
      return new Map([...shown].map(([id, { name }]) => [id, name]));
    },
  });
}

export async function listSeriesTitles(db: SiteDatabase): Promise<ReadonlyMap<string, string>> {
  const lists = await readCentralLists(db);
  return new Map((lists?.series ?? []).map(({ id, title }) => [id as string, title]));
}

/** Suggests names of videos, people and series that begin with the typed text. */

import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Suggestion } from '../../../protocol/catalogue/search.ts';
import { LETTERS } from '../facet-lines.ts';
import { LEVEL } from '../lexemes.ts';
import { findMarks } from '../marks.ts';
import { all, type Match, matchMember } from '../match.ts';
import { parseQuery, type SearchQuery } from '../query.ts';
import { openFinder, type SearchDatabase } from './finder.ts';

const MAX_VIDEOS = 5;
const MAX_NAMES = 4;
/** How many of the newest videos with such a person or series are read. */
const MAX_READ = 120;

export interface SuggestDeps {
  readonly access: Match | undefined;
  /** The names of those videos that may be shown. */
  readonly namesOf: (videos: readonly VideoId[]) => Promise<ReadonlyMap<VideoId, string>>;
  readonly titlesOf: (series: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

export async function suggest(db: SearchDatabase, q: string, deps: SuggestDeps): Promise<Suggestion[]> {
  const query = parseQuery(q);
  if (!query) return [];
  const [people, series, videos] = await Promise.all([
    listValues(db, query, { ...deps, member: 'people', letter: LETTERS.person }),
    listValues(db, query, { ...deps, member: 'series', letter: LETTERS.series }),
    listVideos(db, query, deps),
  ]);
  const titles = await deps.titlesOf(series);
  return [
    ...people
      .filter(name => occursIn(name, query))
      .slice(0, MAX_NAMES)
      .map(text => ({ kind: 'person' as const, text })),
    ...series
      .flatMap(id => ({ kind: 'series' as const, text: titles.get(id) ?? '', id }))
      .filter(({ text }) => occursIn(text, query))
      .slice(0, MAX_NAMES),
    ...videos,
  ];
}

const occursIn = (text: string, query: SearchQuery): boolean =>
  findMarks(text, query).terms.size === query.terms.length;

interface ValuesDeps extends SuggestDeps {
  readonly member: 'people' | 'series';
  readonly letter: string;
}

/** The values of the newest videos whose member matches, the most frequent first. */
async function listValues(
  db: SearchDatabase,
  query: SearchQuery,
  { access, member, letter }: ValuesDeps,
): Promise<string[]> {
  const match = all([matchMember(query, LEVEL[member]), ...(access === undefined ? [] : [access])]);
  const seqs = await openFinder(db).find(match, { limit: MAX_READ });
  if (seqs.length === 0) return [];
  const rows = await db.selectFrom('search_documents').select('facets').where('seq', 'in', seqs).execute();
  const counts = new Map<string, number>();
  for (const { facets } of rows)
    for (const line of facets.split('\n'))
      if (line.startsWith(letter)) counts.set(line.slice(1), (counts.get(line.slice(1)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([value]) => value);
}

async function listVideos(
  db: SearchDatabase,
  query: SearchQuery,
  { access, namesOf }: SuggestDeps,
): Promise<Suggestion[]> {
  const match = all([matchMember(query, LEVEL.name), ...(access === undefined ? [] : [access])]);
  const seqs = await openFinder(db).find(match, { limit: MAX_VIDEOS * 3 });
  if (seqs.length === 0) return [];
  const rows = await db
    .selectFrom('search_documents')
    .select(['seq', 'video_id'])
    .where('seq', 'in', seqs)
    .execute();
  const names = await namesOf(rows.map(({ video_id }) => video_id));
  const seen = new Set<string>();
  return rows
    .toSorted((a, b) => Number(b.seq) - Number(a.seq))
    .flatMap(({ video_id }): Suggestion[] => {
      const text = names.get(video_id);
      if (text === undefined || seen.has(text)) return [];
      seen.add(text);
      return [{ kind: 'video', text, id: video_id }];
    })
    .slice(0, MAX_VIDEOS);
}

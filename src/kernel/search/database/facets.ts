/** Counts the values of the videos that match: from kept counts if nothing narrows the list, otherwise among the newest matches. */
import { FACETS, type Facet } from '../../../protocol/catalogue/search.ts';
import { isPostgres } from '../../sql/postgres.ts';
import { sql } from '../../sql/sql.ts';
import type { Reach } from '../document.ts';
import { EVERY, LETTERS, parseFacetLine } from '../facet-lines.ts';
import { all, type Match } from '../match.ts';
import { openFinder, type SearchDatabase } from './finder.ts';

/** How many documents are counted at most. */
const MAX_COUNTED = 2_500;
const MAX_VALUES = 20;
/** There are few of these, and a page shows all of them. */
const MAX_OF: Partial<Record<Facet, number>> = { year: 100, language: 50, site: 50, length: 10 };

export interface CountedFacets {
  readonly values: Readonly<Record<Facet, readonly { readonly value: string; readonly count: number }[]>>;
  readonly total: number;
  readonly atLeast: boolean;
}

export interface FacetQuery {
  /** What each document must match besides the access; undefined: nothing. */
  readonly where: Match | undefined;
  readonly access: Match | undefined;
  /** All documents with these reaches may be counted. */
  readonly whole: readonly Reach[];
  /** Access to documents of other reaches. */
  readonly rest: Match | undefined;
  readonly length: { readonly minS?: number | undefined; readonly maxS?: number | undefined };
}

/** @param query undefined: nothing matches */
export async function countFacets(db: SearchDatabase, query: FacetQuery | undefined): Promise<CountedFacets> {
  if (query === undefined) return makeFacets(new Map(), false);
  const { where, access, whole, rest } = query;
  if (where !== undefined)
    return countMatches(db, all([where, ...(access === undefined ? [] : [access])]), query);
  const kept = await readCounts(db, whole);
  if (rest === undefined) return makeFacets(kept, false);
  const others = await countLines(db, rest, query);
  for (const [line, count] of others.counts) kept.set(line, (kept.get(line) ?? 0) + count);
  return makeFacets(kept, others.isLimited);
}

async function countMatches(db: SearchDatabase, match: Match, query: FacetQuery): Promise<CountedFacets> {
  const { counts, isLimited } = await countLines(db, match, query);
  return makeFacets(counts, isLimited);
}

type Counts = Map<string, number>;

async function countLines(
  db: SearchDatabase,
  match: Match,
  { length: { minS = 0, maxS = Number.MAX_SAFE_INTEGER } }: FacetQuery,
): Promise<{ readonly counts: Counts; readonly isLimited: boolean }> {
  const found = await openFinder(db).find(match, { limit: MAX_COUNTED + 1 });
  const seqs = found.slice(0, MAX_COUNTED);
  const rows = await db
    .selectFrom('search_documents')
    .select('facets')
    .where(
      isPostgres(db)
        ? sql<boolean>`seq = any(${seqs}::int[])`
        : sql<boolean>`seq in (select value from json_each(${JSON.stringify(seqs)}))`,
    )
    .where('length_s', '>=', minS)
    .where('length_s', '<=', Math.min(maxS, 2_147_483_647))
    .execute();
  const counts: Counts = new Map();
  for (const { facets } of rows)
    for (const line of facets.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  return { counts, isLimited: found.length > MAX_COUNTED };
}

/** The most frequent values of each facet, as the writes have counted them. */
async function readCounts(db: SearchDatabase, reaches: readonly Reach[]): Promise<Counts> {
  const counts: Counts = new Map();
  if (reaches.length === 0) return counts;
  const facets = [EVERY, ...FACETS.map(facet => LETTERS[facet])];
  // A value that is frequent in the sum is frequent with one reach.
  const parts = await Promise.all(
    facets.flatMap(facet =>
      reaches.map(reach =>
        db
          .selectFrom('search_counts')
          .select(['value', 'documents'])
          .where('facet', '=', facet)
          .where('reach', '=', reach)
          .orderBy('documents', 'desc')
          .orderBy('value', 'desc')
          .limit(200)
          .execute(),
      ),
    ),
  );
  for (const { value, documents } of parts.flat())
    counts.set(value, (counts.get(value) ?? 0) + Number(documents));
  return counts;
}

function makeFacets(counts: Counts, atLeast: boolean): CountedFacets {
  const values = Object.fromEntries(
    FACETS.map(facet => [facet, [] as { value: string; count: number }[]]),
  ) as Record<Facet, { value: string; count: number }[]>;
  for (const [line, count] of counts) {
    const parsed = parseFacetLine(line);
    if (parsed && count > 0) values[parsed.facet].push({ value: parsed.value, count });
  }
  const byCount = (a: { value: string; count: number }, b: { value: string; count: number }): number =>
    b.count - a.count || (a.value < b.value ? -1 : 1);
  return {
    values: Object.fromEntries(
      FACETS.map(facet => [facet, values[facet].sort(byCount).slice(0, MAX_OF[facet] ?? MAX_VALUES)]),
    ) as unknown as CountedFacets['values'],
    total: counts.get(EVERY) ?? 0,
    atLeast,
  };
}

/** Reads the index of either engine: the numbers of the documents that match, the newest first. */
import type { Kysely } from 'kysely';
import { isPostgres } from '../../sql/postgres.ts';
import { sql } from '../../sql/sql.ts';
import { formatFts5, formatTsquery, type Match } from '../match.ts';
import type { SearchSchema } from './tables.ts';

export type SearchDatabase = Kysely<SearchSchema>;

export interface Finder {
  /** The numbers below `below` of documents that match, in descending order. */
  find(
    match: Match,
    page: { readonly below?: number | undefined; readonly limit: number },
  ): Promise<number[]>;
  /** Those of these documents that match, if no others match. */
  filterAll(match: Match, seqs: readonly number[]): Promise<ReadonlySet<number>>;
  /** Those of these documents that match. */
  filter(match: Match, seqs: readonly number[]): Promise<ReadonlySet<number>>;
}

/**
 * PostgreSQL reads all documents that match before it sorts them. So the documents are divided into buckets by their number, and
 * read bucket by bucket until there are enough: a small one holds 4,096 documents, a large one 65,536.
 */
const [SMALL_SHIFT, LARGE_SHIFT] = [12, 16];
export const bucketLexemes = (seq: number): string[] => [
  smallBucket(seq >> SMALL_SHIFT),
  largeBucket(seq >> LARGE_SHIFT),
];
const smallBucket = (bucket: number): string => `b${bucket}`;
const largeBucket = (bucket: number): string => `k${bucket}`;

/** At least this many small buckets come first, so that a common word is found among few documents. */
const MIN_SMALL_BUCKETS = 4;
const SMALL_IN_LARGE = 1 << (LARGE_SHIFT - SMALL_SHIFT);

/** The buckets from the one of `last` downwards: small ones, then large ones. */
function bucketsFrom(last: number): string[] {
  const newest = last >> SMALL_SHIFT;
  const large = Math.max(0, Math.floor((newest - MIN_SMALL_BUCKETS) / SMALL_IN_LARGE));
  const smallOnes = newest - large * SMALL_IN_LARGE + 1;
  return [
    ...Array.from({ length: smallOnes }, (_, at) => smallBucket(newest - at)),
    ...Array.from({ length: large }, (_, at) => largeBucket(large - 1 - at)),
  ];
}

export const openFinder = (db: SearchDatabase): Finder =>
  isPostgres(db) ? postgresFinder(db) : sqliteFinder(db);

const sqliteFinder = (db: SearchDatabase): Finder => ({
  // FTS5 evaluates the match again for each number that it must have.
  async filterAll(match, seqs) {
    return new Set(await this.find(match, { limit: seqs.length }));
  },
  async find(match, { below = Number.MAX_SAFE_INTEGER, limit }) {
    const { rows } = await sql<{ seq: number }>`select rowid as seq from search_index
      where search_index match ${formatFts5(match)} and rowid < ${below} order by rowid desc limit ${limit}`.execute(
      db,
    );
    return rows.map(({ seq }) => Number(seq));
  },
  async filter(match, seqs) {
    const { rows } = await sql<{ seq: number }>`select rowid as seq from search_index
      where search_index match ${formatFts5(match)} and rowid in (select value from json_each(${JSON.stringify(seqs)}))`.execute(
      db,
    );
    return new Set(rows.map(({ seq }) => Number(seq)));
  },
});

const postgresFinder = (db: SearchDatabase): Finder => ({
  filterAll(match, seqs) {
    return this.filter(match, seqs);
  },
  async find(match, { below, limit }) {
    const last = below === undefined ? await lastSeq(db) : below - 1;
    if (last < 1) return [];
    const { rows } = await sql<{ seq: number }>`
      select found.seq from unnest(${bucketsFrom(last)}::text[]) with ordinality as buckets(name, place)
      cross join lateral (
        select seq from search_documents
        where tokens @@ (quote_literal(buckets.name)::tsquery && ${formatTsquery(match)}::tsquery) and seq <= ${last}
        order by seq desc limit ${limit}
      ) as found limit ${limit}`.execute(db);
    return rows.map(({ seq }) => seq).sort((a, b) => b - a);
  },
  async filter(match, seqs) {
    const { rows } = await sql<{ seq: number }>`select seq from search_documents
      where seq = any(${[...seqs]}::int[]) and tokens @@ ${formatTsquery(match)}::tsquery`.execute(db);
    return new Set(rows.map(({ seq }) => seq));
  },
});

async function lastSeq(db: SearchDatabase): Promise<number> {
  const row = await db.selectFrom('search_state').select('seq').where('id', '=', 1).executeTakeFirst();
  return row?.seq ?? 0;
}

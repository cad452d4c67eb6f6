/**
 * The words by which the studio finds a video: folded words, and characters and pairs of characters for scripts without spaces. SQLite
 * holds them in an FTS5 table, PostgreSQL in a `tsvector`; both find the same.
 */
import { createHash } from 'node:crypto';
import { foldText } from '../../../kernel/search/fold.ts';
import { parseQuery } from '../../../kernel/search/query.ts';
import { addTokens } from '../../../kernel/search/tokens.ts';
import { isPostgres } from '../../../kernel/sql/postgres.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import { parseDetails } from '../tables/details.ts';
import type { SiteDatabase, VideoWithRecord } from '../tables/videos.ts';

/** Folded. */
export function wordsOf(text: string): readonly string[] {
  const words = new Set<string>();
  addTokens(foldText(text), words);
  return [...words];
}

/** What a video must have for a query. The last word may be incomplete. */
export interface WordQuery {
  readonly words: readonly string[];
  readonly prefix: string | undefined;
}

/** Undefined for a query without letters and digits, which finds everything. */
export function parseWordQuery(q: string): WordQuery | undefined {
  const terms = parseQuery(q)?.terms ?? [];
  const prefix = terms.at(-1)?.prefix;
  const whole = prefix === undefined ? terms : terms.slice(0, -1);
  return terms.length === 0 ? undefined : { words: whole.flatMap(({ tokens }) => tokens), prefix };
}

export function searchTextOf(video: VideoWithRecord): string {
  const { people = [], tags = [] } = parseDetails(video);
  return [
    ...[video.name, video.file_name ?? '', video.description, video.series_id ?? '', ...tags],
    ...people.map(({ name }) => name),
  ].join('\n');
}

export const hashOf = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 12);

export interface VideoWords {
  /** `number` of the row of the video. */
  readonly number: number;
  readonly words: readonly string[];
}

/** In the transaction that writes the rows. */
export async function writeWords(db: SiteDatabase, videos: readonly VideoWords[]): Promise<void> {
  if (videos.length === 0) return;
  if (isPostgres(db)) {
    for (const { number, words } of videos)
      await sql`update studio_videos set words = array_to_tsvector(${[...words]}::text[]) where number = ${number}`.execute(
        db,
      );
    return;
  }
  await removeWords(
    db,
    videos.map(({ number }) => number),
  );
  const rows = JSON.stringify(videos.map(({ number, words }) => [number, words.join(' ')]));
  await sql`insert into studio_words (rowid, words) select value ->> 0, value ->> 1 from json_each(${rows})`.execute(
    db,
  );
}

export async function removeWords(db: SiteDatabase, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0 || isPostgres(db)) return;
  await sql`delete from studio_words where rowid in (${sql.join(numbers)})`.execute(db);
}

const matchOf = ({ words, prefix }: WordQuery): string =>
  // Words have only letters, digits and marks, so quotes are enough.
  [...words.map(word => `"${word}"`), ...(prefix === undefined ? [] : [`"${prefix}"*`])].join(' AND ');

/** A condition on `studio_videos`. */
export function hasWords(db: SiteDatabase, query: WordQuery) {
  const { words, prefix } = query;
  if (isPostgres(db)) {
    const terms = [...words.map(word => `'${word}'`), ...(prefix === undefined ? [] : [`'${prefix}':*`])];
    return sql<boolean>`studio_videos.words @@ ${terms.join(' & ')}::tsquery`;
  }
  return sql<boolean>`studio_videos.number in (select rowid from studio_words where studio_words match ${matchOf(query)})`;
}

/** How many videos match, up to `limit`. */
export async function countWords(db: SiteDatabase, query: WordQuery, limit: number): Promise<number> {
  const found = isPostgres(db)
    ? sql`select 1 from studio_videos where ${hasWords(db, query)} limit ${limit}`
    : sql`select 1 from studio_words where studio_words match ${matchOf(query)} limit ${limit}`;
  const { rows } = await sql<{ n: number }>`select count(*) as n from (${found}) as found`.execute(db);
  return Number(rows[0]?.n ?? 0);
}

/**
 * Walks the documents that match, in any order, from any cursor on. Nothing reads all of them: common words are found by walking the
 * order, rare ones by sorting what matches, and a walk that finds little ends early with a cursor to continue from.
 */
import * as z from 'zod';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Order } from '../../../protocol/catalogue/search.ts';
import { problem } from '../../problem.ts';
import { isPostgres } from '../../sql/postgres.ts';
import { sql } from '../../sql/sql.ts';
import type { Reach } from '../document.ts';
import { all, type Match } from '../match.ts';
import { type Finder, openFinder, type SearchDatabase } from './finder.ts';

export interface Walk {
  /** What each document must match; undefined: nothing. */
  readonly where: Match | undefined;
  /** The reach of documents that `where` admits at most. */
  readonly reaches: readonly Reach[];
  /** True if `where` only says that the reach is one of `reaches`. */
  readonly isWhole: boolean;
  /** Limits of the length that `where` admits only roughly. */
  readonly length: { readonly minS?: number | undefined; readonly maxS?: number | undefined };
  /** For `relevance`: the first of these that a document matches is its rank. */
  readonly tiers: readonly Match[];
  readonly order: Order;
  readonly cursor: string | undefined;
  /** True if the database has counts of plays. */
  readonly hasPlays: boolean;
}

export interface Found {
  /** Undefined: a document that does not match, which was only passed. */
  readonly video: VideoId | undefined;
  /** Continues after this document. */
  readonly cursor: string;
}

/** How many documents are read at a time. */
const BATCH = 100;
/** With at most this many matches, all of them are ranked or sorted. */
const MAX_RANKED = 300;
const MAX_SORTED = 8_000;

type Position = readonly (string | number)[];
interface Placed {
  readonly seq: number;
  readonly position: Position;
}

const positionSchema = z.tuple([
  z.string().max(10),
  z.array(z.union([z.string().max(300), z.number()])).max(3),
]);

const formatCursor = (order: Order, position: Position): string =>
  Buffer.from(JSON.stringify([order, position])).toString('base64url');

/** @throws Problem 400 `cursor-invalid` if the cursor is not of this order */
function parseCursor(order: Order, cursor: string | undefined, example: Position): Position | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [of, position] = positionSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    const isOne =
      position.length === example.length &&
      position.every((value, at) => typeof value === typeof example[at]);
    if (of === order && isOne) return position;
  } catch {
    // The problem below says what to do.
  }
  throw problem('cursor-invalid', 'This cursor does not come from this list. Start without a cursor.');
}

/** Yields batches, some of which may be empty: the caller decides after each whether to continue. */
export async function* walk(db: SearchDatabase, { order, ...walked }: Walk): AsyncGenerator<Found[]> {
  const ordered = order === 'relevance' && walked.tiers.length === 0 ? 'newest' : order;
  const by = ordered === 'played' && !walked.hasPlays ? 'newest' : ordered;
  const walking = { ...walked, order: by };
  for await (const batch of WALKS[by](db, openFinder(db), walking)) yield await complete(db, batch, walking);
}

type Walking = AsyncGenerator<Placed[]>;
const WALKS: Readonly<Record<Order, (db: SearchDatabase, finder: Finder, walk: Walk) => Walking>> = {
  newest: (_, finder, walk) => walkNewest(finder, walk),
  relevance: (_, finder, walk) => walkTiers(finder, walk),
  recorded: (db, finder, walk) => walkKeys(db, finder, walk, RECORDED),
  title: (db, finder, walk) => walkKeys(db, finder, walk, TITLE),
  played: (db, finder, walk) => walkPlayed(db, finder, walk),
};

const EVERYTHING: Match = { any: ['rpublic', 'rinternal', 'rnamed'] };

async function* walkNewest(finder: Finder, { where = EVERYTHING, order, cursor }: Walk): Walking {
  let below = parseCursor(order, cursor, [0])?.[0] as number | undefined;
  for (let limit = BATCH; ; limit = BATCH) {
    const seqs = await finder.find(where, { below, limit });
    yield seqs.map(seq => ({ seq, position: [seq] }));
    if (seqs.length < limit) return;
    below = seqs.at(-1);
  }
}

async function* walkTiers(finder: Finder, { where, tiers, order, cursor }: Walk): Walking {
  const [firstTier = 0, firstSeq] = (parseCursor(order, cursor, [0, 0]) ?? []) as number[];
  const conditions = where === undefined ? [] : [where];
  const widest = tiers.at(-1) as Match;
  const few = await finder.find(all([...conditions, widest]), { limit: MAX_RANKED + 1 });
  if (few.length <= MAX_RANKED) {
    const ranked = await rank(finder, { seqs: few, tiers, conditions });
    const after = ranked.filter(
      ({ tier, seq }) =>
        tier > firstTier || (tier === firstTier && seq < (firstSeq ?? Number.POSITIVE_INFINITY)),
    );
    for (let at = 0; at < after.length; at += BATCH)
      yield after.slice(at, at + BATCH).map(({ tier, seq }) => ({ seq, position: [tier, seq] }));
    return;
  }
  for (let tier = firstTier; tier < tiers.length; tier++) {
    let below = tier === firstTier ? firstSeq : undefined;
    // A tier contains the one before the last: together these two exclude all earlier ones.
    const before = tiers.slice(Math.max(0, tier - 2), tier);
    const matched = all([...conditions, tiers[tier] as Match]);
    const match: Match = before.length === 0 ? matched : { of: matched, but: { any: before } };
    for (let seqs: number[] | undefined; seqs === undefined || seqs.length === BATCH; ) {
      seqs = await finder.find(match, { below, limit: BATCH });
      yield seqs.map(seq => ({ seq, position: [tier, seq] }));
      below = seqs.at(-1);
    }
  }
}

interface Ranking {
  /** All documents that match the last tier and the conditions. */
  readonly seqs: readonly number[];
  readonly tiers: readonly Match[];
  readonly conditions: readonly Match[];
}

/** The tiers of a few documents. */
async function rank(
  finder: Finder,
  { seqs, tiers, conditions }: Ranking,
): Promise<{ readonly tier: number; readonly seq: number }[]> {
  const ranked: { tier: number; seq: number }[] = [];
  let left = seqs;
  for (const [tier, match] of tiers.entries()) {
    if (left.length === 0) break;
    const found =
      tier === tiers.length - 1 ? new Set(left) : await finder.filterAll(all([...conditions, match]), seqs);
    for (const seq of left) if (found.has(seq)) ranked.push({ tier, seq });
    left = left.filter(seq => !found.has(seq));
  }
  return ranked;
}

/** A column by which documents are sorted. */
interface Key {
  readonly column: 'recorded_ms' | 'title_key';
  readonly direction: 'asc' | 'desc';
  readonly example: Position;
}
const RECORDED: Key = { column: 'recorded_ms', direction: 'desc', example: [0, 0] };
const TITLE: Key = { column: 'title_key', direction: 'asc', example: ['', 0] };

async function* walkKeys(
  db: SearchDatabase,
  finder: Finder,
  { where: given, isWhole, reaches, order, cursor }: Walk,
  key: Key,
): Walking {
  // The index of the order is divided by reach.
  const where = isWhole ? undefined : given;
  let after = parseCursor(order, cursor, key.example);
  const seqs = where === undefined ? [] : await finder.find(where, { limit: MAX_SORTED + 1 });
  const isSorted = where !== undefined && seqs.length <= MAX_SORTED;
  for (let rows: Placed[] | undefined; rows === undefined || rows.length === BATCH; ) {
    rows = isSorted
      ? await sortByKey(db, seqs, { key, after })
      : await readByKey(db, reaches, { key, after });
    yield isSorted || where === undefined ? rows : await dropOthers(finder, where, rows);
    after = rows.at(-1)?.position;
  }
}

/** Documents that do not match keep their position, without a number, so that a walk that finds nothing gets on. */
async function dropOthers(finder: Finder, where: Match, rows: readonly Placed[]): Promise<Placed[]> {
  const matching = await finder.filter(
    where,
    rows.map(({ seq }) => seq),
  );
  return rows.map(row => (matching.has(row.seq) ? row : { ...row, seq: 0 }));
}

interface KeyPage {
  readonly key: Key;
  readonly after: Position | undefined;
}

const afterKey = ({ key: { column, direction }, after }: KeyPage) =>
  after === undefined
    ? sql<boolean>`1 = 1`
    : direction === 'asc'
      ? sql<boolean>`(${sql.ref(column)}, seq) > (${after[0]}, ${after[1]})`
      : sql<boolean>`(${sql.ref(column)}, seq) < (${after[0]}, ${after[1]})`;

const toPlaced = (rows: readonly { seq: number; key: string | number }[]): Placed[] =>
  rows.map(({ seq, key }) => ({ seq: Number(seq), position: [key, Number(seq)] }));

const isOneOf = (db: SearchDatabase, seqs: readonly number[]) =>
  isPostgres(db)
    ? sql<boolean>`search_documents.seq = any(${[...seqs]}::int[])`
    : sql<boolean>`search_documents.seq in (select value from json_each(${JSON.stringify(seqs)}))`;

async function sortByKey(db: SearchDatabase, seqs: readonly number[], page: KeyPage): Promise<Placed[]> {
  const { column, direction } = page.key;
  const rows = await db
    .selectFrom('search_documents')
    .select(['seq', `${column} as key`])
    .where(isOneOf(db, seqs))
    .where(afterKey(page))
    .orderBy(column, direction)
    .orderBy('seq', direction)
    .limit(BATCH)
    .execute();
  return toPlaced(rows);
}

/** Each reach has its own part of the index; they are merged. */
async function readByKey(db: SearchDatabase, reaches: readonly Reach[], page: KeyPage): Promise<Placed[]> {
  const { column, direction } = page.key;
  const parts = await Promise.all(
    reaches.map(reach =>
      db
        .selectFrom('search_documents')
        .select(['seq', `${column} as key`])
        .where('reach', '=', reach)
        .where(afterKey(page))
        .orderBy(column, direction)
        .orderBy('seq', direction)
        .limit(BATCH)
        .execute(),
    ),
  );
  const sign = direction === 'asc' ? 1 : -1;
  return toPlaced(
    parts
      .flat()
      .sort((a, b) => sign * (compare(a.key, b.key) || Number(a.seq) - Number(b.seq)))
      .slice(0, BATCH),
  );
}

/** As both engines compare: numbers by value, texts by their code points. */
const compare = (a: string | number, b: string | number): number =>
  typeof a === 'string' && typeof b === 'string'
    ? Buffer.compare(Buffer.from(a), Buffer.from(b))
    : Number(a) - Number(b);

/** First the videos that were played, by their plays; then the others, the newest first. */
async function* walkPlayed(db: SearchDatabase, finder: Finder, { where, order, cursor }: Walk): Walking {
  const start = parseCursor(order, cursor, [0, '', 0]) as [number, string, number] | undefined;
  const seqs = where === undefined ? [] : await finder.find(where, { limit: MAX_SORTED + 1 });
  const isFew = where !== undefined && seqs.length <= MAX_SORTED;
  let after: Position | undefined = start;
  if (start === undefined || start[0] > 0) {
    for (let rows: Placed[] | undefined; rows === undefined || rows.length === BATCH; ) {
      rows = await readPlayed(db, isFew ? seqs : undefined, after);
      yield isFew || where === undefined ? rows : await dropOthers(finder, where, rows);
      after = rows.at(-1)?.position;
    }
    after = undefined;
  }
  let below = after === undefined ? undefined : (after[2] as number);
  for (let batch: number[] | undefined; batch === undefined || batch.length === BATCH; ) {
    batch = await finder.find(where ?? EVERYTHING, { below, limit: BATCH });
    const played = await listPlayed(db, batch);
    yield batch.map(seq => ({ seq: played.has(seq) ? 0 : seq, position: [0, '', seq] }));
    below = batch.at(-1);
  }
}

async function readPlayed(
  db: SearchDatabase,
  seqs: readonly number[] | undefined,
  after: Position | undefined,
): Promise<Placed[]> {
  const { rows } = await sql<{ seq: number; plays: number; video: string }>`
    select search_documents.seq as seq, week_plays as plays, search_documents.video_id as video
    from play_counts join search_documents on search_documents.video_id = play_counts.video_id
    where week_plays > 0
      and ${after === undefined ? sql`1 = 1` : sql`(week_plays, play_counts.video_id) < (${after[0]}, ${after[1]})`}
      and ${seqs === undefined ? sql`1 = 1` : isOneOf(db, seqs)}
    order by week_plays desc, play_counts.video_id desc limit ${BATCH}`.execute(db);
  return rows.map(({ seq, plays, video }) => ({
    seq: Number(seq),
    position: [Number(plays), video, Number(seq)],
  }));
}

async function listPlayed(db: SearchDatabase, seqs: readonly number[]): Promise<ReadonlySet<number>> {
  if (seqs.length === 0) return new Set();
  const { rows } = await sql<{ seq: number }>`select seq from search_documents
    join play_counts on play_counts.video_id = search_documents.video_id where week_plays > 0 and ${isOneOf(db, seqs)}`.execute(
    db,
  );
  return new Set(rows.map(({ seq }) => Number(seq)));
}

/** Adds the videos, and leaves out documents whose length is beyond the limits. */
async function complete(
  db: SearchDatabase,
  placed: readonly Placed[],
  { order, length }: Walk,
): Promise<Found[]> {
  const seqs = placed.flatMap(({ seq }) => (seq === 0 ? [] : [seq]));
  if (seqs.length === 0) return placed.length === 0 ? [] : [skipped(order, placed.at(-1) as Placed)];
  const { minS = 0, maxS = Number.POSITIVE_INFINITY } = length;
  const rows = await db
    .selectFrom('search_documents')
    .select(['seq', 'video_id', 'length_s'])
    .where(isOneOf(db, seqs))
    .execute();
  const known = new Map(rows.map(row => [Number(row.seq), row]));
  return placed.map((each): Found => {
    const row = known.get(each.seq);
    const isWithin = row !== undefined && row.length_s >= minS && row.length_s <= maxS;
    return isWithin
      ? { video: row.video_id, cursor: formatCursor(order, each.position) }
      : skipped(order, each);
  });
}

const skipped = (order: Order, { position }: Placed): Found => ({
  video: undefined,
  cursor: formatCursor(order, position),
});

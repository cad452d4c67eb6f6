/** Series and the number of their videos. */
import type { Selectable } from 'kysely';
import { sql } from '../../../kernel/sql/sql.ts';
import { normaliseForSearch, searchWords } from '../../../protocol/base/text.ts';
import type { SeriesOrder } from '../../../protocol/catalogue/series.ts';
import type { SeriesId } from '../../../protocol/people/permissions.ts';
import type { TextCursor } from '../cursor.ts';
import { claimPositions } from '../feed.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { queueSeries } from '../search/index-videos.ts';
import type { SeriesRow, SeriesSchema } from './tables.ts';

export type SeriesCounts = Omit<Selectable<SeriesSchema['series_counts']>, 'series_id'>;
export type CountedSeries = SeriesRow & SeriesCounts;

const select = (db: CentralDatabase) =>
  db
    .selectFrom('series')
    .leftJoin('series_counts', 'series_counts.series_id', 'series.id')
    .selectAll('series')
    .select(({ fn, val }) => [
      fn.coalesce('series_counts.public', val(0)).as('public'),
      fn.coalesce('series_counts.internal', val(0)).as('internal'),
      fn.coalesce('series_counts.hidden', val(0)).as('hidden'),
    ]);

export const findSeries = (db: CentralDatabase, id: SeriesId): Promise<CountedSeries | undefined> =>
  select(db).where('series.id', '=', id).executeTakeFirst();

export interface SeriesQuery {
  readonly q?: string | undefined;
  readonly after?: TextCursor | undefined;
  readonly limit: number;
}

/** Lists the series by title. Returns one row more than `limit` if there are more. */
export function listSeries(db: CentralDatabase, { q, after, limit }: SeriesQuery): Promise<CountedSeries[]> {
  let query = select(db);
  for (const word of searchWords(q)) {
    const pattern = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query = query.where(sql<boolean>`series.search_text like ${pattern} escape '\\'`);
  }
  if (after) query = query.where(sql<boolean>`(series.sort_text, series.id) > (${after.text}, ${after.id})`);
  return query
    .orderBy('series.sort_text')
    .orderBy('series.id')
    .limit(limit + 1)
    .execute();
}

/** The position in the feed at which the list of series last changed. */
export async function readSeriesPosition(db: CentralDatabase): Promise<number> {
  return Number((await db.selectFrom('series_version').select('position').executeTakeFirst())?.position ?? 0);
}

export async function countSeries(tx: CentralTransaction): Promise<number> {
  const { count } = await tx
    .selectFrom('series')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Sites read the list again. */
export async function noteSeriesChange(tx: CentralTransaction): Promise<void> {
  await tx
    .updateTable('series_version')
    .set({ position: await claimPositions(tx, 1) })
    .execute();
}

export type SeriesText = {
  readonly title: string;
  readonly description: string;
  readonly order: SeriesOrder;
};

const columnsOf = ({ title, description, order }: SeriesText) => ({
  title,
  description,
  sort_order: order,
  search_text: normaliseForSearch(`${title}\n${description}`),
  sort_text: normaliseForSearch(title),
});

/** @returns false if there is a series with this id */
export async function insertSeries(
  tx: CentralTransaction,
  id: SeriesId,
  text: SeriesText,
  nowMs: number,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('series')
    .values({ id, ...columnsOf(text), image: null, created_at: nowMs })
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  await noteSeriesChange(tx);
  await queueSeries(tx, id);
  return true;
}

export const updateSeries = async (tx: CentralTransaction, id: SeriesId, text: SeriesText): Promise<void> => {
  await queueSeries(tx, id);
  await tx.updateTable('series').set(columnsOf(text)).where('id', '=', id).execute();
  await noteSeriesChange(tx);
};

/** The count of its videos stays, because records may still name the series. */
export async function deleteSeries(tx: CentralTransaction, id: SeriesId): Promise<void> {
  await tx.deleteFrom('series_images').where('series_id', '=', id).execute();
  await tx.deleteFrom('series').where('id', '=', id).execute();
  await noteSeriesChange(tx);
  await queueSeries(tx, id);
}

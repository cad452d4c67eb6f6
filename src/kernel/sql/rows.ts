/**
 * Passes many values in few parameters, on both engines. With one parameter per value, building, sending and planning a
 * statement for a thousand rows costs more than executing it.
 */
import { type Kysely, sql } from 'kysely';
import { isPostgres } from './postgres.ts';

/** The values of one column, one per row. */
export type Column = readonly (string | null)[] | readonly number[];

/** A `select` of these rows for an insert, with the columns in this order. There must be at least one row and one column. */
export function selectRows<Schema, Row>(db: Kysely<Schema>, columns: Readonly<Record<keyof Row, Column>>) {
  const values = Object.values<Column>(columns);
  if (isPostgres(db)) return sql<Row>`select * from unnest(${sql.join(values.map(asArray))})`;
  const rows = values[0]?.map((_, row) => values.map(column => column[row])) ?? [];
  const members = values.map((_, column) => sql`value ->> ${sql.lit(column)}`);
  // Without `where true`, SQLite parses the `on` of `on conflict` as part of a join.
  return sql<Row>`select ${sql.join(members)} from json_each(${JSON.stringify(rows)}) where true`;
}

/** A condition that the column has one of many values. For a few values use `in`. */
export const isAmong = <Schema>(db: Kysely<Schema>, column: string, values: readonly string[]) =>
  isPostgres(db)
    ? sql<boolean>`${sql.ref(column)} = any(${asArray(values)})`
    : sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;

const asArray = (values: Column) =>
  typeof values[0] === 'number'
    ? sql`${values}::bigint[]`
    : sql`${formatTextArray(values as readonly (string | null)[])}::text[]`;

/** The object identifier of `text` (pg_type.dat). */
const TEXT = 25;
const ARRAY_HEAD_BYTES = 20;
/** The length that stands for null. */
const NULL_LENGTH = -1;

/**
 * PostgreSQL's binary form of a text[] (array_send): a header, then each value after its length. In text form, every quote and
 * backslash would be escaped here and unescaped there, and records contain many quotes.
 */
function formatTextArray(values: readonly (string | null)[]): Buffer {
  const lengths = values.map(value => (value === null ? 0 : Buffer.byteLength(value)));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, ARRAY_HEAD_BYTES));
  const [dimensions, hasNulls, firstIndex] = [1, Number(values.includes(null)), 1];
  let at = 0;
  for (const word of [dimensions, hasNulls, TEXT, values.length, firstIndex])
    at = bytes.writeInt32BE(word, at);
  for (const [index, value] of values.entries()) {
    at = bytes.writeInt32BE(value === null ? NULL_LENGTH : (lengths[index] as number), at);
    if (value !== null) at += bytes.write(value, at);
  }
  return bytes;
}

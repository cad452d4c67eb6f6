import type { Kysely, Migration } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINE, makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { isAmong, selectRows } from './rows.ts';
import { openDatabase } from './sql.ts';

interface Schema {
  notes: { id: string; at: number; flag: number; body: string | null };
}
const migrations: Record<string, Migration> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('notes')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('at', 'bigint')
        .addColumn('flag', 'integer')
        .addColumn('body', 'text')
        .execute();
    },
  },
};

describe(`many values in few parameters (${ENGINE})`, () => {
  let test: TestDatabase;
  let db: Kysely<Schema>;
  beforeEach(async () => {
    test = await makeDatabase();
    db = await openDatabase<Schema>(test.place, migrations);
  });
  afterEach(async () => {
    await db.destroy();
    await test.drop();
  });

  const insert = (rows: readonly Schema['notes'][]) =>
    db
      .insertInto('notes')
      .columns(['id', 'at', 'flag', 'body'])
      .expression(
        selectRows<Schema, Schema['notes']>(db, {
          id: rows.map(({ id }) => id),
          at: rows.map(({ at }) => at),
          flag: rows.map(({ flag }) => flag),
          body: rows.map(({ body }) => body),
        }),
      );
  const listAll = () => db.selectFrom('notes').selectAll().orderBy('id').execute();

  it('keeps every text and every integer unchanged', async () => {
    const bodies = [null, '', '{"a":"\\"\\\\"}', "it's; null, {NULL}", '第讲\n\t', '🎞', 'x'.repeat(100_000)];
    const rows = bodies.map((body, order) => ({
      id: `id ${order}`,
      at: Number.MAX_SAFE_INTEGER - order,
      flag: order % 2,
      body,
    }));
    await insert(rows).execute();
    expect(await listAll()).toEqual(rows);
  });

  it('accepts more rows than a statement may have parameters', async () => {
    const rows = Array.from({ length: 70_000 }, (_, at) => ({ id: `${at}`, at, flag: 0, body: '' }));
    await insert(rows).execute();
    const some = await db
      .selectFrom('notes')
      .select('at')
      .where(
        isAmong(
          db,
          'id',
          rows.map(({ id }) => id),
        ),
      )
      .where('at', '>=', 69_998)
      .orderBy('at')
      .execute();
    expect(some).toEqual([{ at: 69_998 }, { at: 69_999 }]);
  });

  it('supports a conflict clause', async () => {
    const row = { id: 'a', at: 1, flag: 0, body: 'first' };
    await insert([row]).execute();
    await insert([
      { ...row, body: 'second' },
      { ...row, id: 'b' },
    ])
      .onConflict(conflict =>
        conflict.column('id').doUpdateSet(({ ref }) => ({ body: ref('excluded.body') })),
      )
      .execute();
    expect(await listAll()).toEqual([
      { ...row, body: 'second' },
      { ...row, id: 'b' },
    ]);
  });

  it('finds nothing among no values', async () => {
    await insert([{ id: 'a', at: 1, flag: 0, body: '' }]).execute();
    expect(
      await db
        .selectFrom('notes')
        .select('id')
        .where(isAmong(db, 'id', []))
        .execute(),
    ).toEqual([]);
  });
});

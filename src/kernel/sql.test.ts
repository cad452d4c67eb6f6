import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely, Migration } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite, sql } from './sql.ts';

interface Schema {
  counters: { id: number; value: number };
}
const migrations: Record<string, Migration> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('counters')
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('value', 'integer')
        .execute();
    },
  },
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-sql-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('openSqlite', () => {
  it('commits durably, also when an existing database is opened again', async () => {
    const path = join(directory, 'a.sqlite');
    await (await openSqlite<Schema>(path, migrations)).destroy();
    const db = await openSqlite<Schema>(path, migrations);
    const modes = await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(db);
    expect(Number(modes.rows[0]?.synchronous)).toBe(2);
    await db.destroy();
  });

  it('rolls back a transaction that throws', async () => {
    const db = await openSqlite<Schema>(join(directory, 'a.sqlite'), migrations);
    await expect(
      db.transaction().execute(async transaction => {
        await transaction.insertInto('counters').values({ id: 1, value: 1 }).execute();
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await db.selectFrom('counters').selectAll().execute()).toEqual([]);
    await db.destroy();
  });

  it('gives back what RETURNING says and how many rows changed', async () => {
    const db = await openSqlite<Schema>(join(directory, 'a.sqlite'), migrations);
    const row = await db
      .insertInto('counters')
      .values({ id: 7, value: 1 })
      .returning('id')
      .executeTakeFirst();
    expect(row).toEqual({ id: 7 });
    const { numUpdatedRows } = await db.updateTable('counters').set({ value: 2 }).executeTakeFirst();
    expect(numUpdatedRows).toBe(1n);
    await db.destroy();
  });

  it('refuses a damaged database in words', async () => {
    const path = join(directory, 'a.sqlite');
    const db = await openSqlite<Schema>(path, migrations);
    await sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO counters SELECT i, i FROM n`.execute(db);
    await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db);
    await db.destroy();
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(12_288, 0xff), 0, 12_288, 8_192);
    await file.close();
    await expect(openSqlite<Schema>(path, migrations)).rejects.toThrow(
      /damaged|malformed|not a database|corrupt/,
    );
  });
});

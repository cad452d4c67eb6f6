import { existsSync } from 'node:fs';
import { appendFile, copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, type Migration } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ENGINE, makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { findDatabaseProblem } from './database-error.ts';
import { clockOf, openPostgresDialect } from './postgres.ts';
import { openDatabase, sql } from './sql.ts';

interface Schema {
  counters: { id: number; value: number };
}
const migrations: Record<string, Migration> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('counters')
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('value', 'bigint')
        .execute();
    },
  },
};

describe(`a database (${ENGINE})`, () => {
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

  it('rolls back a transaction that throws', async () => {
    await expect(
      db.transaction().execute(async transaction => {
        await transaction.insertInto('counters').values({ id: 1, value: 1 }).execute();
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await db.selectFrom('counters').selectAll().execute()).toEqual([]);
  });

  it('returns the rows of RETURNING and the number of changed rows', async () => {
    const row = await db
      .insertInto('counters')
      .values({ id: 7, value: 1 })
      .returning('id')
      .executeTakeFirst();
    expect(row).toEqual({ id: 7 });
    const { numUpdatedRows } = await db.updateTable('counters').set({ value: 2 }).executeTakeFirst();
    expect(numUpdatedRows).toBe(1n);
  });

  it('returns integers, counts and sums as numbers', async () => {
    await db
      .insertInto('counters')
      .values([
        { id: 1, value: 2 ** 52 },
        { id: 2, value: 5 },
      ])
      .execute();
    const row = await db
      .selectFrom('counters')
      .select(({ fn }) => [
        fn.countAll<number>().as('count'),
        fn.sum<number>('value').as('sum'),
        fn.max('value').as('max'),
      ])
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ count: 2, sum: 2 ** 52 + 5, max: 2 ** 52 });
  });

  it('migrates its schema and keeps the data', async () => {
    await db.insertInto('counters').values({ id: 1, value: 1 }).execute();
    await db.destroy();
    const further: Record<string, Migration> = {
      ...migrations,
      '0002-name': {
        up: (any: Kysely<unknown>) => any.schema.alterTable('counters').addColumn('name', 'text').execute(),
      },
    };
    db = await openDatabase<Schema>(test.place, further);
    expect(await db.selectFrom('counters').selectAll().execute()).toEqual([{ id: 1, value: 1, name: null }]);
  });
});

// Not `runIf`, because tests of the other engine must not count as skipped.
if (ENGINE === 'postgres')
  describe('PostgreSQL', () => {
    it('is migrated once by processes that start together', async () => {
      const test = await makeDatabase();
      const all = await Promise.all(
        Array.from({ length: 6 }, () => openDatabase<Schema>(test.place, migrations)),
      );
      for (const db of all) await db.selectFrom('counters').selectAll().execute();
      for (const db of all) await db.destroy();
      await test.drop();
    });

    it('fails only the transaction when its connection breaks between two statements', async () => {
      const test = await makeDatabase();
      const db = await openDatabase<Schema>(test.place, migrations);
      const broken = db.transaction().execute(async transaction => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
        await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(db);
        // Wait until the error event arrives: without a listener it would end this process here.
        await sleep(300);
        await transaction.insertInto('counters').values({ id: 1, value: 1 }).execute();
      });
      await expect(broken).rejects.toThrow();
      expect(await db.selectFrom('counters').selectAll().execute()).toEqual([]);
      await db.destroy();
      await test.drop();
    });

    it('provides one clock for all its users, whatever their own clocks show', async () => {
      const test = await makeDatabase();
      const db = await openDatabase<Schema>(test.place, migrations);
      const nowMs = Date.now();
      vi.spyOn(Date, 'now').mockReturnValue(nowMs + 3_600_000);
      const ms = await clockOf(db);
      vi.restoreAllMocks();
      expect(Math.abs(ms - nowMs)).toBeLessThan(60_000);
      await db.destroy();
      await test.drop();
    });

    it('reports why it cannot work as a sentence', async () => {
      const test = await makeDatabase();
      const db = await openDatabase<Schema>(test.place, migrations);
      const codeOf = (work: Promise<unknown>) =>
        work.then(
          () => 'done',
          error => findDatabaseProblem(error)?.code ?? String(error),
        );
      const insert = (on: Kysely<Schema>) =>
        on
          .insertInto('counters')
          .values({ id: Date.now() % 1_000_000, value: 1 })
          .execute();
      expect(await codeOf(insert(db))).toBe('done');

      const name = new URL(test.place).pathname.slice(1);
      await sql`alter database ${sql.id(name)} set default_transaction_read_only = on`.execute(db);
      await db.destroy();
      const standby = new Kysely<Schema>({ dialect: openPostgresDialect(test.place) });
      expect(await codeOf(insert(standby))).toBe('database-read-only');

      await sql`set default_transaction_read_only = off`.execute(standby);
      const away = new Kysely<Schema>({ dialect: openPostgresDialect('postgres://nobody@127.0.0.1:1/none') });
      expect(await codeOf(insert(away))).toBe('database-unavailable');
      await away.destroy();

      // An invalid page after the last page of the table. PostgreSQL reads it from disk, because it is not in memory.
      const { rows } = await sql<{ directory: string; file: string }>`
        select current_setting('data_directory') as directory, pg_relation_filepath('counters') as file`.execute(
        standby,
      );
      await sql`checkpoint`.execute(standby);
      const [place] = rows;
      await appendFile(join(place?.directory ?? '', place?.file ?? ''), Buffer.alloc(8_192, 0xff));
      expect(await codeOf(standby.selectFrom('counters').selectAll().execute())).toBe('database-damaged');
      await standby.destroy();
      await test.drop();
    });

    it('is named without its password when it is unreachable', async () => {
      const place = 'postgres://someone:secret@127.0.0.1:1/videos';
      const failure = await openDatabase<Schema>(place, migrations).catch((error: Error) => error.message);
      expect(failure).toMatch(
        /^Could not open the PostgreSQL database videos at 127\.0\.0\.1:1: .*refuses connections/,
      );
      expect(failure).not.toContain('secret');
    });
  });

if (ENGINE === 'sqlite')
  describe('SQLite', () => {
    let directory: string;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'tributary-sql-'));
    });
    afterEach(() => rm(directory, { recursive: true, force: true }));

    it('commits durably, also after an existing database was reopened', async () => {
      const path = join(directory, 'a.sqlite');
      await (await openDatabase<Schema>(path, migrations)).destroy();
      const db = await openDatabase<Schema>(path, migrations);
      const modes = await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(db);
      expect(Number(modes.rows[0]?.synchronous)).toBe(2);
      await db.destroy();
    });

    it('leaves nothing in the write-ahead log after it was closed', async () => {
      const path = join(directory, 'a.sqlite');
      const db = await openDatabase<Schema>(path, migrations);
      await sql`INSERT INTO counters VALUES (7, 8)`.execute(db);
      expect((await stat(`${path}-wal`)).size).toBeGreaterThan(0);
      await db.destroy();
      expect((await stat(`${path}-wal`).catch(() => ({ size: 0 }))).size).toBe(0);
      // A copy of only this file is the whole database.
      await copyFile(path, join(directory, 'b.sqlite'));
      const copy = await openDatabase<Schema>(join(directory, 'b.sqlite'), migrations);
      const { rows } = await sql`SELECT * FROM counters`.execute(copy);
      expect(rows).toHaveLength(1);
      await copy.destroy();
    });

    it('in memory creates no file', async () => {
      await (await openDatabase<Schema>(':memory:', migrations)).destroy();
      expect(existsSync(':memory:')).toBe(false);
    });

    it('rejects a damaged database with a sentence', async () => {
      const path = join(directory, 'a.sqlite');
      const db = await openDatabase<Schema>(path, migrations);
      await sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO counters SELECT i, i FROM n`.execute(db);
      await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db);
      await db.destroy();
      const file = await open(path, 'r+');
      await file.write(Buffer.alloc(12_288, 0xff), 0, 12_288, 8_192);
      await file.close();
      await expect(openDatabase<Schema>(path, migrations)).rejects.toThrow(
        /damaged|malformed|not a database|corrupt/,
      );
    });
  });

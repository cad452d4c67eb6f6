/** Reading a site's PostgreSQL directly (docs/databases.md): the contract of readers, and that the role can do nothing else. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createSqlReaders } from '../../src/central/site-reader/read-by-sql.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newSiteId, newVideoId } from '../../src/protocol/base/ids.ts';
import { type SiteSchema, siteMigrations } from '../../src/site/database/tables/schema.ts';
import type { SiteDatabase } from '../../src/site/database/tables/videos.ts';
import { ENGINE, makeDatabase } from '../support/postgres/databases.ts';
import { describeSiteReader } from './site-reader.contract.ts';

const PASSWORD = 'change-this-password';
/** The statements of docs/databases.md that operators run. */
const GRANTS = /```sql\n([\s\S]*?)```/.exec(readFileSync('docs/databases.md', 'utf8'))?.[1] ?? '';

interface Opened {
  readonly db: SiteDatabase;
  readonly url: string;
  end(): Promise<void>;
}

let roles = 0;

/** A site database, and the URL with which central's role connects to it. */
async function openSiteDatabase(): Promise<Opened> {
  const database = await makeDatabase();
  const db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  // Roles belong to the whole server, so each test makes its own.
  const role = `reader_${process.pid}_${++roles}`;
  const name = new URL(database.place).pathname.slice(1);
  await administer(
    database.place,
    GRANTS.replaceAll('central_reader', role).replaceAll('DATABASE site', `DATABASE ${name}`),
  );
  const url = new URL(database.place);
  url.username = role;
  url.password = PASSWORD;
  return {
    db,
    url: url.href,
    async end() {
      await db.destroy();
      await database.drop();
      await administer(inject('postgresUrl'), `drop role ${role}`);
    },
  };
}

async function administer(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}

// Not `runIf`: on SQLite nothing is skipped here.
if (ENGINE === 'postgres') {
  describeSiteReader('directly, by SQL', async () => {
    const { db, url, end } = await openSiteDatabase();
    const readers = createSqlReaders();
    return {
      db,
      reader: readers.open(url),
      async end() {
        await readers.stop();
        await end();
      },
    };
  });

  describe('the role of central in a site database', () => {
    let opened: Opened;
    let client: pg.Client;
    beforeEach(async () => {
      opened = await openSiteDatabase();
      client = new pg.Client({ connectionString: opened.url });
      await client.connect();
    });
    afterEach(async () => {
      await client.end();
      await opened.end();
    });
    const denied = (statement: string) =>
      expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });

    it('reads records, and sets their published flag', async () => {
      await client.query('select * from records');
      await client.query('select * from signal');
      await client.query('update records set published = 1');
    });

    it('changes no other column, and no row comes or goes', async () => {
      const { rows } = await client.query<{ column_name: string }>(
        `select column_name from information_schema.columns
         where table_schema = 'public' and table_name = 'records' and column_name <> 'published'`,
      );
      expect(rows.length).toBeGreaterThan(5);
      for (const { column_name } of rows) await denied(`update records set ${column_name} = default`);
      await denied('delete from records');
      await denied('truncate records');
      await denied(`insert into records (video_id) values ('x')`);
      await denied('update signal set version = 0');
      await denied('delete from signal');
      await denied('begin; lock table records in access exclusive mode');
      await client.query('rollback');
    });

    it('sees no other table', async () => {
      const tables = await opened.db.introspection.getTables({ withInternalKyselyTables: true });
      const others = tables.map(({ name }) => name).filter(name => !['records', 'signal'].includes(name));
      expect(others).toContain('videos');
      for (const name of others) await denied(`select * from "${name}"`);
    });

    it('creates nothing, and cannot become another role', async () => {
      await denied('create table mine (x int)');
      await denied('create schema mine');
      await denied('create temporary table mine (x int)');
      await denied('create role mine');
      await denied('set role postgres');
      await denied(`copy records to program 'true'`);
      await denied(`copy records to '/tmp/records'`);
      await denied(`select pg_read_file('PG_VERSION')`);
      await denied('alter table records add column mine text');
      await denied(`create function mine() returns int language sql as 'select 1'`);
    });

    it('without permission is distinguished from an unreachable database', async () => {
      const readers = createSqlReaders();
      const { signal: abort } = new AbortController();
      const url = new URL(opened.url);
      await administer(inject('postgresUrl'), `create role "${url.username}_none" login password 'x'`);
      const other = new URL(url);
      other.username = `${url.username}_none`;
      await expect(readers.open(other.href).readRecords(1, abort)).rejects.toMatchObject({
        code: expect.stringMatching(/site-database-closed|peer-unreachable/),
      });
      url.port = '1';
      const failure = readers.open(url.href).readRecords(1, abort);
      await expect(failure).rejects.toMatchObject({ code: 'peer-unreachable' });
      await expect(failure).rejects.not.toThrow(PASSWORD);
      await readers.stop();
      await administer(inject('postgresUrl'), `drop role "${other.username}"`);
    });

    it('loses its connection during a read: only that read fails', async () => {
      const readers = createSqlReaders();
      const reader = readers.open(opened.url);
      const { signal: abort } = new AbortController();
      const { username, pathname } = new URL(opened.url);
      const [holder, other] = [0, 1].map(
        () => new pg.Client({ connectionString: new URL(pathname, inject('postgresUrl')).href }),
      ) as [pg.Client, pg.Client];
      await Promise.all([holder.connect(), other.connect()]);
      // A lock on the table keeps the read in progress until its connection breaks.
      await holder.query('begin; lock table signal in access exclusive mode');
      const reading = expect(reader.readRecords(1, abort)).rejects.toMatchObject({
        code: 'peer-unreachable',
      });
      await vi.waitUntil(
        async () => {
          const { rowCount } = await other.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'`,
            [username],
          );
          return rowCount === 1;
        },
        { timeout: 10_000 },
      );
      await reading;
      // Long enough for the error to arrive: without a listener it would end this process here.
      await sleep(300);
      await holder.query('rollback');
      await expect(reader.readRecords(1, abort)).rejects.toMatchObject({ code: 'handshake-pending' });
      await Promise.all([holder.end(), other.end(), readers.stop()]);
    });

    it('is not blocked by a record of many megabytes', async () => {
      const readers = createSqlReaders();
      await opened.db
        .updateTable('signal')
        .set({
          site: newSiteId(),
          start: 'start-of-the-tests',
          epoch: 1,
          epoch_start: 'start-of-the-tests',
        })
        .execute();
      await opened.db
        .insertInto('records')
        .values({
          video_id: newVideoId(),
          version: 1,
          hash: 'f'.repeat(64),
          body: `"${'x'.repeat(20 * 2 ** 20)}"`,
          published: 0,
          registered_version: 0,
          written_at: '',
          withdrawn: 0,
          change: 1,
        })
        .execute();
      const reading = readers.open(opened.url).readRecords(500, new AbortController().signal);
      await expect(reading).rejects.toMatchObject({ code: 'peer-too-large' });
      await readers.stop();
    });
  });
} else {
  it('needs PostgreSQL', () => {
    expect(GRANTS).toContain('GRANT SELECT');
  });
}

/** The first start of a site with an empty database, on each engine. */
import { expect, it } from 'vitest';
import { makeDatabase } from '../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { readSignal } from './publication/signal.ts';
import { type SiteSchema, siteMigrations } from './tables/schema.ts';

const TABLES = [
  ...[
    'audit_events',
    'caption_drafts',
    'catalogue_entries',
    'central_lists',
    'copies',
    'credentials',
    'file_checks',
    'job_steps',
    'jobs',
  ],
  ...['records', 'revisions'],
  ...['search_captions', 'search_counts', 'search_documents', 'search_queue', 'search_state'],
  ...['signal', 'studio_counts', 'studio_jobs', 'studio_queue', 'studio_removals'],
  ...['studio_speeds', 'studio_state', 'studio_videos', 'uploads', 'videos'],
];

it('makes all tables, and nothing more at the second start', async () => {
  const database = await makeDatabase();
  for (let start = 1; start <= 2; start++) {
    const db = await openDatabase<SiteSchema>(database.place, siteMigrations);
    const tables = await db.introspection.getTables();
    // SQLite has words in tables of its full-text search.
    const names = tables.map(({ name }) => name).filter(name => !/^(?:search_index|studio_words)/.test(name));
    expect(names.sort()).toEqual(TABLES);
    expect(await readSignal(db)).toMatchObject({ flag: 'sent', version: 0, epoch: 0, site: null });
    await db.destroy();
  }
  await database.drop();
});

it('has the columns that central reads over SQL', async () => {
  const database = await makeDatabase();
  const db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  const tables = await db.introspection.getTables();
  const columns = Object.fromEntries(
    tables.map(({ name, columns }) => [name, columns.map(({ name }) => name)]),
  );
  // `site-tables.ts` of the protocol names the columns that central reads.
  expect(columns.signal).toEqual(
    expect.arrayContaining(['id', 'site', 'start', 'epoch', 'epoch_start', 'change']),
  );
  expect(columns.records).toEqual(
    expect.arrayContaining(['video_id', 'version', 'hash', 'body', 'published']),
  );
  await db.destroy();
  await database.drop();
});

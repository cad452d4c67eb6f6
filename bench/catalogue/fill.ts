/** Fills a database of central with the functions that store records, in large transactions. */
import type { Kysely } from 'kysely';
import { writeRecords } from '../../src/central/database/publication/write-records.ts';
import type { CentralSchema } from '../../src/central/database/schema.ts';
import { indexVideos } from '../../src/central/database/search/index-videos.ts';
import { checkRecord } from '../../src/central/publication/offered-record.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { writeCaptions } from '../../src/kernel/search/database/captions.ts';
import { searchTables } from '../../src/kernel/search/database/tables.ts';
import { isPostgres } from '../../src/kernel/sql/postgres.ts';
import { sql } from '../../src/kernel/sql/sql.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import { newSiteId } from '../../src/protocol/base/ids.ts';
import { makeVideo, NAMES_OF_SERIES } from './corpus.ts';

const SITES = 20;
const TRANSACTION = 2_000;

export interface Filled {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export async function fill(db: Kysely<CentralSchema>, videos: number): Promise<Filled> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  const sites = Array.from({ length: SITES }, () => newSiteId());
  for (const [at, id] of sites.entries())
    await sql`insert into members (id, role, name, base_url, zone, policy, created_at, position, tracker_position)
      values (${id}, 'site', ${`Site ${at}`}, 'http://127.0.0.1', '[]', '{}', 0, 0, 0)`.execute(db);
  await db.transaction().execute(async tx => {
    for (let at = 0; at < NAMES_OF_SERIES; at++)
      await sql`insert into series (id, title, description, sort_order, search_text, sort_text, created_at)
        values (${`series-${at}`}, ${`Course ${at}`}, '', 'position', '', '', 0)`.execute(tx);
  });
  // A bulk load builds the index at its end.
  if (isPostgres(db)) await sql`drop index search_tokens`.execute(db);
  else {
    await sql`pragma synchronous = off`.execute(db);
    await sql`insert into search_index (search_index, rank) values ('hashsize', 67108864)`.execute(db);
  }
  for (let from = 0; from < videos; from += TRANSACTION) {
    await db.transaction().execute(async tx => {
      const made = Array.from({ length: Math.min(TRANSACTION, videos - from) }, (_, at) =>
        makeVideo(from + at),
      );
      await writeRecords(
        tx,
        made.map(({ record }, at) => ({
          site: sites[(from + at) % SITES] as (typeof sites)[number],
          record: checkRecord({ record, hash: sha256Hex(canonicalJson(record)) }),
          atMs: 1_700_000_000_000 + (from + at) * 1_000,
        })),
      );
      for (const { record, cues } of made)
        if (cues.length > 0)
          await writeCaptions(searchTables(tx), {
            video: record.video,
            revision: record.revision,
            language: 'en',
            cues,
          });
      await indexVideos(
        tx,
        made.map(({ record }) => record.video),
      );
    });
    if ((from / TRANSACTION) % 10 === 0)
      console.error(
        `${from + TRANSACTION} of ${videos} videos, ${Math.round((performance.now() - startMs) / 1_000)} s`,
      );
  }
  if (isPostgres(db)) {
    await sql`set statement_timeout = 0; set maintenance_work_mem = '1GB'; create index search_tokens on search_documents using gin (tokens) with (fastupdate = off)`.execute(
      db,
    );
    await sql`analyze`.execute(db);
  }
  const cpu = process.cpuUsage(before);
  return { seconds: (performance.now() - startMs) / 1_000, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

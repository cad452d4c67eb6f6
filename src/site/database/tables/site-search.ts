/**
 * The search index of a site. Triggers queue what changes, in the same transaction, because many parts of a site write these tables;
 * a loop indexes the queue moments later (index-holdings.ts).
 */
import type { Kysely, Migration } from 'kysely';
import { createSearchTables } from '../../../kernel/search/database/tables.ts';
import { isPostgres } from '../../../kernel/sql/postgres.ts';
import { sql } from '../../../kernel/sql/sql.ts';

const VIDEO_COLUMNS = [
  ...[
    'name',
    'description',
    'language',
    'private',
    'audience',
    'groups',
    'series_id',
    'owner_id',
    'approval',
  ],
  ...['state', 'prepared', 'extras', 'details', 'publish_at', 'revision'],
];
const QUEUED = [
  { table: 'videos', id: 'id', columns: VIDEO_COLUMNS },
  { table: 'copies', id: 'video_id', columns: ['held_record', 'held_revision', 'publish_at', 'withdraw_at'] },
  { table: 'catalogue_entries', id: 'video_id', columns: ['name', 'description', 'duration_ms'] },
] as const;

const list = (columns: readonly string[]): string => columns.map(column => `"${column}"`).join(', ');

export const siteSearchMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await createSearchTables(db);
    for (const { table, id, columns } of QUEUED) {
      if (isPostgres(db)) {
        await sql
          .raw(
            `create function search_queue_${table}() returns trigger language plpgsql security definer set search_path from current as $$
             begin
               insert into search_queue (video_id, seq)
                 values (case when tg_op = 'DELETE' then old.${id} else new.${id} end, 0) on conflict do nothing;
               return null;
             end $$`,
          )
          .execute(db);
        await sql
          .raw(
            `create trigger search_${table} after insert or delete or update of ${list(columns)} on ${table}
             for each row execute function search_queue_${table}()`,
          )
          .execute(db);
        continue;
      }
      for (const [event, of] of [
        ['insert', ''],
        ['delete', ''],
        ['update', ` of ${list(columns)}`],
      ] as const)
        await sql
          .raw(
            `create trigger search_${table}_${event} after ${event}${of} on ${table} begin
               insert or ignore into search_queue (video_id, seq) values (${event === 'delete' ? 'old' : 'new'}.${id}, 0);
             end`,
          )
          .execute(db);
    }
    // The ids sort by time.
    await sql`insert into search_queue (video_id, seq)
      select id, row_number() over (order by id) from (
        select id from videos union select video_id from copies union select video_id from catalogue_entries
      ) as held`.execute(db);
    await sql`update search_state set seq = (select coalesce(max(seq), 0) from search_queue)`.execute(db);
  },
};

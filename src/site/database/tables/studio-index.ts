/**
 * What the studio lists, in narrow rows that are derived from the videos and jobs. Triggers put each changed video and job into a queue,
 * so no write path can forget it; `database/studio/` takes them out and updates the rows, the counts and the sequence of changes.
 */
import { type Kysely, type Migration, sql } from 'kysely';
import { isPostgres } from '../../../kernel/sql/postgres.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Audience } from '../../../protocol/people/audience.ts';
import type { VideoState } from '../../../protocol/site.ts';

/** A video or job that has changed since its row was derived. Rows are only inserted and deleted, so no writer waits for another. */
export interface StudioQueueRow {
  seq: number;
  kind: 'video' | 'job';
  item: string;
}

export interface StudioVideoRow {
  video_id: VideoId;
  /** Names the row in the index of words. It never changes. */
  number: number;
  /** Differs if the words do. */
  words_hash: string;
  /** The number of its last change in the sequence of changes. */
  changed: number;
  /** Differs if the studio shows something else. */
  fingerprint: string;
  state: VideoState;
  /** Failures first, then videos in progress. */
  state_order: number;
  audience: Audience;
  approval: 'awaiting' | 'sent-back' | null;
  owner_id: string | null;
  series_id: string | null;
  captions: number;
  /** The name, folded, for the order by name. */
  name_key: string;
  duration_ms: number;
  size_bytes: number;
}

export interface StudioJobRow {
  job_id: string;
  video_id: VideoId;
  changed: number;
  /** 0 for open jobs, 1 for failed ones, 2 for the others that ended. */
  state_order: number;
  priority: number;
  urgency: number;
  /** 1 for an inspection that has not failed, which nobody needs to see. */
  hidden: number;
  /** Sums over its steps. */
  media_ms: number;
  done_ms: number;
  speed_milli: number;
  leased: number;
  attempts: number;
  last_error: string | null;
  /** When a worker was first seen to work on it, in milliseconds since 1970; 0 for never. */
  started_ms: number;
  /** `done_ms` at that time. */
  started_done_ms: number;
}

/** Number of videos of one owner and one series. `*` in both: of all. An empty string: without. */
export interface StudioCountRow {
  owner_id: string;
  series_id: string;
  facet: string;
  n: number;
}

/** A video or job that was deleted. */
export interface StudioRemovalRow {
  item: string;
  changed: number;
}

/** How fast jobs of a kind have been at this site. */
export interface StudioSpeedRow {
  kind: string;
  media_ms: number;
  work_ms: number;
}

/** One row. */
export interface StudioStateRow {
  id: number;
  /** The number of the last change. */
  changed: number;
}

export interface StudioIndexSchema {
  studio_queue: StudioQueueRow;
  studio_videos: StudioVideoRow;
  studio_jobs: StudioJobRow;
  studio_counts: StudioCountRow;
  studio_removals: StudioRemovalRow;
  studio_speeds: StudioSpeedRow;
  studio_state: StudioStateRow;
}

export const studioIndex: Migration = {
  async up(db: Kysely<unknown>) {
    await createQueue(db);
    await createRows(db);
    await createTotals(db);
    await (isPostgres(db) ? createPostgresTriggers(db) : createSqliteTriggers(db));
    await sql`insert into studio_queue (kind, item) select 'video', id from videos order by id desc`.execute(
      db,
    );
    await sql`insert into studio_queue (kind, item) select 'job', id from jobs order by id desc`.execute(db);
  },
};

async function createQueue(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('studio_queue')
    .addColumn('seq', isPostgres(db) ? 'bigserial' : 'integer', column =>
      isPostgres(db) ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('item', 'text', column => column.notNull())
    .execute();
}

async function createRows(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('studio_videos')
    .addColumn('video_id', 'text', column => column.primaryKey())
    .addColumn('number', 'bigint', column => column.notNull().unique())
    .addColumn('words_hash', 'text', column => column.notNull())
    .addColumn('changed', 'bigint', column => column.notNull())
    .addColumn('fingerprint', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('state_order', 'integer', column => column.notNull())
    .addColumn('audience', 'text', column => column.notNull())
    .addColumn('approval', 'text')
    .addColumn('owner_id', 'text')
    .addColumn('series_id', 'text')
    .addColumn('captions', 'integer', column => column.notNull())
    .addColumn('name_key', 'text', column => column.notNull())
    .addColumn('duration_ms', 'bigint', column => column.notNull())
    .addColumn('size_bytes', 'bigint', column => column.notNull())
    .execute();
  for (const column of ['changed', 'name_key', 'duration_ms', 'size_bytes'] as const) {
    await schema
      .createIndex(`studio_videos_by_${column}`)
      .on('studio_videos')
      .columns([column, 'video_id'])
      .execute();
  }
  if (isPostgres(db)) {
    await sql`alter table studio_videos add column words tsvector`.execute(db);
    await sql`create index studio_videos_words on studio_videos using gin (words) with (fastupdate = off)`.execute(
      db,
    );
  } else
    await sql`create virtual table studio_words using fts5(words, content='', contentless_delete=1, detail=none,
      tokenize="ascii tokenchars '-_'")`.execute(db);
  // Videos of the same state: newest first.
  await schema
    .createIndex('studio_videos_by_state_order')
    .on('studio_videos')
    .columns(['state_order', 'video_id desc'])
    .execute();
  for (const column of ['state', 'owner_id', 'series_id', 'approval', 'audience'] as const) {
    await schema
      .createIndex(`studio_videos_of_${column}`)
      .on('studio_videos')
      .columns([column, 'video_id'])
      .execute();
  }
  await schema
    .createTable('studio_jobs')
    .addColumn('job_id', 'text', column => column.primaryKey())
    .addColumn('video_id', 'text', column => column.notNull())
    .addColumn('changed', 'bigint', column => column.notNull())
    .addColumn('state_order', 'integer', column => column.notNull())
    .addColumn('priority', 'integer', column => column.notNull())
    .addColumn('urgency', 'integer', column => column.notNull())
    .addColumn('hidden', 'integer', column => column.notNull())
    .addColumn('media_ms', 'bigint', column => column.notNull())
    .addColumn('done_ms', 'bigint', column => column.notNull())
    .addColumn('speed_milli', 'bigint', column => column.notNull())
    .addColumn('leased', 'integer', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('last_error', 'text')
    .addColumn('started_ms', 'bigint', column => column.notNull())
    .addColumn('started_done_ms', 'bigint', column => column.notNull())
    .execute();
  await schema.createIndex('studio_jobs_by_changed').on('studio_jobs').column('changed').execute();
  await schema.createIndex('studio_jobs_by_video').on('studio_jobs').column('video_id').execute();
  await schema
    .createIndex('studio_jobs_in_order')
    .on('studio_jobs')
    .columns(['state_order', 'priority desc', 'urgency desc', 'job_id'])
    .execute();
}

async function createTotals(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('studio_counts')
    .addColumn('owner_id', 'text', column => column.notNull())
    .addColumn('series_id', 'text', column => column.notNull())
    .addColumn('facet', 'text', column => column.notNull())
    .addColumn('n', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('studio_counts_key', ['owner_id', 'series_id', 'facet'])
    .execute();
  await schema
    .createTable('studio_removals')
    .addColumn('item', 'text', column => column.primaryKey())
    .addColumn('changed', 'bigint', column => column.notNull())
    .execute();
  await schema.createIndex('studio_removals_by_changed').on('studio_removals').column('changed').execute();
  await schema
    .createTable('studio_speeds')
    .addColumn('kind', 'text', column => column.primaryKey())
    .addColumn('media_ms', 'bigint', column => column.notNull())
    .addColumn('work_ms', 'bigint', column => column.notNull())
    .execute();
  await schema
    .createTable('studio_state')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('changed', 'bigint', column => column.notNull())
    .execute();
  await (db as Kysely<StudioIndexSchema>).insertInto('studio_state').values({ id: 1, changed: 0 }).execute();
  // A signal covers all records up to a change.
  await schema.createIndex('records_of_change').on('records').column('change').execute();
}

const QUEUED = [
  { table: 'videos', kind: 'video', column: 'id', events: ['insert', 'update', 'delete'] },
  { table: 'records', kind: 'video', column: 'video_id', events: ['insert', 'update', 'delete'] },
  { table: 'jobs', kind: 'job', column: 'id', events: ['insert', 'update', 'delete'] },
  // Steps are inserted and deleted together with their job.
  { table: 'job_steps', kind: 'job', column: 'job_id', events: ['update'] },
] as const;

async function createSqliteTriggers(db: Kysely<unknown>): Promise<void> {
  for (const { table, kind, column, events } of QUEUED) {
    for (const event of events) {
      await sql
        .raw(
          `create trigger studio_${table}_${event} after ${event} on ${table} begin
             insert into studio_queue (kind, item) values ('${kind}', ${event === 'delete' ? 'old' : 'new'}.${column});
           end`,
        )
        .execute(db);
    }
  }
  await sql`
    create trigger studio_signal_update after update of signalled_change on signal
    when new.signalled_change <> old.signalled_change begin
      insert into studio_queue (kind, item) select 'video', video_id from records
        where change > old.signalled_change and change <= new.signalled_change;
    end`.execute(db);
}

/** Central may read and acknowledge records with its own role, so the functions run with the rights of their owner. */
async function createPostgresTriggers(db: Kysely<unknown>): Promise<void> {
  for (const { table, kind, column, events } of QUEUED) {
    await sql
      .raw(
        `create function studio_queue_${table}() returns trigger language plpgsql security definer set search_path from current as $$
         begin
           if tg_op = 'DELETE' then insert into studio_queue (kind, item) values ('${kind}', old.${column});
           else insert into studio_queue (kind, item) values ('${kind}', new.${column});
           end if;
           return null;
         end $$`,
      )
      .execute(db);
    await sql
      .raw(
        `create trigger studio_${table} after ${events.join(' or ')} on ${table}
           for each row execute function studio_queue_${table}()`,
      )
      .execute(db);
  }
  await sql`
    create function studio_queue_signal() returns trigger language plpgsql security definer set search_path from current as $$
    begin
      insert into studio_queue (kind, item) select 'video', video_id from records
        where change > old.signalled_change and change <= new.signalled_change;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger studio_signal after update of signalled_change on signal for each row
      when (new.signalled_change <> old.signalled_change) execute function studio_queue_signal()`.execute(db);
}

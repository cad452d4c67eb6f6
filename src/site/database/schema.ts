/** Tables of the site database, and how they came to be. */
import type { Kysely, Migration } from 'kysely';
import { sql } from '../../kernel/sql/sql.ts';
import type { VideoState } from '../../protocol/site.ts';

export interface VideoRow {
  id: string;
  name: string;
  description: string;
  language: string | null;
  file_name: string | null;
  /** 1: who has a right alone may watch it. */
  private: number;
  state: VideoState;
  error_code: string | null;
  error_detail: string | null;
  size_bytes: number;
  sha256: string | null;
  revision: string | null;
  /** PreparedSource as JSON. */
  prepared: string | null;
  /** Extras as JSON (`extras.ts`): what stands beside the renditions now. */
  extras: string | null;
  /** 1 once they were looked for; begun, counted before each. */
  extras_made: number;
  extras_attempts: number;
  /** In the object store behind the disks: `settling.ts`. */
  settled: number;
  /** Checks begun; counted before each, so that a source which kills the process is set aside. */
  attempts: number;
  created_at: string;
  updated_at: string;
}

export interface RecordRow {
  video_id: string;
  /** 0: written, not numbered yet. Such a row is a draft: `body` has no version and `hash` is empty. */
  version: number;
  hash: string;
  /** The record as canonical JSON. */
  body: string;
  withdrawn: number;
  /** The patent's published flag: 0 or 1. */
  published: number;
  /** Version that a tracker has registered; 0 for none. */
  registered_version: number;
  /** When this content was written: `writtenAt` of the record. */
  written_at: string;
  /** Order of writing, and what the signal flag is conditional on. */
  change: number;
}

/** One row: the patent's signal flag, and where this database stands with central. */
export interface SignalRow {
  id: number;
  flag: 'sent' | 'not-sent';
  /** Highest version numbered or adopted: where the next one is counted from. */
  version: number;
  /** Counts what was written. */
  change: number;
  /** Value of `change` when the last answered signal was sent. */
  signalled_change: number;
  /** The latest `written_at`, in milliseconds since 1970: nothing is written before it. */
  written_ms: number;
  /** This site's id, once it has joined. */
  site: string | null;
  /** Nonce of the present start. */
  start: string;
  /** Number of the last epoch that was adopted; 0 for none. */
  epoch: number;
  /** Nonce of the start that adopted it. Where it is not the present one, this start has still to greet. */
  epoch_start: string | null;
  /** Up to where withdrawals of other sites were carried out. */
  withdrawals: number;
  /** Up to where it was heard what this site is to hold copies of. */
  assignments: number;
}

/** A revision that was published once. It stays as long as its video: viewers may be watching it. */
export interface RevisionRow {
  id: string;
  video_id: string;
  /** Names of its index files below the video's directory, a JSON list, in the order of the multivariant playlist. */
  indexes: string;
  /** Extras as JSON: what stood beside the renditions when it became current. */
  extras: string | null;
  created_at: string;
}

export const JOB_STATES = ['open', 'done', 'set-aside', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Work on one video that other processes and machines of the site may do: its steps are leased one by one. */
export interface JobRow {
  id: string;
  video_id: string;
  kind: string;
  state: JobState;
  /** Given by people: the greater goes first. */
  priority: number;
  /** Given by the kind: what shows a first picture goes before what improves one. */
  urgency: number;
  /** What a worker's ffmpeg must be able to do, e.g. `libx264 aac`. */
  needs: string;
  /** How the steps are done, JSON. */
  plan: string;
  /** Why it was set aside. */
  error: string | null;
  created_at: string;
  updated_at: string;
}

export interface JobStepRow {
  job_id: string;
  number: number;
  kind: string;
  /** Steps with a number below this must be done first. */
  after: number;
  /** Media time that it covers. */
  media_ms: number;
  state: 'waiting' | 'leased' | 'done';
  /** Begun; counted before each, so that what kills its worker is set aside. */
  attempts: number;
  owner: string | null;
  lease_until_ms: number;
  not_before_ms: number;
  /** Media time that is done. */
  done_ms: number;
  /** Media time per time on the clock, in thousandths. */
  speed_milli: number;
  /** JSON. */
  result: string | null;
  error: string | null;
}

/**
 * Where a copy of another site's video stands: to be made (again); whole; or its record says so after a restore, and it has
 * to be seen whether that is true.
 */
export type CopyState = 'wanted' | 'complete' | 'claimed';

/** Another site's video that this site is to hold, or holds, whole (docs/copies.md). */
export interface CopyRow {
  video_id: string;
  /** 0: it is to go. */
  wanted: number;
  state: CopyState;
  /** The site whose video it is, its present record's revision, version and hash. */
  origin: string;
  revision: string;
  version: number;
  hash: string;
  /** Why it is to be here, or not any more. */
  reason: string;
  /** What is whole here: a revision, and the origin's signed record of it as canonical JSON. */
  held_revision: string | null;
  held_version: number | null;
  held_record: string | null;
  /** Out of that record. */
  name: string;
  description: string;
  size_bytes: number;
  files: number;
  /** Of what is being made now. */
  files_done: number;
  attempts: number;
  not_before_ms: number;
  error: string | null;
  updated_at: string;
}

/** Another site's video of which something is in the buffer: what it is called, so that it can be found with the centre away. */
export interface CatalogueTitleRow {
  video_id: string;
  revision: string;
  name: string;
  description: string;
  duration_ms: number;
  /** JSON. */
  pictures: string | null;
  heard_ms: number;
}

export interface SiteSchema {
  copies: CopyRow;
  heard_videos: CatalogueTitleRow;
  videos: VideoRow;
  revisions: RevisionRow;
  jobs: JobRow;
  job_steps: JobStepRow;
  records: RecordRow;
  signal: SignalRow;
}

export const siteMigrations: Readonly<Record<string, Migration>> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('videos')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('description', 'text', column => column.notNull())
        .addColumn('language', 'text')
        .addColumn('file_name', 'text')
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('error_code', 'text')
        .addColumn('error_detail', 'text')
        .addColumn('size_bytes', 'bigint', column => column.notNull())
        .addColumn('sha256', 'text')
        .addColumn('revision', 'text')
        .addColumn('prepared', 'text')
        .addColumn('attempts', 'integer', column => column.notNull().defaultTo(0))
        .addColumn('created_at', 'text', column => column.notNull())
        .addColumn('updated_at', 'text', column => column.notNull())
        .execute();
      await db.schema
        .createTable('records')
        .addColumn('video_id', 'text', column => column.primaryKey())
        .addColumn('version', 'bigint', column => column.notNull())
        .addColumn('hash', 'text', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addColumn('published', 'integer', column => column.notNull())
        .addColumn('registered_version', 'bigint', column => column.notNull())
        .addColumn('written_at', 'text', column => column.notNull())
        .execute();
      await db.schema
        .createIndex('records_by_published')
        .on('records')
        .columns(['published', 'version'])
        .execute();
      await db.schema
        .createTable('signal')
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('flag', 'text', column => column.notNull())
        .addColumn('version', 'bigint', column => column.notNull())
        .addColumn('signalled_version', 'bigint', column => column.notNull())
        .execute();
      await (db as Kysely<SiteSchema>)
        .insertInto('signal')
        .values({ id: 1, flag: 'sent', version: 0, signalled_version: 0 } as never)
        .execute();
    },
  },
  '0002-revisions': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('revisions')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('video_id', 'text', column => column.notNull())
        .addColumn('indexes', 'text', column => column.notNull())
        .addColumn('created_at', 'text', column => column.notNull())
        .execute();
      await db.schema.createIndex('revisions_by_video').on('revisions').column('video_id').execute();
      // Until now a video had one revision, made of its source.
      const typed = db as Kysely<SiteSchema>;
      const videos = await typed
        .selectFrom('videos')
        .select(['id', 'revision', 'updated_at'])
        .where('revision', 'is not', null)
        .execute();
      for (const { id, revision, updated_at } of videos) {
        await typed
          .insertInto('revisions')
          .values({
            id: revision ?? '',
            video_id: id,
            indexes: '["source.index"]',
            created_at: updated_at,
          })
          .execute();
      }
    },
  },
  '0003-publication': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('records')
        .addColumn('withdrawn', 'integer', column => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .alterTable('records')
        .addColumn('change', 'bigint', column => column.notNull().defaultTo(0))
        .execute();
      await sql`update records set change = version`.execute(db);
      await sql`update records set withdrawn = 1 where body like '%"kind":"tombstone"%'
        and video_id in (select id from videos where state = 'withdrawn')`.execute(db);
      await db.schema.createIndex('records_by_change').on('records').columns(['version', 'change']).execute();
      for (const column of ['change', 'signalled_change', 'written_ms', 'epoch', 'withdrawals']) {
        await db.schema
          .alterTable('signal')
          .addColumn(column, 'bigint', type => type.notNull().defaultTo(0))
          .execute();
      }
      await db.schema.alterTable('signal').addColumn('site', 'text').execute();
      await db.schema
        .alterTable('signal')
        .addColumn('start', 'text', column => column.notNull().defaultTo(''))
        .execute();
      await db.schema.alterTable('signal').addColumn('epoch_start', 'text').execute();
      await sql`update signal set change = version, signalled_change = signalled_version`.execute(db);
      await db.schema.alterTable('signal').dropColumn('signalled_version').execute();
    },
  },
  '0005-extras': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('videos').addColumn('extras', 'text').execute();
      for (const name of ['extras_made', 'extras_attempts']) {
        await db.schema
          .alterTable('videos')
          .addColumn(name, 'integer', column => column.notNull().defaultTo(0))
          .execute();
      }
      await db.schema.alterTable('revisions').addColumn('extras', 'text').execute();
    },
  },
  '0006-jobs': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('jobs')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('video_id', 'text', column => column.notNull())
        .addColumn('kind', 'text', column => column.notNull())
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('priority', 'integer', column => column.notNull())
        .addColumn('urgency', 'integer', column => column.notNull())
        .addColumn('needs', 'text', column => column.notNull())
        .addColumn('plan', 'text', column => column.notNull())
        .addColumn('error', 'text')
        .addColumn('created_at', 'text', column => column.notNull())
        .addColumn('updated_at', 'text', column => column.notNull())
        .execute();
      await db.schema.createIndex('jobs_by_video').on('jobs').column('video_id').execute();
      await db.schema.createIndex('jobs_by_state').on('jobs').columns(['state', 'priority']).execute();
      await db.schema
        .createTable('job_steps')
        .addColumn('job_id', 'text', column => column.notNull())
        .addColumn('number', 'integer', column => column.notNull())
        .addColumn('kind', 'text', column => column.notNull())
        .addColumn('after', 'integer', column => column.notNull())
        .addColumn('media_ms', 'bigint', column => column.notNull())
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('owner', 'text')
        .addColumn('lease_until_ms', 'bigint', column => column.notNull())
        .addColumn('not_before_ms', 'bigint', column => column.notNull())
        .addColumn('done_ms', 'bigint', column => column.notNull())
        .addColumn('speed_milli', 'bigint', column => column.notNull())
        .addColumn('result', 'text')
        .addColumn('error', 'text')
        .addPrimaryKeyConstraint('job_steps_key', ['job_id', 'number'])
        .execute();
    },
  },
  '0007-settled': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('videos')
        .addColumn('settled', 'integer', column => column.notNull().defaultTo(0))
        .execute();
    },
  },
  '0008-copies': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('signal')
        .addColumn('assignments', 'bigint', column => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .createTable('copies')
        .addColumn('video_id', 'text', column => column.primaryKey())
        .addColumn('wanted', 'integer', column => column.notNull())
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('origin', 'text', column => column.notNull())
        .addColumn('revision', 'text', column => column.notNull())
        .addColumn('version', 'bigint', column => column.notNull())
        .addColumn('hash', 'text', column => column.notNull())
        .addColumn('reason', 'text', column => column.notNull())
        .addColumn('held_revision', 'text')
        .addColumn('held_version', 'bigint')
        .addColumn('held_record', 'text')
        .addColumn('name', 'text', column => column.notNull().defaultTo(''))
        .addColumn('description', 'text', column => column.notNull().defaultTo(''))
        .addColumn('size_bytes', 'bigint', column => column.notNull())
        .addColumn('files', 'integer', column => column.notNull())
        .addColumn('files_done', 'integer', column => column.notNull())
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('not_before_ms', 'bigint', column => column.notNull())
        .addColumn('error', 'text')
        .addColumn('updated_at', 'text', column => column.notNull())
        .execute();
      await db.schema
        .createTable('heard_videos')
        .addColumn('video_id', 'text', column => column.primaryKey())
        .addColumn('revision', 'text', column => column.notNull())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('description', 'text', column => column.notNull())
        .addColumn('duration_ms', 'bigint', column => column.notNull())
        .addColumn('pictures', 'text')
        .addColumn('heard_ms', 'bigint', column => column.notNull())
        .execute();
    },
  },
  '0009-private-videos': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('videos')
        .addColumn('private', 'integer', column => column.notNull().defaultTo(0))
        .execute();
    },
  },
};

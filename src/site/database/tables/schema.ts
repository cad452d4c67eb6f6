/**
 * The database of a site: its videos, their records for central, the jobs of its workers, and the copies it holds. Columns
 * ending in `_at` are ISO 8601 timestamps, those ending in `_ms` milliseconds. Flags are 0 or 1, and JSON is stored as text,
 * so that SQLite and PostgreSQL behave alike.
 */
import type { Kysely, Migration } from 'kysely';
import type { SearchSchema } from '../../../kernel/search/database/tables.ts';
import type { RevisionId, SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { CaptionsOrigin } from '../../../protocol/captions.ts';
import type { Audience } from '../../../protocol/people/audience.ts';
import type { VideoState } from '../../../protocol/site.ts';
import { siteSearchMigration } from './site-search.ts';
import { type StudioIndexSchema, studioIndex } from './studio-index.ts';

/** A video that was uploaded here, or that this site has taken over. */
export interface VideoRow {
  id: VideoId;
  name: string;
  description: string;
  language: string | null;
  file_name: string | null;
  /** 1 if the audience is not `public`: this site serves it only with a token. */
  private: number;
  /** `internal` or `groups`. Null: as `private` says. */
  audience: Audience | null;
  /** JSON: the ids of the groups that may watch it. Null unless the audience is `groups`. */
  groups: string | null;
  series_id: string | null;
  series_position: number | null;
  /** The person who owns the video. Null: it was uploaded without an account. */
  owner_id: string | null;
  owner_name: string | null;
  /** Null: the video needs no approval, or has it. The record of the others is not written. */
  approval: 'awaiting' | 'sent-back' | null;
  /** Why the video was sent back. */
  approval_comment: string | null;
  state: VideoState;
  error_code: string | null;
  error_detail: string | null;
  size_bytes: number;
  sha256: string | null;
  revision: RevisionId | null;
  /** PreparedSource as JSON. */
  prepared: string | null;
  /** The marks of a trimmed video as JSON (trimming.ts). Null: it is not trimmed. */
  trim: string | null;
  /** Extras as JSON: the current pictures and captions. */
  extras: string | null;
  /** 1 after the extras were made. */
  extras_made: number;
  /** `VideoDetails` as canonical JSON, with members of newer versions. Null: nothing. */
  details: string | null;
  /** `publishAt` and `withdrawAt` of the details. */
  publish_at: string | null;
  withdraw_at: string | null;
  /** Counted before each attempt. */
  extras_attempts: number;
  /** Progress of the offload to the object store: a value of `OFFLOAD`. */
  offloaded: number;
  /** Checks of the source, counted before each, so that a source that kills the process is set aside. */
  attempts: number;
  created_at: string;
  updated_at: string;
}

/** A revision that was published. It is kept as long as its video, because viewers may be watching it. */
export interface RevisionRow {
  id: RevisionId;
  video_id: VideoId;
  /** JSON array: names of its index files in the directory of the video, in the order of the multivariant playlist. */
  indexes: string;
  /** Extras as JSON: the pictures and captions when the revision became current. */
  extras: string | null;
  created_at: string;
}

/** The record of a video or of a copy, and how far its publication is. Central reads this table over SQL (site-tables.ts). */
export interface RecordRow {
  video_id: VideoId;
  /** 0 for a draft, which has no version in `body` and an empty `hash`. */
  version: number;
  hash: string;
  /** The record as canonical JSON. */
  body: string;
  withdrawn: number;
  /** The published flag: 0 or 1. */
  published: number;
  /** The version that a tracker has registered; 0 for none. */
  registered_version: number;
  /** `writtenAt` of the record. */
  written_at: string;
  /** The value of `signal.change` when the record was written: the order of writes. */
  change: number;
}

/** One row: the signal flag and the state of this database towards central, which reads it over SQL (site-tables.ts). */
export interface SignalRow {
  id: number;
  flag: 'sent' | 'not-sent';
  /** Highest version that was numbered or adopted. The next version follows it. */
  version: number;
  /** Counter of record writes. */
  change: number;
  /** The value of `change` when the last acknowledged signal was sent. */
  signalled_change: number;
  /** The latest `written_at`, in milliseconds since 1970. Later records are written after it, even if the clock goes back. */
  written_ms: number;
  /** The id of this site, once it has joined. */
  site: SiteId | null;
  /** Nonce of the current start. */
  start: string;
  /** Number of the last adopted epoch; 0 for none. */
  epoch: number;
  /** Nonce of the start that adopted it. If it is not the current one, the handshake of this start is pending. */
  epoch_start: string | null;
  /** Position in central's feed of withdrawals up to which they were carried out. */
  withdrawals: number;
  /** Position in central's feed of assignments up to which they were stored. */
  assignments: number;
  /** The secret from which this database makes its video ids. */
  id_secret: string;
  /** Position in central's feed of rights up to which changes of people were applied. */
  people: number;
}

/** A session of a browser at this site, or an API token that was used here, with what central says of it. */
export interface CredentialRow {
  /** SHA-256 of the cookie or token in hexadecimal. */
  secret_hash: string;
  /** The id of the session or token at central. */
  id: string;
  kind: 'session' | 'token';
  person_id: string;
  /** The statement of central (statements.ts). */
  statement: string;
  /** 1 if central reported a change since: the statement must be refreshed before it counts. */
  is_stale: number;
  /** A value of `ENDED`: the person has signed out, which central does not know yet. */
  ended: number;
  created_ms: number;
  last_used_ms: number;
  refreshed_ms: number;
  expires_ms: number;
}

/** An entry for central's audit log. It is deleted some time after central has it. */
export interface AuditEventRow {
  /** Counts the events of this site. */
  seq: number;
  /** `AuditEvent` as JSON. */
  body: string;
  /** 1: central has it. */
  sent: number;
  /** When central confirmed it. */
  sent_ms: number;
}

export const JOB_STATES = ['open', 'done', 'set-aside', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Work on one video. Processes and machines of the site lease its steps one by one. */
export interface JobRow {
  id: string;
  video_id: VideoId;
  kind: string;
  state: JobState;
  /** Set by people; higher values come first. */
  priority: number;
  /** Set by the kind; a job that makes a video playable comes before one that improves it. */
  urgency: number;
  /** Capabilities that the ffmpeg of a worker must have, for example `libx264 aac`. */
  needs: string;
  /** JSON: how to do the steps. */
  plan: string;
  /** Why the job was set aside. */
  error: string | null;
  created_at: string;
  updated_at: string;
}

export interface JobStepRow {
  job_id: string;
  number: number;
  kind: string;
  /** All steps with a lower number than this must be done first. */
  after: number;
  /** Media time that the step covers. */
  media_ms: number;
  state: 'waiting' | 'leased' | 'done';
  /** Counted before each attempt, so that a step that kills its worker is set aside. */
  attempts: number;
  owner: string | null;
  lease_until_ms: number;
  not_before_ms: number;
  /** Media time that is done. */
  done_ms: number;
  /** Media time per wall-clock time, in thousandths. */
  speed_milli: number;
  /** JSON. */
  result: string | null;
  error: string | null;
}

/**
 * `wanted`: to be made, or made again. `complete`: all files are here. `claimed`: central has a record of this copy that was
 * restored; whether the files are here must be checked.
 */
export type CopyState = 'wanted' | 'complete' | 'claimed';

/** A video of another site that this site must hold, or holds, as a full copy (docs/copies.md). */
export interface CopyRow {
  video_id: VideoId;
  /** 0 if the copy must be deleted. */
  wanted: number;
  state: CopyState;
  /** The site of the video; then the revision, version and hash of its current record. */
  origin: SiteId;
  revision: RevisionId;
  version: number;
  hash: string;
  /** Why the copy is or is no longer assigned to this site. */
  reason: string;
  /** The revision of which all files are here, and the origin's record of it as canonical JSON. */
  held_revision: RevisionId | null;
  held_version: number | null;
  held_record: string | null;
  /** `publishAt` and `withdrawAt` of that record. */
  publish_at: string | null;
  withdraw_at: string | null;
  /** Name and description in that record. */
  name: string;
  description: string;
  size_bytes: number;
  files: number;
  /** Finished files of the copy in progress. */
  files_done: number;
  attempts: number;
  not_before_ms: number;
  error: string | null;
  updated_at: string;
}

/** The background check of the files of one video, the site's own or a copy. */
export interface FileCheckRow {
  video_id: VideoId;
  holding: 'own' | 'copy';
  /** End of the last complete check; 0 for none. */
  checked_ms: number;
  /** When damage was found. Null: no damage. */
  damaged_at: string | null;
  /** A sentence that names the damage. */
  detail: string | null;
  /** Failed repairs, and why the last one failed. */
  attempts: number;
  repair_error: string | null;
  not_before_ms: number;
  /** 1 if the damaged bytes were fetched from another site. */
  repaired: number;
}

/** The catalogue entry of a buffered video of another site, so that it is found while central is unavailable. */
export interface CatalogueEntryRow {
  video_id: VideoId;
  revision: RevisionId;
  name: string;
  description: string;
  duration_ms: number;
  /** JSON. */
  pictures: string | null;
  synced_ms: number;
}

/** A list that central keeps, as this site last read it: series or fields. */
export interface CentralListRow {
  readonly name: string;
  /** What central called this state of its lists. */
  readonly version: string;
  /** JSON. */
  readonly body: string;
}

/** What tus returns about an upload. A partial upload has no video. */
export interface UploadRow {
  id: VideoId;
  /** Upload-Metadata as the client sent it. */
  metadata: string | null;
  /** Upload-Concat as the client sent it. */
  concat: string | null;
  /** Null until the client has declared the length. */
  length_bytes: number | null;
  /** The person who started it. Null: without an account. */
  owner_id: string | null;
  created_at: string;
}

/** Captions that are not published. */
export interface CaptionDraftRow {
  id: string;
  video_id: VideoId;
  language: string | null;
  name: string | null;
  origin: CaptionsOrigin;
  /** WebVTT. */
  vtt: string;
  /** Names the content: every change has a new one. */
  tag: string;
  created_at: string;
}

export interface SiteSchema extends StudioIndexSchema, SearchSchema {
  caption_drafts: CaptionDraftRow;
  videos: VideoRow;
  uploads: UploadRow;
  revisions: RevisionRow;
  records: RecordRow;
  signal: SignalRow;
  jobs: JobRow;
  job_steps: JobStepRow;
  copies: CopyRow;
  catalogue_entries: CatalogueEntryRow;
  file_checks: FileCheckRow;
  credentials: CredentialRow;
  audit_events: AuditEventRow;
  central_lists: CentralListRow;
}

const initial: Migration = {
  async up(db: Kysely<unknown>) {
    await createVideoTables(db);
    await createPublicationTables(db);
    await createJobTables(db);
    await createCopyTables(db);
  },
};

const fileChecks: Migration = {
  async up({ schema }: Kysely<unknown>) {
    await schema
      .createTable('file_checks')
      .addColumn('video_id', 'text', column => column.primaryKey())
      .addColumn('holding', 'text', column => column.notNull())
      .addColumn('checked_ms', 'bigint', column => column.notNull())
      .addColumn('damaged_at', 'text')
      .addColumn('detail', 'text')
      .addColumn('attempts', 'integer', column => column.notNull())
      .addColumn('repair_error', 'text')
      .addColumn('not_before_ms', 'bigint', column => column.notNull())
      .addColumn('repaired', 'integer', column => column.notNull())
      .execute();
    await schema.createIndex('file_checks_by_time').on('file_checks').column('checked_ms').execute();
  },
};

const uploads: Migration = {
  async up({ schema }: Kysely<unknown>) {
    await schema
      .createTable('uploads')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('metadata', 'text')
      .addColumn('concat', 'text')
      .addColumn('length_bytes', 'bigint')
      .addColumn('created_at', 'text', column => column.notNull())
      .execute();
  },
};

const people: Migration = {
  async up({ schema }: Kysely<unknown>) {
    for (const column of [
      'audience',
      'groups',
      'series_id',
      'owner_id',
      'owner_name',
      'approval',
      'approval_comment',
    ]) {
      await schema.alterTable('videos').addColumn(column, 'text').execute();
    }
    await schema.alterTable('videos').addColumn('series_position', 'integer').execute();
    await schema.alterTable('uploads').addColumn('owner_id', 'text').execute();
    await schema
      .createTable('credentials')
      .addColumn('secret_hash', 'text', column => column.primaryKey())
      .addColumn('id', 'text', column => column.notNull().unique())
      .addColumn('kind', 'text', column => column.notNull())
      .addColumn('person_id', 'text', column => column.notNull())
      .addColumn('statement', 'text', column => column.notNull())
      .addColumn('is_stale', 'integer', column => column.notNull())
      .addColumn('ended', 'integer', column => column.notNull())
      .addColumn('created_ms', 'bigint', column => column.notNull())
      .addColumn('last_used_ms', 'bigint', column => column.notNull())
      .addColumn('refreshed_ms', 'bigint', column => column.notNull())
      .addColumn('expires_ms', 'bigint', column => column.notNull())
      .execute();
    await schema
      .alterTable('signal')
      .addColumn('people', 'bigint', column => column.notNull().defaultTo(0))
      .execute();
    await schema.createIndex('credentials_by_person').on('credentials').column('person_id').execute();
    await schema
      .createTable('audit_events')
      .addColumn('seq', 'bigint', column => column.primaryKey())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('sent', 'integer', column => column.notNull())
      .addColumn('sent_ms', 'bigint', column => column.notNull())
      .execute();
  },
};

const details: Migration = {
  async up({ schema }: Kysely<unknown>) {
    await schema.alterTable('videos').addColumn('details', 'text').execute();
    for (const table of ['videos', 'copies']) {
      for (const column of ['publish_at', 'withdraw_at']) {
        await schema.alterTable(table).addColumn(column, 'text').execute();
        await schema.createIndex(`${table}_by_${column}`).on(table).column(column).execute();
      }
    }
    await schema
      .createTable('central_lists')
      .addColumn('name', 'text', column => column.primaryKey())
      .addColumn('version', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute();
  },
};

/** Migrations in order. Only add to this list. */
export const siteMigrations: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
  '0002-id-secret': {
    async up({ schema }) {
      await schema
        .alterTable('signal')
        .addColumn('id_secret', 'text', column => column.notNull().defaultTo(''))
        .execute();
    },
  },
  '0003-file-checks': fileChecks,
  '0004-uploads': uploads,
  '0005-people': people,
  '0006-details': details,
  '0007-site-search': siteSearchMigration,
  '0008-captions': {
    async up({ schema }) {
      await schema
        .createTable('caption_drafts')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('video_id', 'text', column => column.notNull())
        .addColumn('language', 'text')
        .addColumn('name', 'text')
        .addColumn('origin', 'text', column => column.notNull())
        .addColumn('vtt', 'text', column => column.notNull())
        .addColumn('tag', 'text', column => column.notNull())
        .addColumn('created_at', 'text', column => column.notNull())
        .execute();
      await schema.createIndex('caption_drafts_by_video').on('caption_drafts').column('video_id').execute();
    },
  },
  '0009-trim': {
    async up({ schema }) {
      await schema.alterTable('videos').addColumn('trim', 'text').execute();
    },
  },
  '0010-studio': studioIndex,
};

async function createVideoTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('videos')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('description', 'text', column => column.notNull())
    .addColumn('language', 'text')
    .addColumn('file_name', 'text')
    .addColumn('private', 'integer', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('error_code', 'text')
    .addColumn('error_detail', 'text')
    .addColumn('size_bytes', 'bigint', column => column.notNull())
    .addColumn('sha256', 'text')
    .addColumn('revision', 'text')
    .addColumn('prepared', 'text')
    .addColumn('extras', 'text')
    .addColumn('extras_made', 'integer', column => column.notNull())
    .addColumn('extras_attempts', 'integer', column => column.notNull())
    .addColumn('offloaded', 'integer', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .execute();
  await schema
    .createTable('revisions')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('video_id', 'text', column => column.notNull())
    .addColumn('indexes', 'text', column => column.notNull())
    .addColumn('extras', 'text')
    .addColumn('created_at', 'text', column => column.notNull())
    .execute();
  await schema.createIndex('revisions_by_video').on('revisions').column('video_id').execute();
}

async function createPublicationTables(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('records')
    .addColumn('video_id', 'text', column => column.primaryKey())
    .addColumn('version', 'bigint', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('body', 'text', column => column.notNull())
    .addColumn('withdrawn', 'integer', column => column.notNull())
    .addColumn('published', 'integer', column => column.notNull())
    .addColumn('registered_version', 'bigint', column => column.notNull())
    .addColumn('written_at', 'text', column => column.notNull())
    .addColumn('change', 'bigint', column => column.notNull())
    .execute();
  await schema.createIndex('records_by_published').on('records').columns(['published', 'version']).execute();
  await schema.createIndex('records_by_change').on('records').columns(['version', 'change']).execute();
  await schema
    .createTable('signal')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('flag', 'text', column => column.notNull())
    .addColumn('version', 'bigint', column => column.notNull())
    .addColumn('change', 'bigint', column => column.notNull())
    .addColumn('signalled_change', 'bigint', column => column.notNull())
    .addColumn('written_ms', 'bigint', column => column.notNull())
    .addColumn('site', 'text')
    .addColumn('start', 'text', column => column.notNull())
    .addColumn('epoch', 'bigint', column => column.notNull())
    .addColumn('epoch_start', 'text')
    .addColumn('withdrawals', 'bigint', column => column.notNull())
    .addColumn('assignments', 'bigint', column => column.notNull())
    .execute();
  await (db as Kysely<{ signal: Omit<SignalRow, 'id_secret' | 'people'> }>)
    .insertInto('signal')
    .values({
      id: 1,
      flag: 'sent',
      version: 0,
      change: 0,
      signalled_change: 0,
      written_ms: 0,
      site: null,
      start: '',
      epoch: 0,
      epoch_start: null,
      withdrawals: 0,
      assignments: 0,
    })
    .execute();
}

async function createJobTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
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
  await schema.createIndex('jobs_by_video').on('jobs').column('video_id').execute();
  await schema.createIndex('jobs_by_state').on('jobs').columns(['state', 'priority']).execute();
  await schema
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
}

async function createCopyTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
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
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('description', 'text', column => column.notNull())
    .addColumn('size_bytes', 'bigint', column => column.notNull())
    .addColumn('files', 'integer', column => column.notNull())
    .addColumn('files_done', 'integer', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('not_before_ms', 'bigint', column => column.notNull())
    .addColumn('error', 'text')
    .addColumn('updated_at', 'text', column => column.notNull())
    .execute();
  await schema
    .createTable('catalogue_entries')
    .addColumn('video_id', 'text', column => column.primaryKey())
    .addColumn('revision', 'text', column => column.notNull())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('description', 'text', column => column.notNull())
    .addColumn('duration_ms', 'bigint', column => column.notNull())
    .addColumn('pictures', 'text')
    .addColumn('synced_ms', 'bigint', column => column.notNull())
    .execute();
}

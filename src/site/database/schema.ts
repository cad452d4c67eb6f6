/** Tables of the site database, and how they came to be. */
import type { Kysely, Migration } from 'kysely';
import type { VideoState } from '../../protocol/site.ts';

export interface VideoRow {
  id: string;
  name: string;
  description: string;
  language: string | null;
  file_name: string | null;
  state: VideoState;
  error_code: string | null;
  error_detail: string | null;
  size_bytes: number;
  sha256: string | null;
  revision: string | null;
  /** PreparedSource as JSON. */
  prepared: string | null;
  /** Checks begun; counted before each, so that a source which kills the process is set aside. */
  attempts: number;
  created_at: string;
  updated_at: string;
}

export interface RecordRow {
  video_id: string;
  version: number;
  hash: string;
  /** The record as canonical JSON. */
  body: string;
  /** The patent's published flag: 0 or 1. */
  published: number;
  /** Version that a tracker has registered; 0 for none. */
  registered_version: number;
  /** When this version was written. */
  written_at: string;
}

/** One row. The patent's signal flag and the versions around it. */
export interface SignalRow {
  id: number;
  flag: 'sent' | 'not-sent';
  /** Highest version written: where the next one is counted from. */
  version: number;
  /** Highest version that was there when the last answered signal was sent. */
  signalled_version: number;
}

/** A revision that was published once. It stays as long as its video: viewers may be watching it. */
export interface RevisionRow {
  id: string;
  video_id: string;
  /** Names of its index files below the video's directory, a JSON list, in the order of the multivariant playlist. */
  indexes: string;
  created_at: string;
}

export interface SiteSchema {
  videos: VideoRow;
  revisions: RevisionRow;
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
        .values({ id: 1, flag: 'sent', version: 0, signalled_version: 0 })
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
};

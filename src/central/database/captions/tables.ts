/** The tables that say which captions central has fetched from sites, and which it still has to fetch: part of the schema of central. */
import type { Kysely, Migration } from 'kysely';
import { sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';

/** A video whose captions must be compared with those that central has. */
interface CaptionTaskTable {
  video_id: VideoId;
  site_id: string;
  /** The position of the video in the change feed when it was queued. */
  position: number;
  attempts: number;
  not_before: number;
}

/** The captions of a video that central has, by language. */
interface CaptionTagTable {
  video_id: VideoId;
  language: string;
  /** Names the content (protocol/publication/gateway.ts). */
  tag: string;
}

/** One row. */
interface CaptionStateTable {
  id: number;
  /** The position of the change feed up to which videos were queued. */
  position: number;
}

export interface CaptionsSchema {
  caption_tasks: CaptionTaskTable;
  caption_tags: CaptionTagTable;
  caption_state: CaptionStateTable;
}

export const captionsMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('caption_tasks')
      .addColumn('video_id', 'text', column => column.primaryKey())
      .addColumn('site_id', 'text', column => column.notNull())
      .addColumn('position', 'bigint', column => column.notNull())
      .addColumn('attempts', 'integer', column => column.notNull())
      .addColumn('not_before', 'bigint', column => column.notNull())
      .execute();
    await db.schema
      .createIndex('caption_tasks_due')
      .on('caption_tasks')
      .columns(['not_before', 'position'])
      .execute();
    await db.schema
      .createTable('caption_tags')
      .addColumn('video_id', 'text', column => column.notNull())
      .addColumn('language', 'text', column => column.notNull())
      .addColumn('tag', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('caption_tags_key', ['video_id', 'language'])
      .execute();
    await db.schema
      .createTable('caption_state')
      .addColumn('id', 'integer', column => column.primaryKey())
      .addColumn('position', 'bigint', column => column.notNull())
      .execute();
    await sql`insert into caption_state (id, position) values (1, 0)`.execute(db);
  },
};

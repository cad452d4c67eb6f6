/** The tables that count plays: per video and day, and the sums of the last week, by which the catalogue sorts. */
import type { Migration } from 'kysely';
import type { VideoId } from '../../../protocol/base/ids.ts';

/** Plays of a video on one day (UTC, as the number of days since 1970). */
interface PlayTable {
  video_id: VideoId;
  day: number;
  plays: number;
}

/** The plays of a video in the last seven days. Videos without plays in this time have no row. */
interface PlayCountTable {
  video_id: VideoId;
  week_plays: number;
  /** On this day, the oldest day of the sum is no longer part of the week. */
  due_day: number;
}

/** The last delivery of plays that each start of a tracker has made, so that a repeated one is not counted again. */
interface PlayDeliveryTable {
  tracker_id: string;
  /** Identifies a start of the tracker. */
  epoch: string;
  sequence: number;
  received_at: number;
}

export interface PlaysSchema {
  plays: PlayTable;
  play_counts: PlayCountTable;
  play_deliveries: PlayDeliveryTable;
}

export const playsMigration: Migration = {
  async up({ schema }) {
    await schema
      .createTable('plays')
      .addColumn('video_id', 'text', column => column.notNull())
      .addColumn('day', 'integer', column => column.notNull())
      .addColumn('plays', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('plays_key', ['video_id', 'day'])
      .execute();
    await schema.createIndex('plays_by_day').on('plays').column('day').execute();
    await schema
      .createTable('play_counts')
      .addColumn('video_id', 'text', column => column.primaryKey())
      .addColumn('week_plays', 'bigint', column => column.notNull())
      .addColumn('due_day', 'integer', column => column.notNull())
      .execute();
    await schema
      .createIndex('play_counts_most')
      .on('play_counts')
      .columns(['week_plays', 'video_id'])
      .execute();
    await schema.createIndex('play_counts_due').on('play_counts').column('due_day').execute();
    await schema
      .createTable('play_deliveries')
      .addColumn('tracker_id', 'text', column => column.notNull())
      .addColumn('epoch', 'text', column => column.notNull())
      .addColumn('sequence', 'bigint', column => column.notNull())
      .addColumn('received_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('play_deliveries_key', ['tracker_id', 'epoch'])
      .execute();
  },
};

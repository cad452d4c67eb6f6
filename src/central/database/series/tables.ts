/** The tables of series, and what the catalogue needs for scheduled videos: part of the schema of central. */
import type { Kysely, Migration, Selectable } from 'kysely';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SeriesOrder } from '../../../protocol/catalogue/series.ts';
import type { SeriesId } from '../../../protocol/people/permissions.ts';

interface SeriesTable {
  id: SeriesId;
  title: string;
  description: string;
  sort_order: SeriesOrder;
  /** The title and description for searching: in lower case, NFKC. */
  search_text: string;
  /** The title in the same form: the list is sorted by it. */
  sort_text: string;
  /** A hash of the image, which is part of its address. Null: no image. */
  image: string | null;
  created_at: number;
}
export type SeriesRow = Selectable<SeriesTable>;

interface SeriesImageTable {
  series_id: SeriesId;
  /** The media type. */
  type: string;
  /** The bytes in base64. */
  body: string;
}

/**
 * How many listed videos the series has, by who may watch them. Records may name a series that nobody has declared, so its id need
 * not be in the table of series.
 */
interface SeriesCountTable {
  series_id: SeriesId;
  public: number;
  internal: number;
  /** For groups, and private ones. */
  hidden: number;
}

/** One row. */
interface SeriesVersionTable {
  id: number;
  /** The position in the feed at which the list of series last changed. */
  position: number;
}

export interface SeriesSchema {
  series_version: SeriesVersionTable;
  series: SeriesTable;
  series_images: SeriesImageTable;
  series_counts: SeriesCountTable;
}

export const seriesMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db;
    await schema
      .createTable('series')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('title', 'text', column => column.notNull())
      .addColumn('description', 'text', column => column.notNull())
      .addColumn('sort_order', 'text', column => column.notNull())
      .addColumn('search_text', 'text', column => column.notNull())
      .addColumn('sort_text', 'text', column => column.notNull())
      .addColumn('image', 'text')
      .addColumn('created_at', 'bigint', column => column.notNull())
      .execute();
    await schema.createIndex('series_by_title').on('series').columns(['sort_text', 'id']).execute();
    await schema
      .createTable('series_images')
      .addColumn('series_id', 'text', column => column.primaryKey())
      .addColumn('type', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute();
    await schema
      .createTable('series_counts')
      .addColumn('series_id', 'text', column => column.primaryKey())
      .addColumn('public', 'bigint', column => column.notNull())
      .addColumn('internal', 'bigint', column => column.notNull())
      .addColumn('hidden', 'bigint', column => column.notNull())
      .execute();
    await schema
      .createTable('series_version')
      .addColumn('id', 'integer', column => column.primaryKey())
      .addColumn('position', 'bigint', column => column.notNull())
      .execute();
    await sql`insert into series_version (id, position) values (1, 0)`.execute(db);
    for (const column of ['publish_at', 'withdraw_at']) {
      await schema
        .alterTable('videos')
        .addColumn(column, 'bigint', definition => definition.notNull().defaultTo(0))
        .execute();
      await sql`create index ${sql.id(`videos_${column}`)} on videos (${sql.id(column)})
        where ${sql.id(column)} > 0`.execute(db);
    }
    await sql`insert into series_counts (series_id, "public", "internal", hidden)
      select series_id,
        count(case when private != 1 then 1 end),
        count(case when private = 1 and audience = 'internal' then 1 end),
        count(case when private = 1 and (audience is null or audience != 'internal') then 1 end)
      from videos join members on members.id = videos.site_id
      where series_id is not null and withdrawn = 0 and kind = 'video' and superseded_by is null
        and members.revoked_at is null
      group by series_id`.execute(db);
  },
};

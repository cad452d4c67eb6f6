/**
 * The tables of the search index, the same in the databases of central and of a site. SQLite holds the tokens in an FTS5 table,
 * PostgreSQL in a `tsvector` with a GIN index. Both are built from the tokens that this folder's parent makes, so they find the same.
 */
import type { Kysely } from 'kysely';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { isPostgres } from '../../sql/postgres.ts';
import { sql } from '../../sql/sql.ts';

import type { Reach } from '../document.ts';

interface SearchDocumentTable {
  /** Counts the documents in the order of their publication: a higher number is newer. */
  seq: number;
  video_id: VideoId;
  site_id: string;
  reach: Reach;
  /** The folded name, by which titles are sorted: in the order of code points on both engines. */
  title_key: string;
  recorded_ms: number;
  length_s: number;
  /** One value a line, each after the letter of its facet (facet-lines.ts). */
  facets: string;
}

/** How many documents have a value, by reach. */
interface SearchCountTable {
  /** The letter of the facet, then the value. */
  value: string;
  reach: Reach;
  facet: string;
  documents: number;
}

interface SearchCaptionTable {
  video_id: VideoId;
  language: string;
  revision: string;
  /** Compressed (captions.ts). */
  cues: Uint8Array;
  /** Compressed: the tokens, with spaces between them. */
  tokens: Uint8Array;
}

/** Videos whose document must be written again: those of an earlier version, and those of a series that was renamed. */
interface SearchQueueTable {
  video_id: VideoId;
  /** The number that a new document gets; 0: the next one. */
  seq: number;
}

/** One row. */
interface SearchStateTable {
  id: number;
  /** The last number that a document got. */
  seq: number;
}

export interface SearchSchema {
  search_documents: SearchDocumentTable;
  search_counts: SearchCountTable;
  search_captions: SearchCaptionTable;
  search_queue: SearchQueueTable;
  search_state: SearchStateTable;
}

export async function createSearchTables(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  const bytes = isPostgres(db) ? sql`bytea` : sql`blob`;
  // PostgreSQL compares this text by its bytes, as SQLite does.
  const text = isPostgres(db) ? sql`text collate "C"` : sql`text`;
  await schema
    .createTable('search_documents')
    .addColumn('seq', 'integer', column => column.primaryKey())
    .addColumn('video_id', 'text', column => column.notNull().unique())
    .addColumn('site_id', 'text', column => column.notNull())
    .addColumn('reach', 'text', column => column.notNull())
    .addColumn('title_key', text, column => column.notNull())
    .addColumn('recorded_ms', 'bigint', column => column.notNull())
    .addColumn('length_s', 'integer', column => column.notNull())
    .addColumn('facets', 'text', column => column.notNull())
    .execute();
  for (const column of ['title_key', 'recorded_ms'])
    await schema
      .createIndex(`search_documents_by_${column}`)
      .on('search_documents')
      .columns(['reach', column, 'seq'])
      .execute();
  await sql`create index search_documents_newest on search_documents (reach, seq)`.execute(db);
  if (isPostgres(db)) {
    await sql`alter table search_documents add column tokens tsvector`.execute(db);
    // Every read of an index with `fastupdate` also reads the list of its pending changes.
    await sql`create index search_tokens on search_documents using gin (tokens) with (fastupdate = off)`.execute(
      db,
    );
  } else
    await sql`create virtual table search_index using fts5(tokens, content='', contentless_delete=1, detail=none,
      tokenize="ascii tokenchars '-_'")`.execute(db);
  await schema
    .createTable('search_counts')
    .addColumn('value', text, column => column.notNull())
    .addColumn('reach', 'text', column => column.notNull())
    .addColumn('facet', 'text', column => column.notNull())
    .addColumn('documents', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('search_counts_key', ['value', 'reach'])
    .execute();
  await schema
    .createIndex('search_counts_most')
    .on('search_counts')
    .columns(['facet', 'reach', 'documents', 'value'])
    .execute();
  await schema
    .createTable('search_captions')
    .addColumn('video_id', 'text', column => column.notNull())
    .addColumn('language', 'text', column => column.notNull())
    .addColumn('revision', 'text', column => column.notNull())
    .addColumn('cues', bytes, column => column.notNull())
    .addColumn('tokens', bytes, column => column.notNull())
    .addPrimaryKeyConstraint('search_captions_key', ['video_id', 'language'])
    .execute();
  await schema
    .createTable('search_queue')
    .addColumn('video_id', 'text', column => column.primaryKey())
    .addColumn('seq', 'integer', column => column.notNull())
    .execute();
  await schema
    .createTable('search_state')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('seq', 'integer', column => column.notNull())
    .execute();
  await sql`insert into search_state (id, seq) values (1, 0)`.execute(db);
}

/** The tables of the index within a larger schema. The type of a database does not follow from that of one with more tables. */
export const searchTables = <Schema extends SearchSchema>(db: Kysely<Schema>): Kysely<SearchSchema> =>
  db as unknown as Kysely<SearchSchema>;

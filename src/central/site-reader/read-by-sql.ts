/** Reads a site's PostgreSQL database directly by SQL (docs/databases.md), with a time limit and errors like the other readers. */
import { withinLimit } from '../../kernel/lifecycle/time-limit.ts';
import { messageOf, Problem, problem } from '../../kernel/problem.ts';
import { sqlStateOf } from '../../kernel/sql/database-error.ts';
import { nameOfPostgres } from '../../kernel/sql/postgres.ts';
import {
  markPublished,
  openSiteDatabase,
  readUnpublished,
  type SiteDatabase,
  sumPublished,
} from '../database/site-database.ts';
import type { SiteReader } from './site-reader.ts';

const REQUEST_TIMEOUT_MS = 30_000;
/** SQLSTATE 42501, insufficient_privilege, and 42P01, undefined_table. */
const NO_ACCESS: readonly (string | undefined)[] = ['42501', '42P01'];

export interface SqlReaders {
  /** Opens a reader of the database at this URL. Connections are kept for later readers. */
  open(url: string): SiteReader;
  stop(): Promise<void>;
}

export function createSqlReaders(): SqlReaders {
  const databases = new Map<string, SiteDatabase>();
  const databaseAt = (url: string): SiteDatabase => {
    const db = databases.get(url) ?? openSiteDatabase(url);
    databases.set(url, db);
    return db;
  };
  return {
    open: url => createReader(databaseAt(url), nameOfPostgres(url)),
    async stop() {
      await Promise.all([...databases.values()].map(db => db.destroy()));
    },
  };
}

function createReader(db: SiteDatabase, name: string): SiteReader {
  /** Runs `query` within the time limit, and converts errors of the database into problems. */
  const run = async <T>(abort: AbortSignal, query: () => Promise<T>): Promise<T> => {
    try {
      return await withinLimit(REQUEST_TIMEOUT_MS, abort, query);
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      if (NO_ACCESS.includes(sqlStateOf(cause))) {
        throw problem(
          'site-database-closed',
          `${name} does not allow central to read its records: ${messageOf(cause)}. docs/databases.md lists the grants that it needs.`,
          { cause },
        );
      }
      throw problem('peer-unreachable', `${name} could not be read: ${messageOf(cause)}.`, { cause });
    }
  };
  return {
    readRecords: (limit, abort) => run(abort, () => readUnpublished(db, limit)),
    async acknowledge(epoch, published, abort) {
      if (published.length === 0) return { matched: 0 };
      return { matched: await run(abort, () => markPublished(db, epoch, published)) };
    },
    readDigest: abort => run(abort, () => sumPublished(db)),
  };
}

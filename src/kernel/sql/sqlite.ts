/**
 * SQLite behind kysely: `node:sqlite` in Node 22 and later, else the package with the same interface for Node 20. Each database
 * has one connection, because SQLite has one writer anyway, and kysely queues the queries.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Dialect, SqliteDialect } from 'kysely';
import { messageOf } from '../problem.ts';

interface Statement {
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
}
interface DatabaseSync {
  exec(statement: string): void;
  prepare(statement: string): Statement;
  close(): void;
}
type DatabaseConstructor = new (path: string, options?: { readonly readOnly?: boolean }) => DatabaseSync;

const require = createRequire(import.meta.url);

/** The module of the engine, by a name or path that every thread can load. */
export function sqliteEngineName(): string {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return major >= 22 ? 'node:sqlite' : require.resolve('@photostructure/sqlite');
}

const sqliteEngine = (): DatabaseConstructor =>
  (require(sqliteEngineName()) as { DatabaseSync: DatabaseConstructor }).DatabaseSync;

const READS = /^\s*(select|with|pragma)\b|\breturning\b/i;

/** The members of a better-sqlite3 database that kysely's dialect uses. */
function adapt(database: DatabaseSync) {
  return {
    close() {
      try {
        // The engine closes the file when the last statement has been collected, which a process that ends does not await.
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // A full or read-only disk. The next start reads the log.
      }
      database.close();
    },
    prepare(text: string) {
      // A deferred transaction can fail with SQLITE_BUSY at its first write; an immediate one waits at its start.
      const statement = database.prepare(text === 'begin' ? 'begin immediate' : text);
      return {
        reader: READS.test(text),
        all: (parameters: readonly unknown[]) => statement.all(...parameters),
        run(parameters: readonly unknown[]) {
          try {
            return statement.run(...parameters);
          } catch (error) {
            // On a full disk SQLite has already rolled back. Throwing here would hide the original error.
            if (text === 'rollback' && /no transaction is active/.test(messageOf(error))) {
              return { changes: 0, lastInsertRowid: 0 };
            }
            throw error;
          }
        },
        iterate: (parameters: readonly unknown[]) => statement.iterate(...parameters),
      };
    },
  };
}

/** The file exists but is not a sound database. */
export class DamagedDatabase extends Error {
  override readonly name = 'DamagedDatabase';
}

const DAMAGE = /malformed|not a database|is damaged/;

/** SQLite gives its other files (WAL, shared memory) the mode of the first one. A database in memory has no file. */
function makePrivateFile(path: string): void {
  if (path === ':memory:' || existsSync(path)) return;
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch {
    // SQLite reports why the file cannot be created.
  }
}

/**
 * Opens the database at `path`, and creates it if necessary.
 *
 * @throws DamagedDatabase if the file is not a sound database.
 */
export function openSqliteDialect(path: string): Dialect {
  const Database = sqliteEngine();
  makePrivateFile(path);
  const database = new Database(path);
  try {
    database.exec('PRAGMA busy_timeout = 5000');
    database.exec('PRAGMA journal_mode = WAL');
    // A reopened WAL database runs at NORMAL, which may lose commits at power loss. Set FULL each time, and check it.
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = ON');
    const [mode] = database.prepare('PRAGMA synchronous').all() as { synchronous: number }[];
    if (Number(mode?.synchronous) !== 2) throw new Error(`${path}: SQLite does not run at synchronous=FULL`);
    const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    if (check?.quick_check !== 'ok') throw new Error(`it is damaged (${check?.quick_check})`);
  } catch (cause) {
    database.close();
    const reason = messageOf(cause);
    if (!DAMAGE.test(reason)) throw cause;
    throw new DamagedDatabase(`${path} is damaged (${reason}). Restore it from a backup.`, { cause });
  }
  return new SqliteDialect({ database: adapt(database) });
}

/**
 * Locks a file for this process, with the locks of SQLite: the operating system releases them when the process ends.
 *
 * @returns the function that releases it, or undefined if another process has locked it
 */
export function tryLockFile(path: string): (() => void) | undefined {
  const Database = sqliteEngine();
  makePrivateFile(path);
  const database = new Database(path);
  try {
    database.exec('PRAGMA busy_timeout = 0');
    database.exec('BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(messageOf(error))) return undefined;
    throw error;
  }
}

/** Copies a consistent state of the database while it is in use. `to` must not exist. */
export function copySqlite(from: string, to: string): void {
  const Database = sqliteEngine();
  const database = new Database(from);
  try {
    database.exec('PRAGMA busy_timeout = 30000');
    database.exec(`VACUUM INTO '${to.replaceAll("'", "''")}'`);
  } finally {
    database.close();
  }
}

/**
 * Reads the rows of a damaged database that are still readable. Opens the file with the first query, because kysely closes only
 * what it has used; a query fails if nothing is readable.
 */
export function openDamagedDialect(path: string): Dialect {
  const Database = sqliteEngine();
  return new SqliteDialect({ database: async () => adapt(new Database(path, { readOnly: true })) });
}

/** Checks a whole database without changing it. @returns the damage, or undefined. @throws if the file is not a database. */
export function findDamage(path: string): string | undefined {
  const Database = sqliteEngine();
  const database = new Database(path, { readOnly: true });
  try {
    const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    return check?.quick_check === 'ok' ? undefined : (check?.quick_check ?? 'no answer');
  } finally {
    database.close();
  }
}

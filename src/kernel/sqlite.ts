/**
 * SQLite behind kysely. `node:sqlite` where Node has it (22 and later), else the package that offers the same calls on Node 20.
 * One connection a database: SQLite has one writer anyway, and kysely queues on it.
 */
import { createRequire } from 'node:module';
import { type Dialect, SqliteDialect } from 'kysely';

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

function sqliteEngine(): DatabaseConstructor {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const engine = major >= 22 ? 'node:sqlite' : '@photostructure/sqlite';
  return (require(engine) as { DatabaseSync: DatabaseConstructor }).DatabaseSync;
}

const READS = /^\s*(select|with|pragma)\b|\breturning\b/i;

/** The few members of a better-sqlite3 database that kysely's dialect uses. */
function adapt(database: DatabaseSync) {
  return {
    close: () => database.close(),
    prepare(text: string) {
      // A deferred transaction that turns into a write can fail half-way with SQLITE_BUSY; an immediate one waits at its start.
      const statement = database.prepare(text === 'begin' ? 'begin immediate' : text);
      return {
        reader: READS.test(text),
        all: (parameters: readonly unknown[]) => statement.all(...parameters),
        run: (parameters: readonly unknown[]) => statement.run(...parameters),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...parameters),
      };
    },
  };
}

/**
 * Opens (and where needed makes) the database at `path`.
 *
 * @throws if the file is no sound database: nothing is served from a database in doubt.
 */
export function openSqliteDialect(path: string): Dialect {
  const Database = sqliteEngine();
  const database = new Database(path);
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec('PRAGMA journal_mode = WAL');
  // A reopened WAL database runs at NORMAL, which may lose commits at power loss: set FULL each time, and make sure of it.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
  const [mode] = database.prepare('PRAGMA synchronous').all() as { synchronous: number }[];
  if (Number(mode?.synchronous) !== 2) throw new Error(`${path}: SQLite does not run at synchronous=FULL`);
  const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
  if (check?.quick_check !== 'ok') {
    throw new Error(`${path} is damaged (${check?.quick_check}). Restore it from a backup.`);
  }
  return new SqliteDialect({ database: adapt(database) });
}

/** Reads a database through without changing it. @returns what is wrong with it, or undefined. @throws if it is no database. */
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

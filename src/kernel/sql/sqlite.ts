/**
 * SQLite behind kysely. `node:sqlite` where Node has it (22 and later), else the package that offers the same calls on Node 20.
 * One connection a database: SQLite has one writer anyway, and kysely queues on it.
 */
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
        run(parameters: readonly unknown[]) {
          try {
            return statement.run(...parameters);
          } catch (error) {
            // On a full disk SQLite has rolled back by itself: what went wrong was said before, and this would hide it.
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

/** The file is there and is no sound database. */
export class DamagedDatabase extends Error {
  override readonly name = 'DamagedDatabase';
}

const DAMAGE = /malformed|not a database|is damaged/;

/**
 * Opens (and where needed makes) the database at `path`.
 *
 * @throws DamagedDatabase if the file is no sound database: nothing is served from a database in doubt.
 */
export function openSqliteDialect(path: string): Dialect {
  const Database = sqliteEngine();
  const database = new Database(path);
  try {
    database.exec('PRAGMA busy_timeout = 5000');
    database.exec('PRAGMA journal_mode = WAL');
    // A reopened WAL database runs at NORMAL, which may lose commits at power loss: set FULL each time, and make sure of it.
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

/** A copy of the state at one moment, while others read and write. `to` must not be there. */
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

/** A damaged database, for reading what can still be read of it. @throws if that is nothing */
export function openDamagedDialect(path: string): Dialect {
  const Database = sqliteEngine();
  return new SqliteDialect({ database: adapt(new Database(path, { readOnly: true })) });
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

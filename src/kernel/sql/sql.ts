/**
 * One query layer for two engines: embedded SQLite by default, and PostgreSQL by URL. The same queries run on both: columns are
 * text, integer or bigint; flags are 0 or 1; JSON is stored as text.
 */
import { existsSync } from 'node:fs';
import { Kysely, type Migration, Migrator, sql } from 'kysely';
import { requireLocalFileSystem } from '../lifecycle/file-systems.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { messageOf } from '../problem.ts';
import { isPostgresUrl, nameOfPostgres, openPostgresDialect } from './postgres.ts';
import { openSqliteDialect } from './sqlite.ts';

/** The location of a database: `postgres://…` or the path of an SQLite file. */
export type DatabaseLocation = string;

export type Engine = 'sqlite' | 'postgres';
const engineOf = (place: DatabaseLocation): Engine => (isPostgresUrl(place) ? 'postgres' : 'sqlite');

/**
 * Opens the database, creates it if necessary, and migrates its schema. On PostgreSQL several processes may do so at the same
 * time: one migrates while the others wait.
 *
 * @throws if the database is damaged or unreachable, or if a migration fails.
 */
export async function openDatabase<Schema>(
  place: DatabaseLocation,
  migrations: Readonly<Record<string, Migration>>,
): Promise<Kysely<Schema>> {
  if (engineOf(place) === 'sqlite') requireLocalFileSystem(place);
  const dialect = engineOf(place) === 'postgres' ? openPostgresDialect(place) : openSqliteDialect(place);
  const db = new Kysely<Schema>({ dialect });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  });
  const { error } = await migrator.migrateToLatest();
  if (error) {
    await db.destroy();
    throw new StartupError(`Could not open ${nameOf(place)}: ${messageOf(error)}`, { cause: error });
  }
  return db;
}

/** Opens a database of this version that exists, without a migration. @throws StartupError if there is none */
export function openExistingDatabase<Schema>(place: DatabaseLocation): Kysely<Schema> {
  if (engineOf(place) === 'postgres') return new Kysely<Schema>({ dialect: openPostgresDialect(place) });
  if (!existsSync(place)) throw new StartupError(`There is no database ${place}.`);
  return new Kysely<Schema>({ dialect: openSqliteDialect(place) });
}

/** Formats the location for messages, without user and password. */
export const nameOf = (place: DatabaseLocation): string =>
  engineOf(place) === 'postgres' ? nameOfPostgres(place) : place;

export { sql };

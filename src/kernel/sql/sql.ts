/**
 * One query layer for the two engines: SQLite embedded, by default, and PostgreSQL by a URL. What is written against it
 * runs unchanged on both: text, integer and bigint columns, flags 0 and 1, JSON as text.
 */
import { Kysely, type Migration, Migrator, sql } from 'kysely';
import { StartupError } from '../lifecycle/startup-error.ts';
import { messageOf } from '../problem.ts';
import { isPostgresUrl, nameOfPostgres, openPostgresDialect } from './postgres.ts';
import { openSqliteDialect } from './sqlite.ts';

/** Where a database is: `postgres://…`, or the path of an SQLite file. */
export type DatabaseLocation = string;

export type Engine = 'sqlite' | 'postgres';
export const engineOf = (place: DatabaseLocation): Engine => (isPostgresUrl(place) ? 'postgres' : 'sqlite');

/**
 * Opens (and where needed makes) the database and brings its schema forward. Several processes may do so at once on
 * PostgreSQL: one migrates, the others wait.
 *
 * @throws if the database is unsound or out of reach, or a migration fails: nothing is served from a database in doubt.
 */
export async function openDatabase<Schema>(
  place: DatabaseLocation,
  migrations: Readonly<Record<string, Migration>>,
): Promise<Kysely<Schema>> {
  const dialect = engineOf(place) === 'postgres' ? openPostgresDialect(place) : openSqliteDialect(place);
  const db = new Kysely<Schema>({ dialect });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  });
  const { error } = await migrator.migrateToLatest();
  if (error) {
    await db.destroy();
    throw new StartupError(`${nameOf(place)} could not be opened: ${messageOf(error)}`, { cause: error });
  }
  return db;
}

/** For people: without user and password. */
export const nameOf = (place: DatabaseLocation): string =>
  engineOf(place) === 'postgres' ? nameOfPostgres(place) : place;

export { sql };

/**
 * PostgreSQL behind kysely. The same schema and queries as on SQLite: whole numbers come back as numbers (none of ours
 * passes 2^53), and a transaction that waits for a row sees what the other one committed (READ COMMITTED).
 */
import { type Dialect, PostgresDialect } from 'kysely';
import pg from 'pg';

const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 30_000;

/** Object identifiers of `int8` and `numeric` (pg_type.dat): what counts and sums are. */
const INT8 = 20;
const NUMERIC = 1_700;

export const isPostgresUrl = (text: string): boolean => {
  if (!/^postgres(?:ql)?:\/\//.test(text)) return false;
  try {
    return new URL(text).pathname.length > 1;
  } catch {
    return false;
  }
};

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

export const connectionOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  types,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  keepAlive: true,
  application_name: 'tributary',
});

/** Connects when first used, and again after the server was away: only the queries in between fail. */
export function openPostgresDialect(url: string): Dialect {
  const pool = new pg.Pool({
    ...connectionOf(url),
    max: MAX_CONNECTIONS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
  });
  // An idle connection that breaks is thrown away by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  return new PostgresDialect({ pool });
}

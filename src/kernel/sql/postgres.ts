/**
 * PostgreSQL behind kysely, with the same schema and queries as SQLite. Integers are returned as numbers (none exceeds 2^53).
 * A transaction that waits for a row sees what the other one has committed (READ COMMITTED).
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dialect, Kysely, PostgresAdapter, PostgresDialect, sql } from 'kysely';
import type pg from 'pg';
import { messageOf } from '../problem.ts';
import { DatabaseUnavailable, sqlStateOf } from './database-error.ts';

const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 30_000;
/** A reachable server responds or refuses within this time. Connections to an unreachable one could stay open for hours. */
const DEAD_AFTER_MS = STATEMENT_TIMEOUT_MS + 15_000;
const RECONNECT_MS = 1_000;

/** Object identifiers of `int8` and `numeric` (pg_type.dat), the types of counts and sums. */
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

const numbersOf = (driver: typeof pg): pg.CustomTypesConfig => ({
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC
      ? Number
      : driver.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
});

const connectionOf = (driver: typeof pg, url: string): pg.ClientConfig => ({
  connectionString: url,
  types: numbersOf(driver),
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  keepAlive: true,
  application_name: 'tributary',
});

/** Loads the driver on first use, so that a part with SQLite does not load it. */
const loadDriver = async (): Promise<typeof pg> => (await import('pg')).default;

/** Connects on first use, and reconnects after the server was unavailable. Only the queries in between fail. */
export const openPostgresDialect = (url: string, limits: PoolLimits = {}): Dialect =>
  new PostgresDialect({
    pool: async () => {
      const pool = await openPool(url, limits);
      return { connect: () => pool.connect().catch(throwUnavailable), end: () => pool.end() };
    },
  });

/** Connects to the database and disconnects again. @throws if the server is unreachable or refuses the connection */
export async function testPostgresConnection(url: string): Promise<void> {
  const db = new Kysely<unknown>({ dialect: openPostgresDialect(url, { max: 1 }) });
  try {
    await sql`select 1`.execute(db);
  } finally {
    await db.destroy();
  }
}

function throwUnavailable(error: unknown): never {
  throw sqlStateOf(error) ? error : new DatabaseUnavailable(messageOf(error), { cause: error });
}

interface PoolLimits {
  readonly max?: number;
  readonly idleTimeoutMillis?: number;
}

async function openPool(
  url: string,
  { max = MAX_CONNECTIONS, idleTimeoutMillis = IDLE_TIMEOUT_MS }: PoolLimits,
): Promise<pg.Pool> {
  const driver = await loadDriver();
  const pool = new driver.Pool({ ...connectionOf(driver, url), max, idleTimeoutMillis });
  // The pool discards a broken connection. Without error listeners it would end the process: the pool's listener covers idle
  // connections, the connection's listener covers one that is held between two statements, whose next statement then fails.
  pool.on('error', () => {});
  pool.on('connect', connection => {
    connection.on('error', () => {});
    // The types of the driver do not declare its socket.
    const { stream } = (connection as unknown as { readonly connection: { readonly stream: Socket } })
      .connection;
    stream.setTimeout(DEAD_AFTER_MS, () => stream.destroy(new Error('The database does not answer')));
  });
  return pool;
}

export const isPostgres = <Schema>(db: Kysely<Schema>): boolean =>
  db.getExecutor().adapter instanceof PostgresAdapter;

/**
 * Returns milliseconds since 1970 by one clock for all users of the database: the clock of the server. Users of an embedded
 * database share the clock of their machine.
 */
export async function clockOf<Schema>(db: Kysely<Schema>): Promise<number> {
  if (!isPostgres(db)) return Date.now();
  const { rows } = await sql<{ now: number }>`
    select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  return rows[0]?.now ?? Date.now();
}

/** Notifies all listeners when the transaction commits. Does nothing on SQLite. */
export async function notify<Schema>(transaction: Kysely<Schema>, channel: string): Promise<void> {
  if (!isPostgres(transaction)) return;
  await sql`select pg_notify(${channel}, '')`.execute(transaction);
}

export interface NotificationListener {
  stop(): Promise<void>;
}

/**
 * Listens on `channel` with a dedicated connection, which is reopened whenever it breaks. Notifications in between are lost, so
 * `onNotified` is also called after each new connection.
 */
export function listenTo(url: string, channel: string, onNotified: () => void): NotificationListener {
  const abort = new AbortController();
  const run = async (): Promise<void> => {
    const driver = await loadDriver();
    while (!abort.signal.aborted) {
      const client = new driver.Client(connectionOf(driver, url));
      const ended = new Promise<void>(resolve => {
        client.on('error', () => resolve());
        client.on('end', () => resolve());
        abort.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      try {
        client.on('notification', onNotified);
        await client.connect();
        await client.query(`listen ${driver.escapeIdentifier(channel)}`);
        onNotified();
        await ended;
      } catch {
        // The server is unreachable; the loop below tries again.
      }
      await client.end().catch(() => {});
      await sleep(RECONNECT_MS, undefined, { signal: abort.signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    async stop() {
      abort.abort();
      await running;
    },
  };
}

/** Formats the address of the database for messages, without user and password. */
export function nameOfPostgres(url: string): string {
  const { host, pathname } = new URL(url);
  return `the PostgreSQL database ${pathname.slice(1)} at ${host}`;
}

/** What a database refuses although the statement was a good one, told to whoever asked and to whoever can mend it. */
import { messageOf, Problem } from '../problem.ts';

/** No connection could be had. As it comes it is a socket's error, like that of any other server. */
export class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';
}

interface Fault {
  readonly status: 500 | 503;
  readonly code: string;
  readonly detail: string;
}

const AWAY: Fault = {
  status: 503,
  code: 'database-away',
  detail: 'The database does not answer. What was acknowledged is safe; try again in a moment.',
};
const BUSY: Fault = {
  status: 503,
  code: 'database-busy',
  detail:
    'The database takes no more connections or work at present. Try again in a moment; if it goes on, raise its max_connections.',
};
const READ_ONLY: Fault = {
  status: 503,
  code: 'database-read-only',
  detail:
    'The database takes no changes: it is a standby, or was set to be read only. Point the configuration to the primary.',
};
const DAMAGED: Fault = {
  status: 500,
  code: 'database-damaged',
  detail: 'The database is damaged. Its own log names what; docs/backup.md says how to restore it.',
};

/** SQLSTATE (PostgreSQL, appendix A), by the beginning of the code. */
const BY_SQLSTATE: readonly (readonly [prefix: string, fault: Fault])[] = [
  ['08', AWAY],
  ['25006', READ_ONLY],
  ['53', BUSY],
  // Cancelled by its time limit.
  ['57014', BUSY],
  ['57', AWAY],
  ['XX001', DAMAGED],
  ['XX002', DAMAGED],
];

/** What the driver's pool, sockets and SQLite say. */
const IN_WORDS: readonly (readonly [words: RegExp, fault: Fault])[] = [
  [/^Connection terminated|timeout exceeded when trying to connect|The database does not answer/, AWAY],
  [/database is locked/, BUSY],
  [/attempt to write a readonly database/, READ_ONLY],
  [/database disk image is malformed|file is not a database/, DAMAGED],
];

/**
 * The problem to answer with: 503 `database-away`, `database-busy`, `database-read-only`, or 500 `database-damaged`. Undefined of any
 * other error.
 */
export function findDatabaseFault(error: unknown): Problem | undefined {
  const state = sqlStateOf(error);
  const fault =
    error instanceof DatabaseAway
      ? AWAY
      : state
        ? BY_SQLSTATE.find(([prefix]) => state.startsWith(prefix))?.[1]
        : IN_WORDS.find(([words]) => words.test(messageOf(error)))?.[1];
  return (
    fault &&
    new Problem(fault.status, fault.code, fault.detail, {
      cause: error,
      ...(fault.status === 503 ? { headers: { 'retry-after': '2' } } : {}),
    })
  );
}

/** Its classes begin with these; codes of the operating system begin with E. */
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;

/** The SQLSTATE that PostgreSQL gave; undefined of an error that is not its own. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && SQLSTATE.test(code) ? code : undefined;
}

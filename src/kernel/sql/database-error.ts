/** Maps errors of a database that are not caused by the statement (unavailable, busy, read-only, damaged) to problems. */

import { PROBLEMS, type ProblemCode } from '../../protocol/problems.ts';
import { errorCodeOf } from '../error-code.ts';
import { messageOf, type Problem, problem } from '../problem.ts';

/** No connection to the database could be opened. The original error is a socket error, like that of any other server. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/** Problem codes by the prefix of the SQLSTATE (PostgreSQL, appendix A). */
const BY_SQLSTATE: readonly (readonly [prefix: string, code: ProblemCode])[] = [
  ['08', 'database-unavailable'],
  ['25006', 'database-read-only'],
  ['53', 'database-busy'],
  // The statement exceeded its time limit.
  ['57014', 'database-busy'],
  ['57', 'database-unavailable'],
  ['XX001', 'database-damaged'],
  ['XX002', 'database-damaged'],
];

/** Problem codes by the message of the driver's pool, of sockets and of SQLite, which have no code. */
const BY_MESSAGE: readonly (readonly [words: RegExp, code: ProblemCode])[] = [
  [
    /^Connection terminated|timeout exceeded when trying to connect|The database does not answer/,
    'database-unavailable',
  ],
  [/database is locked/, 'database-busy'],
  [/attempt to write a readonly database/, 'database-read-only'],
  [/database disk image is malformed|file is not a database/, 'database-damaged'],
];

/**
 * Returns the problem to respond with: 503 `database-unavailable`, `database-busy`, `database-read-only` or 500
 * `database-damaged`. Returns undefined for any other error.
 */
export function findDatabaseProblem(error: unknown): Problem | undefined {
  const state = sqlStateOf(error);
  const code =
    error instanceof DatabaseUnavailable
      ? 'database-unavailable'
      : state
        ? BY_SQLSTATE.find(([prefix]) => state.startsWith(prefix))?.[1]
        : BY_MESSAGE.find(([words]) => words.test(messageOf(error)))?.[1];
  return (
    code &&
    problem(code, undefined, {
      cause: error,
      ...(PROBLEMS[code].retry ? { headers: { 'retry-after': '2' } } : {}),
    })
  );
}

/** The form of an SQLSTATE. Codes of the operating system begin with E and do not match. */
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;

/** Returns the SQLSTATE of a PostgreSQL error, or undefined for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = errorCodeOf(error);
  return code !== undefined && SQLSTATE.test(code) ? code : undefined;
}

/** What a database refuses although the statement was a good one, told to whoever asked and to whoever can mend it. */
import { PROBLEMS, type ProblemCode } from '../../protocol/problems.ts';
import { messageOf, type Problem, problem } from '../problem.ts';

/** No connection could be had. As it comes it is a socket's error, like that of any other server. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseAway';
}

/** SQLSTATE (PostgreSQL, appendix A), by the beginning of the code. */
const BY_SQLSTATE: readonly (readonly [prefix: string, code: ProblemCode])[] = [
  ['08', 'database-unavailable'],
  ['25006', 'database-read-only'],
  ['53', 'database-busy'],
  // Cancelled by its time limit.
  ['57014', 'database-busy'],
  ['57', 'database-unavailable'],
  ['XX001', 'database-damaged'],
  ['XX002', 'database-damaged'],
];

/** What the driver's pool, sockets and SQLite say. */
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
 * The problem to answer with: 503 `database-unavailable`, `database-busy`, `database-read-only`, or 500 `database-damaged`. Undefined of any
 * other error.
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

/** Its classes begin with these; codes of the operating system begin with E. */
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;

/** The SQLSTATE that PostgreSQL gave; undefined of an error that is not its own. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && SQLSTATE.test(code) ? code : undefined;
}

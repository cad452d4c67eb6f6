/** Transient errors of the machine or its database, which are not caused by the request. */

import { errorCodeOf } from '../error-code.ts';
import { isDiskFull } from '../files.ts';
import { findDatabaseProblem } from './database-error.ts';

const SYSTEM_CODES = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'EIO', 'EROFS', 'EACCES']);
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** Messages of SQLite about the machine, which have no code. */
const SQLITE_MESSAGES = /disk I\/O error|unable to open database file/;

export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { message, cause } = error;
  const code = errorCodeOf(error) ?? '';
  return (
    isDiskFull(error) ||
    SYSTEM_CODES.has(code) ||
    CONNECTION_CODES.has(code) ||
    findDatabaseProblem(error)?.status === 503 ||
    SQLITE_MESSAGES.test(message) ||
    isTransient(cause)
  );
}

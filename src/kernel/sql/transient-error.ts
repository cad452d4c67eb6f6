/** Transient errors of the machine or its database, which are not caused by the request. */

import { errorCodeOf } from '../error-code.ts';
import { findStorageProblem } from '../files.ts';
import { findDatabaseProblem } from './database-error.ts';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    findStorageProblem(error) !== undefined ||
    CONNECTION_CODES.has(errorCodeOf(error) ?? '') ||
    findDatabaseProblem(error)?.status === 503 ||
    isTransient(error.cause)
  );
}

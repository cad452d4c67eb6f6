/** Faults of the machine or its database that pass, and say nothing of what was asked. */

import { isDiskFull } from '../files.ts';
import { findDatabaseProblem } from './database-error.ts';

const OF_THE_SYSTEM = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'EIO', 'EROFS', 'EACCES']);
const OF_A_CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** What SQLite says of the machine, without a code. */
const IN_WORDS = /disk I\/O error|unable to open database file/;

export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '', message, cause } = error as Error & { readonly code?: string };
  return (
    isDiskFull(error) ||
    OF_THE_SYSTEM.has(code) ||
    OF_A_CONNECTION.has(code) ||
    findDatabaseProblem(error)?.status === 503 ||
    IN_WORDS.test(message) ||
    isTransient(cause)
  );
}

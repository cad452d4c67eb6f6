/** Faults of the machine or its database that pass, and say nothing of what was asked. */
import { isDiskFull } from './files.ts';

const OF_THE_SYSTEM = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'EIO', 'EROFS', 'EACCES']);
const OF_A_CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** SQLSTATE: connection lost, read-only, resources, statement cancelled or server going down. */
const OF_POSTGRES = /^(?:08|25006|53|57)/;
/** What a pool of connections says, and SQLite, without a code. */
const IN_WORDS =
  /^Connection terminated|timeout exceeded when trying to connect|database is locked|disk I\/O error|readonly database|unable to open database file/;

export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '', message, cause } = error as Error & { readonly code?: string };
  return (
    isDiskFull(error) ||
    OF_THE_SYSTEM.has(code) ||
    OF_A_CONNECTION.has(code) ||
    (/^[0-9A-Z]{5}$/.test(code) && OF_POSTGRES.test(code)) ||
    IN_WORDS.test(message) ||
    isPassing(cause)
  );
}

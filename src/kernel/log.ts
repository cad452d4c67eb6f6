/** Structured logs: JSON lines on standard error. Standard output is reserved for the output of commands. */
import { pino } from 'pino';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Lines that cannot be written are kept in memory up to this size; later lines are dropped. */
const MAX_WAITING_CHARACTERS = 2 ** 20;

export function createLog(part: string, level: string): Log {
  const lines = pino.destination({ fd: 2, sync: true, maxLength: MAX_WAITING_CHARACTERS });
  // A full disk or a closed pipe must not stop the part. Kept lines are written before the next line that can be written.
  lines.on('error', () => {});
  return pino({ level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, lines);
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

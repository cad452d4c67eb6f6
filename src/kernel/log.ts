/** Structured logs: JSON lines on standard error, so that standard output stays for what a command prints. */
import { pino } from 'pino';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Lines that cannot be written wait in memory up to here; what comes after them is left out. */
const MAX_WAITING_CHARACTERS = 2 ** 20;

export function createLog(part: string, level: string): Log {
  const lines = pino.destination({ fd: 2, sync: true, maxLength: MAX_WAITING_CHARACTERS });
  // A log on a full disk, or that nobody reads any more, ends nobody's work. What waits is written before the next line that can be.
  lines.on('error', () => {});
  return pino({ level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, lines);
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A part cannot start, and the operator can fix the cause. It is reported as a sentence, without a stack trace. */
import { errorCodeOf } from '../error-code.ts';
import { messageOf } from '../problem.ts';

export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** Error codes of the operating system and of name servers. The codes of Node itself begin with ERR_. */
const SYSTEM_CODE = /^E(?!RR_)[A-Z0-9_]+$/;

/** Describes a startup error or a refusal of the machine (a port, a directory). Returns undefined for any other error. */
export function describeStartupError(error: unknown): string | undefined {
  const isRefusal = error instanceof StartupError || SYSTEM_CODE.test(errorCodeOf(error) ?? '');
  return isRefusal
    ? `Cannot start: ${messageOf(error)}.\nRun "tributary doctor" to check ports, disks and databases.`
    : undefined;
}

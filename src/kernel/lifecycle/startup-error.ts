/** What keeps a part from starting and is the operator's to mend: told in a sentence, without a stack. */
import { messageOf } from '../problem.ts';

export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** Codes of the operating system and of name servers; those of Node itself begin with ERR_. */
const SYSTEM_CODE = /^E(?!RR_)[A-Z0-9_]+$/;

/** The sentence of such a fault, or of what the machine refused (a port, a directory); undefined of anything else. */
export function describeStartupError(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  const isRefusal = error instanceof StartupError || (typeof code === 'string' && SYSTEM_CODE.test(code));
  return isRefusal
    ? `It cannot start: ${messageOf(error)}.\ntributary doctor looks at ports, disks and databases, and says what to do.`
    : undefined;
}

/** Waits for conditions that other processes or timers fulfil. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** Stops the waiting at once, because the condition can never become true. */
export class FatalError extends Error {}

/**
 * Polls until `read` returns something other than undefined or false; errors count as "not yet", a `FatalError` does not.
 * @throws Error with the last result or error after `timeoutMs`
 */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const found = await read();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      if (error instanceof FatalError) throw error;
      last = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`not within ${timeoutMs} ms: ${what} (${String(last)})`);
}

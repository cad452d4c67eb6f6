/** Limits how often a client may start to sign in with a provider, because each start stores a row. */

const WINDOW_MS = 60_000;
/** Enough for an office behind one address. */
const MAX_STARTS = 120;

/** @returns a function that counts a start of a client, and returns false if it was one too many */
export function createStartLimit(now: () => number): (client: string) => boolean {
  let starts = new Map<string, number>();
  let endsAtMs = 0;
  return client => {
    if (now() >= endsAtMs) {
      starts = new Map();
      endsAtMs = now() + WINDOW_MS;
    }
    const count = (starts.get(client) ?? 0) + 1;
    starts.set(client, count);
    return count <= MAX_STARTS;
  };
}

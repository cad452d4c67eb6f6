/** Limits how often a client may start to sign in with a provider, because each start stores a row. */
import { networkOf } from '../../../kernel/network.ts';

const WINDOW_MS = 60_000;
/** Enough for an office behind one address. */
const MAX_STARTS = 120;

/** @returns a function that counts a start of the client at an IP address, and returns false if it was one too many */
export function createStartLimit(now: () => number): (address: string) => boolean {
  let starts = new Map<string, number>();
  let endsAtMs = 0;
  return address => {
    const client = networkOf(address, 64);
    if (now() >= endsAtMs) {
      starts = new Map();
      endsAtMs = now() + WINDOW_MS;
    }
    const count = (starts.get(client) ?? 0) + 1;
    starts.set(client, count);
    return count <= MAX_STARTS;
  };
}

/** Long polls: a response is sent at once if there are changes, else after the next change or the requested waiting time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { ChangeNotifier } from '../../change-notifier.ts';

/** The longest waiting time that a request may ask for. */
export const MAX_WAIT_S = 25;
/**
 * How often a waiting site's query is repeated at most. The notifier fires for every change of the catalogue, and a thousand
 * sites may wait.
 */
export const SITE_CHECK_INTERVAL_MS = 500;

export interface LongPoll<Page> {
  readonly changes: ChangeNotifier;
  readonly reply: FastifyReply;
  readonly waitS: number;
  readonly read: () => Promise<Page>;
  readonly hasChanges: (page: Page) => boolean;
  /** The minimum interval between two calls of `read`. */
  readonly checkIntervalMs?: number;
}

/** Returns the first page of `read` that has changes, or the latest page when the time is over or the client has disconnected. */
export async function waitForChanges<Page>({
  changes,
  reply,
  waitS,
  read,
  hasChanges,
  checkIntervalMs = 0,
}: LongPoll<Page>): Promise<Page> {
  const disconnected = new AbortController();
  const abort = disconnected.signal;
  reply.raw.on('close', () => disconnected.abort());
  // The client may have disconnected before the listener was added.
  if (reply.raw.destroyed) disconnected.abort();
  const deadline = performance.now() + waitS * 1_000;
  for (;;) {
    const since = changes.version;
    const page = await read();
    const leftMs = deadline - performance.now();
    if (hasChanges(page) || leftMs <= 0 || abort.aborted || changes.closed) return page;
    await changes.waitForChange(since, leftMs, abort);
    if (checkIntervalMs > 0 && !changes.closed) {
      const pauseMs = Math.min(checkIntervalMs, Math.max(0, deadline - performance.now()));
      await sleep(pauseMs, undefined, { signal: abort }).catch(() => {});
    }
  }
}

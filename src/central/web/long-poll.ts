/** Answers that wait: at once where there is something to tell, else as soon as there is, within the time that was asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { ChangeNotifier } from '../change-notifier.ts';

/** Seconds. */
export const MAX_WAIT_S = 25;

export interface LongPoll<Page> {
  readonly changes: ChangeNotifier;
  readonly reply: FastifyReply;
  readonly waitS: number;
  readonly read: () => Promise<Page>;
  readonly hasChanges: (page: Page) => boolean;
  /** The changes rings for every change: where a thousand wait, each looks this often at most. */
  readonly checkEveryMs?: number;
}

/** What `read` finds: the first that is news, or whatever there is when the time is over or nobody waits any more. */
export async function waitForChanges<Page>({
  changes,
  reply,
  waitS,
  read,
  hasChanges: isNews,
  checkEveryMs: lookEveryMs = 0,
}: LongPoll<Page>): Promise<Page> {
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  // Gone already, while something else was looked up.
  if (reply.raw.destroyed) gone.abort();
  const deadline = performance.now() + waitS * 1_000;
  for (;;) {
    const since = changes.version;
    const page = await read();
    const leftMs = deadline - performance.now();
    if (isNews(page) || leftMs <= 0 || gone.signal.aborted || changes.closed) return page;
    await changes.waitForChange(since, leftMs, gone.signal);
    if (lookEveryMs > 0 && !changes.closed) {
      const pauseMs = Math.min(lookEveryMs, Math.max(0, deadline - performance.now()));
      await sleep(pauseMs, undefined, { signal: gone.signal }).catch(() => {});
    }
  }
}

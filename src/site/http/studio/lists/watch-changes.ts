/**
 * Keeps the rows of the studio up to date, and lets calls wait for a change. One loop serves all waiting calls: it looks several times a
 * second while somebody waits, and every few seconds otherwise.
 */
import { repeat } from '../../../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../../../kernel/log.ts';
import { messageOf } from '../../../../kernel/problem.ts';
import { readChanged } from '../../../database/studio/list-changes.ts';
import { refreshStudio } from '../../../database/studio/refresh.ts';
import type { SiteDatabase } from '../../../database/tables/videos.ts';

const WATCHED_MS = 300;
const IDLE_MS = 5_000;
/** A call that lists videos waits this long for rows to be derived. After an upgrade, there can be many. */
const LIST_LIMIT_MS = 3_000;

export interface StudioWatch {
  /** Derives the rows of everything that was changed before this call. @returns false if they cannot be written */
  refresh(): Promise<boolean>;
  /** Waits until there is a change after `since`, the time is over, or the site stops. */
  wait(since: number, waitMs: number, abort: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

export function watchStudio(db: SiteDatabase, log: Log): StudioWatch {
  const waiting = new Set<{ readonly since: number; readonly end: () => void }>();
  let running: Promise<unknown> | undefined;
  let following: Promise<unknown> | undefined;
  let isStopped = false;

  /** One after the other. Calls that wait for a run share the next one. */
  function refresh(): Promise<unknown> {
    const start = (): Promise<unknown> => {
      following = undefined;
      running = refreshStudio(db, LIST_LIMIT_MS).finally(() => {
        running = undefined;
      });
      return running;
    };
    if (!running) return start();
    following ??= running.catch(() => {}).then(start);
    return following;
  }

  const loop = repeat(async () => {
    try {
      await refresh();
      if (waiting.size > 0) {
        const changed = await readChanged(db);
        for (const call of waiting) if (changed !== call.since) call.end();
      }
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'the list of the studio was not updated; the next run will');
    }
    return waiting.size > 0 ? WATCHED_MS : IDLE_MS;
  });

  return {
    async refresh() {
      try {
        await refresh();
        return true;
      } catch (error) {
        // A full disk does not prevent reading.
        log.warn(
          { reason: messageOf(error) },
          'the list of the studio could not be updated, and is shown as it was',
        );
        return false;
      }
    },
    wait(since, waitMs, abort) {
      if (isStopped || abort.aborted) return Promise.resolve();
      return new Promise(resolve => {
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(call);
          abort.removeEventListener('abort', end);
          resolve();
        };
        const call = { since, end };
        const timer = setTimeout(end, waitMs);
        abort.addEventListener('abort', end, { once: true });
        waiting.add(call);
        if (waiting.size === 1) loop.wake();
      });
    },
    async stop() {
      isStopped = true;
      for (const call of waiting) call.end();
      await loop.stop();
    },
  };
}

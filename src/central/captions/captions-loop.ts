/**
 * Keeps what central's search knows of captions in line with the catalogue: after each change of a video, it fetches the captions that
 * are new. Sites are read at the same time, each one video after the other, so a slow one delays only itself.
 */
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, Problem } from '../../kernel/problem.ts';
import type { ChangeNotifier } from '../change-notifier.ts';
import type { Leasing } from '../collector/leasing.ts';
import {
  type CaptionTask,
  completeTask,
  listDueTasks,
  postponeSite,
  postponeTask,
  queueChanged,
} from '../database/captions/tasks.ts';
import { type FetchDeps, fetchCaptions } from './fetch-captions.ts';

/** How often tasks are looked for that were postponed. */
const MAX_IDLE_MS = 15_000;
const MIN_PAUSE_MS = 300;
/** Delay while another central does this. */
const BUSY_MS = 10_000;
const SCAN_ROWS = 200;
const TASKS_PER_RUN = 400;
const MAX_CONCURRENT_SITES = 8;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 30 * 60_000;
const SITE_RETRY_MS = 60_000;

export interface CaptionsLoopDeps extends FetchDeps {
  readonly changes: ChangeNotifier;
  readonly leasing: Leasing;
  readonly log: Log;
}

export function startCaptionsLoop(deps: CaptionsLoopDeps): Repeating {
  const { changes, leasing, log } = deps;
  let since = -1;
  return repeat(async abort => {
    try {
      await changes.waitForChange(since, MAX_IDLE_MS, abort);
      if (abort.aborted || changes.closed) return MAX_IDLE_MS;
      since = changes.version;
      const lease = await leasing.acquire('captions');
      if (!lease) return BUSY_MS;
      try {
        await updateCaptions(deps, abort);
      } finally {
        await leasing.release(lease);
      }
      return MIN_PAUSE_MS;
    } catch (error) {
      if (!abort.aborted) log.warn({ reason: messageOf(error) }, 'could not update captions; will retry');
      return MAX_IDLE_MS;
    }
  });
}

/** Queues what has changed, and does all tasks that are due. */
export async function updateCaptions(
  deps: Pick<CaptionsLoopDeps, keyof FetchDeps | 'log'>,
  abort: AbortSignal,
): Promise<void> {
  const { db } = deps;
  while (!abort.aborted && (await queueChanged(db, SCAN_ROWS)));
  while (!abort.aborted) {
    const due = [...(await listDueTasks(db, Date.now(), TASKS_PER_RUN))];
    if (due.length === 0) return;
    const workers = Array.from({ length: Math.min(MAX_CONCURRENT_SITES, due.length) }, async () => {
      for (let next = due.shift(); next && !abort.aborted; next = due.shift()) {
        await runSite(deps, next[0], next[1], abort);
      }
    });
    await Promise.all(workers);
  }
}

async function runSite(
  deps: Pick<CaptionsLoopDeps, keyof FetchDeps | 'log'>,
  site: string,
  tasks: readonly CaptionTask[],
  abort: AbortSignal,
): Promise<void> {
  const { db, log } = deps;
  for (const task of tasks) {
    if (abort.aborted) return;
    try {
      await fetchCaptions(deps, task, abort);
      await completeTask(db, task);
    } catch (error) {
      if (abort.aborted) return;
      log.warn({ site, video: task.video, reason: messageOf(error) }, 'could not fetch captions; will retry');
      const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(task.attempts, 12));
      await postponeTask(db, task, Date.now() + delayMs);
      if (error instanceof Problem && error.code === 'peer-unreachable') {
        await postponeSite(db, site, Date.now() + SITE_RETRY_MS);
        return;
      }
    }
  }
}

/** Publishes and ends videos at the times in their records, also while their sites are disconnected. */
import { type Clock, systemClock } from '../kernel/lifecycle/clock.ts';
import { type Repeating, repeat } from '../kernel/lifecycle/repeat.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { ChangeNotifier } from './change-notifier.ts';
import { applySchedule } from './database/scheduled-videos.ts';
import type { CentralDatabase } from './database/schema.ts';

const EVERY_MS = 1_000;

export interface ScheduleLoopDeps {
  readonly db: CentralDatabase;
  readonly changes: ChangeNotifier;
  readonly log: Log;
  readonly clock?: Clock;
}

export const startScheduleLoop = ({ db, changes, log, clock = systemClock }: ScheduleLoopDeps): Repeating =>
  repeat(async abort => {
    try {
      let changed = 0;
      for (let last = 1; last > 0 && !abort.aborted; changed += last)
        last = await applySchedule(db, clock.now());
      if (changed > 0) {
        changes.notify();
        log.info({ videos: changed }, 'scheduled videos were published or ended');
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the schedule of videos could not be applied; will retry');
    }
    return EVERY_MS;
  }, clock);

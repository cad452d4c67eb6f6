/** Moves the week of the play counts on as days pass, and deletes old plays, in small steps between which requests are served. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { type Repeating, repeat } from '../kernel/lifecycle/repeat.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import { deleteOldPlays, moveWeek } from './database/plays/week.ts';
import type { CentralDatabase } from './database/schema.ts';

const INTERVAL_MS = 60_000;

export interface PlayCountsDeps {
  readonly db: CentralDatabase;
  readonly log: Log;
}

export const startPlayCounts = ({ db, log }: PlayCountsDeps): Repeating =>
  repeat(async abort => {
    try {
      while (!abort.aborted && (await moveWeek(db, Date.now()))) await nextTick();
      while (!abort.aborted && (await deleteOldPlays(db, Date.now()))) await nextTick();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not update the plays of the week; will retry');
    }
    return INTERVAL_MS;
  });

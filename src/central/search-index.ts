/** Indexes the videos of an earlier version, and of sites and series that have changed, in small steps between other work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Repeating, repeat } from '../kernel/lifecycle/repeat.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { CentralDatabase } from './database/schema.ts';
import { indexQueued } from './database/search/index-videos.ts';

const INTERVAL_MS = 2_000;
const STEP = 40;
/** Between two steps, so that records of sites need not wait. */
const PAUSE_MS = 5;

export interface SearchIndexDeps {
  readonly db: CentralDatabase;
  readonly log: Log;
}

export const startSearchIndex = ({ db, log }: SearchIndexDeps): Repeating =>
  repeat(async abort => {
    try {
      while (!abort.aborted && (await indexQueued(db, STEP))) await sleep(PAUSE_MS);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not update the search index; will retry');
    }
    return INTERVAL_MS;
  });

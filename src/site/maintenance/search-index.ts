/** Keeps the search index of the library, in small steps between other work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import { type IndexDeps, indexHoldings, queueTurned } from '../database/search/index-holdings.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { readPublishedCues } from '../media/extras/extras.ts';
import type { Storage } from '../media/storage/storage.ts';

const INTERVAL_MS = 1_000;
const STEP = 20;
const PAUSE_MS = 5;
/** Scheduled times that passed while the site was stopped. */
const SINCE_START_MS = 31 * 86_400_000;

export interface SearchIndexDeps {
  readonly db: SiteDatabase;
  readonly storage: Pick<Storage, 'open'>;
  readonly siteId: () => SiteId | undefined;
  readonly log: Log;
}

export function startSearchIndex({ db, storage, siteId, log }: SearchIndexDeps): Repeating {
  let turnedMs = Date.now() - SINCE_START_MS;
  const readCaptions: IndexDeps['readCaptions'] = async (video, revision, extras) => {
    try {
      const captions = await readPublishedCues(name => storage.open(video, name), extras);
      return captions.map(each => ({ ...each, video, revision }));
    } catch (error) {
      log.warn({ video, reason: messageOf(error) }, 'captions could not be read for the search');
      return [];
    }
  };
  return repeat(async abort => {
    try {
      const nowMs = Date.now();
      await queueTurned(db, turnedMs, nowMs);
      turnedMs = nowMs;
      while (!abort.aborted && (await indexHoldings(db, STEP, { site: siteId(), readCaptions })))
        await sleep(PAUSE_MS);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'could not update the search index; will retry');
    }
    return INTERVAL_MS;
  });
}

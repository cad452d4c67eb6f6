/** Moves finished videos to the object store, one at a time. A failure is retried; until then the video stays on the disk. */
import { type Repeating, repeat } from '../../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../../kernel/log.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { listConverting } from '../../database/jobs.ts';
import { listNotOffloaded, markOffloadBegun, markOffloaded } from '../../database/tables/offloading.ts';
import type { SiteDatabase } from '../../database/tables/videos.ts';
import type { Storage } from './create-storage.ts';

const EVERY_MS = 10_000;
const PAGE = 20;

interface OffloadDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  /** A video waits for its poster, storyboard and captions until this many attempts have failed; 0 if this site makes none. */
  readonly extrasAttempts: number;
  /** Called after a video was moved: its files must be opened again. */
  readonly onOffloaded: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

export function startOffload(deps: OffloadDeps): Repeating {
  const { db, storage, extrasAttempts, onOffloaded, log } = deps;
  const shared = new Set<string>();
  return repeat(async abort => {
    try {
      await shareSources(deps, shared, abort);
      for (const row of await listNotOffloaded(db, PAGE, extrasAttempts)) {
        if (abort.aborted) break;
        const video = row.id;
        await markOffloadBegun(db, video);
        await storage.offload(video);
        await markOffloaded(db, video, row.revision);
        await onOffloaded(video);
      }
    } catch (error) {
      log.warn({ err: error }, 'could not move a video to the object store; will retry');
    }
    return EVERY_MS;
  });
}

/**
 * Copies the sources that will be converted to the object store, for workers on machines without access to these disks.
 *
 * @param shared keys of the sources that were copied before
 */
async function shareSources(
  { db, storage }: OffloadDeps,
  shared: Set<string>,
  abort: AbortSignal,
): Promise<void> {
  const converting = await listConverting(db);
  const keys = new Set(converting.map(({ video, source }) => `${video} ${source}`));
  for (const key of shared) if (!keys.has(key)) shared.delete(key);
  for (const { video, source } of converting) {
    if (abort.aborted) return;
    if (shared.has(`${video} ${source}`)) continue;
    await markOffloadBegun(db, video);
    await storage.share(video, source);
    shared.add(`${video} ${source}`);
  }
}

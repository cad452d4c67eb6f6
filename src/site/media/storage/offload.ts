/** Moves what is finished into the object store behind the disks, one video at a time. A store that is away is asked again. */

import { type Repeating, repeat } from '../../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../../kernel/log.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { listConverting } from '../../database/jobs.ts';
import { listNotOffloaded, markOffloadBegun, markOffloaded } from '../../database/offloading.ts';
import type { SiteDatabase } from '../../database/videos.ts';
import type { Storage } from './storage.ts';

const LOOK_EVERY_MS = 10_000;
const PAGE = 20;

export interface OffloadDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  /** After so many nothing more will stand beside the renditions; 0 where nothing is made. */
  readonly extrasAttempts: number;
  /** Files that are open are opened anew, wherever they are now. */
  readonly onOffloaded: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

export function startOffload({
  db,
  storage,
  extrasAttempts,
  onOffloaded: onSettled,
  log,
}: OffloadDeps): Repeating {
  const shared = new Set<string>();
  return repeat(async signal => {
    try {
      await shareSources(db, storage, shared, signal);
      for (const row of await listNotOffloaded(db, PAGE, extrasAttempts)) {
        if (signal.aborted) break;
        const video = row.id as VideoId;
        await markOffloadBegun(db, video);
        await storage.offload(video);
        await markOffloaded(db, video, row.revision);
        await onSettled(video);
      }
    } catch (error) {
      log.warn({ err: error }, 'the object store did not take a video; it stays on the disk for now');
    }
    return LOOK_EVERY_MS;
  });
}

/** What is to be converted is copied there beforehand, for workers on machines that do not see these disks. */
async function shareSources(
  db: SiteDatabase,
  storage: Storage,
  shared: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const converting = await listConverting(db);
  const keys = new Set(converting.map(({ video, source }) => `${video} ${source}`));
  for (const key of shared) if (!keys.has(key)) shared.delete(key);
  for (const { video, source } of converting) {
    if (signal.aborted) return;
    if (shared.has(`${video} ${source}`)) continue;
    await markOffloadBegun(db, video);
    await storage.share(video, source);
    shared.add(`${video} ${source}`);
  }
}

/** Moves what is finished into the object store behind the disks, one video at a time. A store that is away is asked again. */
import type { Log } from '../../../kernel/log.ts';
import { type Repeating, repeat } from '../../../kernel/timing.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { listUnsettled, markSettled, markSettling } from '../../database/settling.ts';
import type { SiteDatabase } from '../../database/videos.ts';
import type { Storage } from '../storage.ts';

const LOOK_EVERY_MS = 10_000;
const PAGE = 20;

export interface SettlingOptions {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  /** After so many nothing more will stand beside the renditions; 0 where nothing is made. */
  readonly extrasAttempts: number;
  /** Files that are open are opened anew, wherever they are now. */
  readonly onSettled: (video: VideoId) => Promise<void>;
  readonly log: Log;
}

export const startSettling = ({ db, storage, extrasAttempts, onSettled, log }: SettlingOptions): Repeating =>
  repeat(async signal => {
    try {
      for (const row of await listUnsettled(db, PAGE, extrasAttempts)) {
        if (signal.aborted) break;
        const video = row.id as VideoId;
        await markSettling(db, video);
        await storage.settle(video);
        await markSettled(db, video, row.revision);
        await onSettled(video);
      }
    } catch (error) {
      log.warn({ err: error }, 'the object store did not take a video; it stays on the disk for now');
    }
    return LOOK_EVERY_MS;
  });

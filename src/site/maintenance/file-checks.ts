/**
 * Checks the media files of this site in the background, one video after another, at a bounded rate: own videos by the hashes of
 * their blocks (media/integrity), copies by the proofs of their sites. An interrupted check begins again with the same video.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import {
  type DueCheck,
  findDueCheck,
  findFileCheck,
  forgetDamage,
  noteChecked,
  noteDamage,
} from '../database/file-checks.ts';
import { listRevisionIndexes } from '../database/revisions.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { CopyStore } from '../media/copy-store/copy-store.ts';
import { checkFiles } from '../media/integrity/integrity.ts';
import type { Storage } from '../media/storage/storage.ts';

const IDLE_MS = 10_000;
/** The rate is held over periods of at least this time. */
const MIN_PAUSE_MS = 20;

export interface FileCheckDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly store: Pick<CopyStore, 'check' | 'listRevisions'>;
  /** Bytes per second. */
  readonly rate: number;
  /** Each video is checked again after this time. */
  readonly intervalMs: number;
  readonly onDamagedCopy: (video: VideoId, files: readonly string[]) => Promise<void>;
  /** Called after a change of the damage. */
  readonly onDamage: () => void;
  readonly log: Log;
}

export function startFileChecks(deps: FileCheckDeps): Repeating {
  const { db, storage, log } = deps;
  return repeat(async abort => {
    try {
      const due = await findDueCheck(db, Date.now() - deps.intervalMs);
      if (!due) return IDLE_MS;
      // Nothing can be said about a video whose disk is not mounted.
      if (storage.isUnavailable(due.video)) {
        await noteChecked(db, due.video, Date.now());
        return 0;
      }
      await checkVideo(deps, due, abort);
      await noteChecked(db, due.video, Date.now());
      return 0;
    } catch (error) {
      if (!abort.aborted) log.warn({ reason: messageOf(error) }, 'could not check media files; will retry');
      return IDLE_MS;
    }
  });
}

async function checkVideo(deps: FileCheckDeps, due: DueCheck, abort: AbortSignal): Promise<void> {
  const { db, storage, store, log } = deps;
  const { video, isCopy } = due;
  const afterBytes = createPace(deps.rate, abort);
  const details: string[] = [];
  if (due.sha256 !== undefined) {
    const indexes = await listRevisionIndexes(db, video);
    const found = await checkFiles({ ...due, storage, indexes, afterBytes });
    details.push(...found.map(({ detail }) => detail));
  }
  const damagedFiles: string[] = [];
  for (const revision of await store.listRevisions(video)) {
    damagedFiles.push(...((await store.check(video, revision, afterBytes)) ?? []));
  }
  if (damagedFiles.length > 0) details.push(`the disk has altered ${damagedFiles.length} copied files`);
  const [detail] = details;
  if (detail === undefined) {
    // A damaged file of an own video may have been put back from a backup.
    if (!isCopy && (await findFileCheck(db, video))?.damaged_at) {
      await forgetDamage(db, video);
      deps.onDamage();
    }
    return;
  }
  log.error({ video, damage: details }, 'the disk has altered media files');
  if (isCopy) await deps.onDamagedCopy(video, damagedFiles);
  else await noteDamage(db, { video, holding: 'own', detail }, Date.now());
  deps.onDamage();
}

/** Returns a function that waits after each batch of bytes as long as the rate requires. */
function createPace(bytesPerSecond: number, abort: AbortSignal): (bytes: number) => Promise<void> {
  let owedMs = 0;
  return async bytes => {
    abort.throwIfAborted();
    owedMs += (bytes * 1_000) / bytesPerSecond;
    if (owedMs < MIN_PAUSE_MS) return;
    const waitMs = owedMs;
    owedMs = 0;
    await sleep(waitMs, undefined, { signal: abort });
  };
}

/**
 * Intake takes an upload from its last byte to its record. Each step leaves the database in a state from which the next start
 * continues: uploading → checking (the bytes are durable) → ready (the record is written), preparing, or failed with a message.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failpoint } from '../../../kernel/failpoint.ts';
import { findStats, renameDurably, syncDirectory, syncFile } from '../../../kernel/files.ts';
import { messageOf, problem } from '../../../kernel/problem.ts';
import { isTransient } from '../../../kernel/sql/transient-error.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { ProblemCode } from '../../../protocol/problems.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import {
  claimCheck,
  findVideo,
  listVideosInState,
  markChecking,
  markFailed,
  releaseCheck,
} from '../../database/tables/videos.ts';
import { FfmpegFailed } from '../ffmpeg/ffmpeg.ts';
import { SourceRejected } from '../source-rejected.ts';
import { type CheckDeps, checkSource } from './check-source.ts';

const MAX_ATTEMPTS = 3;
const CONCURRENT_CHECKS = 2;

export interface IntakeDeps extends CheckDeps {
  /** The SHA-256 of a file, in hexadecimal. */
  readonly hashFile: (path: string) => Promise<string>;
}

export interface Intake {
  /**
   * Stores a complete upload durably, then has it checked. Returns as soon as it is stored.
   *
   * @param hash the SHA-256 of the upload, in hexadecimal
   * @throws Problem `upload-cancelled`
   */
  accept(video: VideoId, hash: () => Promise<string>): Promise<void>;
  /** Checks the source of a video again, if the video's state is `checking`. */
  check(video: VideoId): void;
  /**
   * Continues what an earlier run left unfinished, or this one while its database or a disk was unavailable.
   *
   * @param idleMs only complete uploads that nobody has written to for this time
   */
  resume(idleMs?: number): Promise<void>;
  /** Starts no further check, and waits for those in progress. */
  stop(): Promise<void>;
}

export function createIntake(deps: IntakeDeps): Intake {
  const { db, storage, log } = deps;
  /** Uploads that are being moved into place. A second request for the same upload waits for the first. */
  const storing = new Map<VideoId, Promise<void>>();
  const queue = createCheckQueue(deps);

  /** The order of a commit: the file is synced and renamed, its directories are synced, then the database is written. */
  async function moveIntoPlace(video: VideoId, sha256: string): Promise<void> {
    await syncFile(storage.upload(video));
    failpoint('source-synced');
    await mkdir(storage.directory(video), { recursive: true });
    await syncDirectory(dirname(storage.directory(video)));
    await renameDurably(storage.upload(video), storage.source(video));
    failpoint('source-renamed');
    await finishUpload(video, sha256);
    failpoint('source-kept');
  }

  async function finishUpload(video: VideoId, sha256: string): Promise<void> {
    if ((await markChecking(db, video, sha256)) || (await findVideo(db, video))) return;
    // The upload was cancelled while it was moved into place. Nothing else refers to these bytes.
    await storage.remove(video);
    throw problem('upload-cancelled', 'This upload was cancelled.');
  }

  async function storeOnce(video: VideoId, store: () => Promise<void>): Promise<void> {
    let stored = storing.get(video);
    if (!stored) {
      stored = store().finally(() => storing.delete(video));
      storing.set(video, stored);
    }
    await stored;
    queue.add(video);
  }

  /** Continues an upload of which all bytes have arrived. */
  async function resumeUpload({ id, state, size_bytes }: VideoRow, idleMs: number): Promise<void> {
    const video = id as VideoId;
    if (state === 'checking') return queue.add(video);
    const upload = await findStats(storage.upload(video));
    // Stopped between the rename and the commit: the whole file is in place.
    if (existsSync(storage.source(video)))
      await storeOnce(video, async () => finishUpload(video, await deps.hashFile(storage.source(video))));
    // Stopped between the last byte and the rename: no client will send another byte.
    else if (upload && upload.size > 0 && upload.size === size_bytes && upload.mtimeMs <= Date.now() - idleMs)
      await storeOnce(video, async () => moveIntoPlace(video, await deps.hashFile(storage.upload(video))));
  }

  return {
    accept: (video, hash) => storeOnce(video, async () => moveIntoPlace(video, await hash())),
    check: queue.add,
    async resume(idleMs = 0) {
      for (const row of await listVideosInState(db, ['uploading', 'checking'])) {
        const video = row.id;
        if (queue.isStopped() || storage.isUnavailable(video)) continue;
        await resumeUpload(row, idleMs).catch(error =>
          log.warn({ err: error, video }, 'could not resume an upload; will retry'),
        );
      }
    },
    stop: queue.stop,
  };
}

interface CheckQueue {
  add(video: VideoId): void;
  isStopped(): boolean;
  stop(): Promise<void>;
}

/** Checks a few videos at a time, each at most once at a time. */
function createCheckQueue(deps: IntakeDeps): CheckQueue {
  const { log } = deps;
  const waiting: VideoId[] = [];
  const running = new Set<Promise<void>>();
  /** Videos that wait or are being checked. */
  const queued = new Set<VideoId>();
  let stopped = false;
  const isStopped = (): boolean => stopped;

  function add(video: VideoId): void {
    if (queued.has(video)) return;
    queued.add(video);
    waiting.push(video);
    startChecks();
  }

  function startChecks(): void {
    while (!stopped && running.size < CONCURRENT_CHECKS) {
      const next = waiting.shift();
      if (next === undefined) return;
      const run: Promise<void> = attemptCheck(deps, next, isStopped)
        .catch(error => log.error({ err: error, video: next }, 'could not record the result of a check'))
        .then(result => {
          running.delete(run);
          queued.delete(next);
          if (result === 'retry') add(next);
          startChecks();
        });
      running.add(run);
    }
  }

  return {
    add,
    isStopped,
    async stop() {
      stopped = true;
      await Promise.allSettled(running);
    },
  };
}

/** @returns `retry` if the check failed and has attempts left */
async function attemptCheck(
  deps: IntakeDeps,
  video: VideoId,
  isStopped: () => boolean,
): Promise<'retry' | 'done'> {
  const { db, storage, log } = deps;
  if (storage.isUnavailable(video)) return 'done';
  const attempt = await claimCheck(db, video);
  if (attempt === undefined) return 'done';
  if (attempt > MAX_ATTEMPTS) {
    await reject(
      deps,
      video,
      'check-crashed',
      `Checking this file crashed ${MAX_ATTEMPTS} times. Export the video again and upload the new file.`,
    );
    return 'done';
  }
  failpoint('check-claimed');
  const row = await findVideo(db, video);
  if (!row) return 'done';
  try {
    await checkSource(deps, video, row);
  } catch (error) {
    if (error instanceof SourceRejected) {
      await reject(deps, video, error.code, error.message);
    } else if (!isStopped() && isTransient(error)) {
      // The file is not at fault: the check is tried again without limit, and this attempt does not count.
      log.warn({ video, reason: messageOf(error) }, 'check postponed');
      await releaseCheck(db, video);
    } else if (!isStopped()) {
      log.error({ err: error, video, attempt }, 'check failed');
      // A run of ffmpeg may exceed its time on a busy machine. Any other error would only be repeated.
      if (attempt < MAX_ATTEMPTS && error instanceof FfmpegFailed) return 'retry';
      await reject(
        deps,
        video,
        'check-failed',
        error instanceof FfmpegFailed
          ? `This file could not be checked: ${error.message}. Export the video again and upload the new file.`
          : 'This file could not be checked because of a fault in the site, which its log describes. Upload the file again, or export the video in another format.',
      );
    }
  }
  return 'done';
}

/** The rejected bytes are deleted. The row remains, with the message. */
async function reject(
  { db, storage, log }: IntakeDeps,
  video: VideoId,
  code: ProblemCode,
  detail: string,
): Promise<void> {
  await markFailed(db, video, code, detail);
  await storage.remove(video);
  log.info({ video, code }, 'source rejected');
}

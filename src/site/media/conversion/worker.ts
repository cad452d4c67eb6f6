/**
 * Does the steps of jobs, some at a time, until it is stopped. It knows the database and the storage and nothing of who else
 * works: leases keep workers apart. A step is given back when the worker stops, and lost when the worker is killed.
 */

import { repeat } from '../../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf } from '../../../kernel/problem.ts';
import { clockOf } from '../../../kernel/sql/postgres.ts';
import { isTransient } from '../../../kernel/sql/transient-error.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import {
  type ClaimedStep,
  claimStep,
  completeStep,
  failStep,
  keepStep,
  listConverting,
  releaseOwned,
  releaseStep,
} from '../../database/jobs.ts';
import { changeVideo } from '../../database/records.ts';
import type { JobRow } from '../../database/schema.ts';
import { findVideo } from '../../database/videos.ts';
import { FfmpegFailed } from '../ffmpeg/run.ts';
import { makeRecord } from '../intake/intake.ts';
import { EXPRESS_URGENCY } from './conversion.ts';
import { runStep, type StepDeps } from './job-steps.ts';

export interface WorkerDeps extends StepDeps {
  /** Names this worker in leases; a name that lives on takes its old leases back at once. */
  readonly owner: string;
  /** Steps at a time. */
  readonly slots: number;
  /** One more for what people wait for, so that a first picture never waits for a long film's better rungs. */
  readonly hasExpress: boolean;
  readonly can: (need: string) => Promise<boolean>;
  /** Steps of these kinds alone; absent: of all. */
  readonly kinds?: readonly string[] | undefined;
  /** Nothing is encoded on a disk with less than this left. */
  readonly keepFreeBytes: number;
  /** A record was written: there is something to signal. */
  readonly onRecord: () => void;
  readonly log: Log;
}

export interface RunningWorker {
  /** There may be something to do. */
  wake(): void;
  stop(): Promise<void>;
}

/** What takes much work and nothing but its source: it can be done anywhere. */
export const REMOTE_STEP_KINDS = ['encode'] as const;
/** What looks at a whole video, or publishes it, is done where the whole video is. */
export const SITE_STEP_KINDS = ['inspect', 'remux', 'publish'] as const;

const IDLE_MS = 1_000;
const HEARTBEAT_MS = 2_000;
const ELSEWHERE_MS = 60_000;
/** What keeps the machine from working (no file handles, no room) is given so long to pass. */
const PASSING_MS = 5_000;

export async function startWorker(options: WorkerDeps): Promise<RunningWorker> {
  const { db, log } = options;
  await releaseOwned(db, options.owner);
  const avoid = new Set<string>();
  const kinds = [
    ...Array.from({ length: options.slots }, () => 0),
    ...(options.hasExpress ? [EXPRESS_URGENCY] : []),
  ];
  const slots = kinds.map(minUrgency =>
    repeat(async signal => {
      try {
        if (!hasRoom(options)) return IDLE_MS * 10;
        const claimed = await claimStep(
          db,
          {
            owner: options.owner,
            can: options.can,
            avoid,
            kinds: options.kinds,
            minUrgency,
            nowMs: await clockOf(db),
          },
          job => tellSetAside(options, job),
        );
        if (!claimed) {
          if (options.isRemote) await dropEnded(options);
          return IDLE_MS;
        }
        if (!(await isHere(options, claimed))) {
          avoid.add(claimed.job.id);
          setTimeout(() => avoid.delete(claimed.job.id), ELSEWHERE_MS).unref();
          await releaseStep(db, claimed);
          return 0;
        }
        await work(options, claimed, signal);
        // What just became possible may be done by a slot that is idle.
        for (const slot of slots) slot.wake();
        return 0;
      } catch (error) {
        log.error({ err: error }, 'a worker could not reach its jobs');
        return IDLE_MS * 5;
      }
    }),
  );
  return {
    wake: () => {
      for (const slot of slots) slot.wake();
    },
    async stop() {
      await Promise.all(slots.map(slot => slot.stop()));
    },
  };
}

function hasRoom({ storage, keepFreeBytes, log }: WorkerDeps): boolean {
  const freeBytes = storage.disks.freeBytes();
  if (freeBytes >= keepFreeBytes) return true;
  log.warn({ freeBytes, keepFreeBytes }, 'no work is begun: the disk is nearly full');
  return false;
}

/** A worker that does not see the source, because its storage is another, leaves the step to others. */
async function isHere({ storage }: WorkerDeps, { job }: ClaimedStep): Promise<boolean> {
  const { source } = JSON.parse(job.plan) as { readonly source: string };
  return storage.has(job.video_id as VideoId, source);
}

/** On a machine that does not see the site's disks a source stays for as long as it may be needed again. */
async function dropEnded({ db, storage }: WorkerDeps): Promise<void> {
  const held = await storage.list();
  if (held.length === 0) return;
  const needed = new Set((await listConverting(db)).map(({ video }) => video));
  for (const video of held) if (!needed.has(video)) await storage.clear(video);
}

async function work(options: WorkerDeps, claimed: ClaimedStep, stopping: AbortSignal): Promise<void> {
  const { db, log } = options;
  const { job, step } = claimed;
  const lost = new AbortController();
  let progress = { doneMs: 0, speed: undefined as number | undefined };
  const heartbeat = repeat(async () => {
    const isMine = await clockOf(db)
      .then(nowMs => keepStep(db, claimed, { nowMs, ...progress }))
      .catch(error => {
        log.warn({ err: error, job: job.id }, 'a worker could not say that it is still there');
        return true;
      });
    if (!isMine) lost.abort(new StepLost());
    return HEARTBEAT_MS;
  });
  try {
    const { result, isPublished } = await runStep(options, claimed, {
      abort: AbortSignal.any([stopping, lost.signal]),
      onProgress: ({ outMs, speed }) => {
        progress = { doneMs: outMs, speed };
      },
    });
    await heartbeat.stop();
    await completeStep(db, claimed, result);
    if (isPublished) options.onRecord();
  } catch (error) {
    await heartbeat.stop();
    if (lost.signal.aborted) return;
    if (stopping.aborted) return releaseStep(db, claimed);
    if (isTransient(error)) {
      // Not the film's fault: tried again for as long as it takes, and this counts for no attempt.
      log.warn({ job: job.id, step: step.number, reason: messageOf(error) }, 'a step has to wait');
      return releaseStep(db, claimed, (await clockOf(db)) + PASSING_MS);
    }
    log.warn(
      {
        err: error,
        job: job.id,
        step: step.number,
        attempt: step.attempts,
        ...(error instanceof FfmpegFailed ? { complaint: error.complaint } : {}),
      },
      'a step failed',
    );
    const setAside = await failStep(db, claimed, messageOf(error), await clockOf(db));
    if (setAside) await tellSetAside(options, setAside);
  }
}

class StepLost extends Error {}

/** Where nothing of the video can be played, it has failed; otherwise what can be played stays, and the reason is shown. */
async function tellSetAside(options: WorkerDeps, job: JobRow): Promise<void> {
  const { db, log } = options;
  const video = job.video_id as VideoId;
  log.error({ job: job.id, kind: job.kind, video, reason: job.error }, 'a job was set aside');
  const row = await findVideo(db, video);
  if (row?.state !== 'preparing') return;
  const reason = (job.error ?? '').replace(/\.$/, '');
  await changeVideo(
    db,
    video,
    ['preparing'],
    row.revision === null
      ? {
          state: 'failed',
          error_code: 'conversion-failed',
          error_detail: `This film could not be converted (${reason}). Try again, or export it in another format and upload it anew.`,
        }
      : {
          state: 'ready',
          error_code: 'conversion-incomplete',
          error_detail: `Only the beginning of this film could be converted (${reason}). Try again, or export it in another format and upload it anew.`,
        },
    // Players that wait for more of it are told that there will be none.
    row.revision === null ? undefined : fresh => makeRecord(fresh, options),
  );
  if (row.revision !== null) options.onRecord();
}

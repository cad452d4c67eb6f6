/**
 * A worker runs the steps of jobs, some at a time, until it is stopped. It needs only the database and the storage: leases keep
 * workers from doing the same step. A stopped worker gives its steps back; the steps of a killed worker are leased again.
 */
import * as z from 'zod';
import { repeat } from '../../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf } from '../../../kernel/problem.ts';
import { clockOf } from '../../../kernel/sql/postgres.ts';
import { isTransient } from '../../../kernel/sql/transient-error.ts';
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
import { changeVideo } from '../../database/publication/records.ts';
import type { JobRow } from '../../database/tables/schema.ts';
import { findVideo } from '../../database/tables/videos.ts';
import { CaptionProgramFailed, FfmpegFailed } from '../ffmpeg/ffmpeg.ts';
import { makeRecord } from '../record/record.ts';
import { SourceRejected } from '../source-rejected.ts';
import { EXPRESS_URGENCY } from './plan/job-kinds.ts';
import { runStep } from './steps/run-step.ts';
import type { StepDeps } from './steps/step.ts';

export interface WorkerDeps extends StepDeps {
  /** Names this worker in leases. A worker that starts under the same name releases the old leases at once. */
  readonly owner: string;
  /** Steps at a time. */
  readonly slots: number;
  /** Adds a slot for urgent and short jobs, so that no video waits for the ladder of a long one. */
  readonly hasExpress: boolean;
  /** Whether this machine's ffmpeg has an encoder or filter. */
  readonly can: (need: string) => Promise<boolean>;
  /** Only steps of these kinds; default: all. */
  readonly kinds?: readonly string[] | undefined;
  /** No step starts with less free disk space than this. */
  readonly keepFreeBytes: number;
  /** Called after a record was written, which must then be signalled to central. */
  readonly onRecord: () => void;
  readonly log: Log;
}

export interface RunningWorker {
  /** Looks for work now. */
  wake(): void;
  /** Gives unfinished steps back. */
  stop(): Promise<void>;
}

/** Steps that need nothing but their source, so that any machine can do them. */
export const REMOTE_STEP_KINDS = ['encode', 'captions'] as const;
/** Steps that need a whole video, so that they run where the site's disks are. */
export const SITE_STEP_KINDS = ['inspect', 'remux', 'publish'] as const;

const IDLE_MS = 1_000;
const DISK_FULL_MS = 10_000;
const DATABASE_RETRY_MS = 5_000;
const HEARTBEAT_MS = 2_000;
/** A job whose source this worker cannot read is left to others for this time. The source may be on its way to the object store. */
const AVOID_MS = 3_000;
/** Wait before a step is tried again after a transient failure of the machine (no file handles, no disk space). */
const TRANSIENT_RETRY_MS = 5_000;

/** @throws if the database cannot be reached; nothing runs then */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  await releaseOwned(deps.db, deps.owner);
  const avoided = avoidList();
  const minUrgencies = [
    ...Array.from({ length: deps.slots }, () => 0),
    ...(deps.hasExpress ? [EXPRESS_URGENCY] : []),
  ];
  const wake = (): void => {
    for (const slot of slots) slot.wake();
  };
  const slots = minUrgencies.map(minUrgency =>
    repeat(async abort => {
      try {
        if (!hasFreeDisk(deps)) return DISK_FULL_MS;
        const claimed = await claim(deps, minUrgency, avoided.list());
        if (!claimed) {
          if (deps.isRemote) await dropUnneededSources(deps);
          return IDLE_MS;
        }
        if (!(await canReadSource(deps, claimed))) {
          avoided.add(claimed.job.id);
          await releaseStep(deps.db, claimed);
          return 0;
        }
        await runClaimed(deps, claimed, abort);
        // The step may have made others possible, for slots that are idle.
        wake();
        return 0;
      } catch (error) {
        deps.log.error({ err: error }, 'worker could not access the job queue; will retry');
        return DATABASE_RETRY_MS;
      }
    }),
  );
  return {
    wake,
    async stop() {
      await Promise.all(slots.map(slot => slot.stop()));
    },
  };
}

function avoidList(): { add(job: string): void; list(): ReadonlySet<string> } {
  const untilMs = new Map<string, number>();
  return {
    add: job => void untilMs.set(job, performance.now() + AVOID_MS),
    list() {
      const nowMs = performance.now();
      for (const [job, until] of untilMs) if (until <= nowMs) untilMs.delete(job);
      return new Set(untilMs.keys());
    },
  };
}

function hasFreeDisk({ storage, keepFreeBytes, log }: WorkerDeps): boolean {
  const freeBytes = storage.disks.freeBytes();
  if (freeBytes >= keepFreeBytes) return true;
  log.warn({ freeBytes, keepFreeBytes }, 'conversion paused: disk nearly full');
  return false;
}

async function claim(
  deps: WorkerDeps,
  minUrgency: number,
  avoid: ReadonlySet<string>,
): Promise<ClaimedStep | undefined> {
  const { db, owner, can, kinds } = deps;
  const nowMs = await clockOf(db);
  return claimStep(db, { owner, can, avoid, kinds, minUrgency, nowMs }, job => reportFailedJob(deps, job));
}

/** The part that the plans of all jobs have in common. */
const planSchema = z.object({ source: z.string() });

async function canReadSource({ storage }: WorkerDeps, { job }: ClaimedStep): Promise<boolean> {
  const { source } = planSchema.parse(JSON.parse(job.plan));
  return storage.has(job.video_id, source);
}

/** A machine without access to the site's disks keeps each fetched source until no job needs it. */
async function dropUnneededSources({ db, storage }: WorkerDeps): Promise<void> {
  const stored = await storage.list();
  if (stored.length === 0) return;
  const needed = new Set((await listConverting(db)).map(({ video }) => video));
  for (const video of stored) if (!needed.has(video)) await storage.clear(video);
}

async function runClaimed(deps: WorkerDeps, claimed: ClaimedStep, stopping: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const { job } = claimed;
  const lost = new AbortController();
  let progress = { doneMs: 0, speed: undefined as number | undefined };
  const heartbeat = repeat(async () => {
    const isOurs = await clockOf(db)
      .then(nowMs => keepStep(db, claimed, { nowMs, ...progress }))
      .catch(error => {
        log.warn({ err: error, job: job.id }, 'could not renew the lease of a step; will retry');
        return true;
      });
    if (!isOurs) lost.abort(new LeaseLost('another worker has this step, or its job was cancelled'));
    return HEARTBEAT_MS;
  });
  try {
    const { result, isPublished } = await runStep(deps, {
      claimed,
      abort: AbortSignal.any([stopping, lost.signal]),
      onProgress: ({ outMs, speed }) => {
        progress = { doneMs: outMs, speed };
      },
    });
    await heartbeat.stop();
    await completeStep(db, claimed, result);
    if (isPublished) deps.onRecord();
  } catch (error) {
    await heartbeat.stop();
    if (lost.signal.aborted) return;
    if (stopping.aborted) await releaseStep(db, claimed);
    else await handleFailure(deps, claimed, error);
  }
}

class LeaseLost extends Error {}

async function handleFailure(deps: WorkerDeps, claimed: ClaimedStep, error: unknown): Promise<void> {
  const { db, log } = deps;
  const { job, step } = claimed;
  if (isTransient(error)) {
    // The source is not at fault: the step is tried again without limit, and this attempt does not count.
    log.warn({ job: job.id, step: step.number, reason: messageOf(error) }, 'step postponed');
    return releaseStep(db, claimed, (await clockOf(db)) + TRANSIENT_RETRY_MS);
  }
  log.warn(
    {
      err: error,
      job: job.id,
      step: step.number,
      attempt: step.attempts,
      ...(error instanceof FfmpegFailed ? { stderr: error.stderr } : {}),
    },
    'step failed',
  );
  const failedJob = await failStep(db, claimed, explainFailure(error), await clockOf(db));
  if (failedJob) await reportFailedJob(deps, failedJob);
}

/** The reason for people who watch the job. What only a developer understands is in the log. */
const explainFailure = (error: unknown): string =>
  error instanceof FfmpegFailed || error instanceof SourceRejected || error instanceof CaptionProgramFailed
    ? error.message
    : 'there was a fault in the site, which its log describes';

/** The video fails if nothing of it can be played; otherwise the playable part stays published, with the reason. */
async function reportFailedJob(deps: WorkerDeps, job: JobRow): Promise<void> {
  const { db, log } = deps;
  const video = job.video_id;
  log.error({ job: job.id, kind: job.kind, video, reason: job.error }, 'job failed for good');
  // The video does not wait for captions.
  if (job.kind === 'captions') return;
  const row = await findVideo(db, video);
  if (row?.state !== 'preparing') return;
  const reason = (job.error ?? '').replace(/\.$/, '');
  const advice = 'Try again, or export the video in another format and upload it again.';
  await changeVideo(db, video, {
    onlyFrom: ['preparing'],
    changes:
      row.revision === null
        ? {
            state: 'failed',
            error_code: 'conversion-failed',
            error_detail: `This video could not be converted (${reason}). ${advice}`,
          }
        : {
            state: 'ready',
            error_code: 'conversion-incomplete',
            error_detail: `Only the beginning of this video could be converted (${reason}). ${advice}`,
          },
    // The new record ends the waiting of players for the rest.
    record: row.revision === null ? undefined : fresh => makeRecord(fresh, deps),
  });
  if (row.revision !== null) deps.onRecord();
}

/**
 * Jobs and the leases on their steps. A worker claims a step, extends its lease at intervals, and at the end completes, fails or
 * releases it. When a lease expires, another worker claims the step. No claim waits for a lock: it changes a row only if the
 * row is still as it was read.
 */
import type { ExpressionBuilder, Transaction } from 'kysely';
import { newId, type VideoId } from '../../protocol/base/ids.ts';
import type { JobRow, JobStepRow, SiteSchema } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

/** A worker that does not extend its lease for this time loses the step. */
export const LEASE_MS = 20_000;
export const MAX_ATTEMPTS = 3;
/** Delay before a failed step is retried, times the number of attempts. */
const RETRY_MS = 3_000;
/** Times further in the future were written by a clock that has been set back since, and are ignored. */
const FARTHEST_MS = 2 * LEASE_MS;
/** Steps read in one claim, because the first ones may need capabilities that this worker does not have. */
const CLAIM_LOOKAHEAD = 50;

export interface NewStep {
  readonly kind: string;
  /** How many of the job's steps, from the first, must be done before this one. */
  readonly after: number;
  readonly mediaMs: number;
}

export interface NewJob {
  readonly video: VideoId;
  readonly kind: string;
  readonly urgency: number;
  readonly priority?: number;
  readonly needs: readonly string[];
  readonly plan: unknown;
  readonly steps: readonly NewStep[];
}

export interface ClaimedStep {
  readonly job: JobRow;
  readonly step: JobStepRow;
}

export interface Claimant {
  /** Name of the worker, to which its leases are bound. */
  readonly owner: string;
  readonly can: (need: string) => boolean | Promise<boolean>;
  /** Jobs that this worker cannot do, for example because it does not see their files. */
  readonly avoid?: ReadonlySet<string>;
  /** Claims only steps of these kinds; absent for all. */
  readonly kinds?: readonly string[] | undefined;
  /** Claims no step of a job with a lower urgency. */
  readonly minUrgency?: number;
  readonly nowMs: number;
}

const EXPIRED_REASON = `the worker stopped ${MAX_ATTEMPTS} times during the work`;

const now = (): string => new Date().toISOString();

/** Inserts a job, in the transaction that makes it necessary. */
export async function insertJob(transaction: Transaction<SiteSchema>, job: NewJob): Promise<string> {
  const id = newId();
  await transaction
    .insertInto('jobs')
    .values({
      id,
      video_id: job.video,
      kind: job.kind,
      state: 'open',
      priority: job.priority ?? 0,
      urgency: job.urgency,
      needs: job.needs.join(' '),
      plan: JSON.stringify(job.plan),
      error: null,
      created_at: now(),
      updated_at: now(),
    })
    .execute();
  // Databases limit the number of values in one statement.
  for (let from = 0; from < job.steps.length; from += 50) {
    const rows = job.steps.slice(from, from + 50).map((step, index) => ({
      job_id: id,
      number: from + index,
      kind: step.kind,
      after: step.after,
      media_ms: Math.round(step.mediaMs),
      state: 'waiting' as const,
      attempts: 0,
      owner: null,
      lease_until_ms: 0,
      not_before_ms: 0,
      done_ms: 0,
      speed_milli: 0,
      result: null,
      error: null,
    }));
    await transaction.insertInto('job_steps').values(rows).execute();
  }
  return id;
}

/**
 * Claims the first step that may run now, and counts the attempt in the same statement. The job of a step that has no attempts
 * left is set aside and passed to `onSetAside`.
 */
export async function claimStep(
  db: SiteDatabase,
  { owner, can, avoid, kinds, minUrgency, nowMs }: Claimant,
  onSetAside: (job: JobRow) => Promise<void>,
): Promise<ClaimedStep | undefined> {
  for (const candidate of await listCandidates(db, nowMs, minUrgency ?? 0, kinds)) {
    if (avoid?.has(candidate.job_id)) continue;
    const needs = candidate.needs.split(' ').filter(need => need !== '');
    if (!(await Promise.all(needs.map(need => can(need)))).every(Boolean)) continue;
    if (candidate.attempts >= MAX_ATTEMPTS) {
      const job = await setJobAside(db, candidate.job_id, candidate.error ?? EXPIRED_REASON);
      if (job) await onSetAside(job);
      continue;
    }
    const step = await db
      .updateTable('job_steps')
      .set({
        state: 'leased',
        attempts: candidate.attempts + 1,
        owner,
        lease_until_ms: nowMs + LEASE_MS,
        done_ms: 0,
        speed_milli: 0,
      })
      .where('job_id', '=', candidate.job_id)
      .where('number', '=', candidate.number)
      .where('state', '=', candidate.state)
      .where('attempts', '=', candidate.attempts)
      .where('lease_until_ms', '=', candidate.lease_until_ms)
      .returningAll()
      .executeTakeFirst();
    if (!step) continue;
    const job = await findJob(db, candidate.job_id);
    if (job) return { job, step };
  }
  return undefined;
}

const listCandidates = (
  db: SiteDatabase,
  nowMs: number,
  minUrgency: number,
  kinds: readonly string[] | undefined,
) =>
  db
    .selectFrom('job_steps as step')
    .innerJoin('jobs as job', 'job.id', 'step.job_id')
    .select([
      'step.job_id',
      'step.number',
      'step.state',
      'step.attempts',
      'step.lease_until_ms',
      'step.error',
      'job.needs',
    ])
    .where('job.state', '=', 'open')
    .where('job.urgency', '>=', minUrgency)
    .$if(kinds !== undefined, query => query.where('step.kind', 'in', [...(kinds ?? [])]))
    .where(({ and, or, eb }) =>
      or([
        and([
          eb('step.state', '=', 'waiting'),
          or([eb('step.not_before_ms', '<=', nowMs), eb('step.not_before_ms', '>', nowMs + FARTHEST_MS)]),
        ]),
        and([
          eb('step.state', '=', 'leased'),
          or([eb('step.lease_until_ms', '<', nowMs), eb('step.lease_until_ms', '>', nowMs + FARTHEST_MS)]),
        ]),
      ]),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job_steps as earlier')
            .select('earlier.number')
            .whereRef('earlier.job_id', '=', 'step.job_id')
            .whereRef('earlier.number', '<', 'step.after')
            .where('earlier.state', '!=', 'done'),
        ),
      ),
    )
    .orderBy('job.priority', 'desc')
    // People are waiting for steps that waited for others and may run now.
    .orderBy('step.after', 'desc')
    // The beginning of every video comes before the rest of any, so that all become playable early.
    .orderBy(({ eb }) => eb.case().when('step.number', '=', 0).then(0).else(1).end())
    .orderBy('job.urgency', 'desc')
    // Jobs that improve videos take turns, so that no long one delays the short ones.
    .orderBy(({ eb, ref }) => eb.case().when('job.urgency', '<=', 1).then(ref('step.number')).else(0).end())
    .orderBy('job.id')
    .orderBy('step.number')
    .limit(CLAIM_LOOKAHEAD)
    .execute();

/** Extends the lease. @returns false if another worker has the step, or the job was cancelled: the work must stop then */
export async function keepStep(
  db: SiteDatabase,
  { job, step }: ClaimedStep,
  progress: { readonly nowMs: number; readonly doneMs: number; readonly speed: number | undefined },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('job_steps')
    .set({
      lease_until_ms: progress.nowMs + LEASE_MS,
      done_ms: Math.round(Math.min(progress.doneMs, Number(step.media_ms))),
      speed_milli: Math.round((progress.speed ?? 0) * 1_000),
    })
    .where(mine(job, step))
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('jobs').select('id').where('id', '=', job.id).where('state', '=', 'open')),
    )
    .executeTakeFirst();
  return Number(numUpdatedRows) === 1;
}

/** @returns false if another worker has the step: the result must not be used then */
export async function completeStep(
  db: SiteDatabase,
  { job, step }: ClaimedStep,
  result: unknown,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('job_steps')
    .set({
      state: 'done',
      done_ms: step.media_ms,
      speed_milli: 0,
      owner: null,
      result: JSON.stringify(result ?? null),
      error: null,
    })
    .where(mine(job, step))
    .executeTakeFirst();
  await db.updateTable('jobs').set({ updated_at: now() }).where('id', '=', job.id).execute();
  return Number(numUpdatedRows) === 1;
}

/** Schedules the next attempt. After the last one, sets the job aside and returns it. */
export async function failStep(
  db: SiteDatabase,
  claimed: ClaimedStep,
  error: string,
  nowMs: number,
): Promise<JobRow | undefined> {
  const { job, step } = claimed;
  const { numUpdatedRows } = await db
    .updateTable('job_steps')
    .set({
      state: 'waiting',
      owner: null,
      error,
      speed_milli: 0,
      done_ms: 0,
      not_before_ms: nowMs + RETRY_MS * step.attempts,
    })
    .where(mine(job, step))
    .executeTakeFirst();
  if (Number(numUpdatedRows) !== 1 || step.attempts < MAX_ATTEMPTS) return undefined;
  return setJobAside(db, job.id, error);
}

/** Gives a step back without counting the attempt: the worker stops, or cannot do the step here, or not now. */
export async function releaseStep(
  db: SiteDatabase,
  { job, step }: ClaimedStep,
  notBeforeMs = 0,
): Promise<void> {
  await db
    .updateTable('job_steps')
    .set({
      state: 'waiting',
      owner: null,
      attempts: step.attempts - 1,
      not_before_ms: notBeforeMs,
      speed_milli: 0,
      done_ms: 0,
    })
    .where(mine(job, step))
    .execute();
}

/** Releases the leases of an earlier start of this worker. Their attempts stay counted. */
export async function releaseOwned(db: SiteDatabase, owner: string): Promise<void> {
  await db
    .updateTable('job_steps')
    .set({ state: 'waiting', owner: null, speed_milli: 0, done_ms: 0 })
    .where('owner', '=', owner)
    .where('state', '=', 'leased')
    .execute();
}

const mine =
  (job: JobRow, step: JobStepRow) =>
  ({ and, eb }: ExpressionBuilder<SiteSchema, 'job_steps'>) =>
    and([
      eb('job_id', '=', job.id),
      eb('number', '=', step.number),
      eb('state', '=', 'leased'),
      eb('owner', '=', step.owner),
      eb('attempts', '=', step.attempts),
    ]);

export const findJob = (db: SiteDatabase, id: string): Promise<JobRow | undefined> =>
  db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();

export const listSteps = (db: SiteDatabase, job: string): Promise<JobStepRow[]> =>
  db.selectFrom('job_steps').selectAll().where('job_id', '=', job).orderBy('number').execute();

export const markJobDone = (db: SiteDatabase, id: string): Promise<boolean> =>
  changeJob(db, id, ['open'], { state: 'done', error: null });

/** Returns undefined if the job was no longer open. */
async function setJobAside(db: SiteDatabase, id: string, error: string): Promise<JobRow | undefined> {
  return (await changeJob(db, id, ['open'], { state: 'set-aside', error })) ? findJob(db, id) : undefined;
}

/** A worker that is doing a step of it learns of this at its next `keepStep`. */
export const cancelJob = (db: SiteDatabase, id: string): Promise<boolean> =>
  changeJob(db, id, ['open'], { state: 'cancelled' });

export const setJobPriority = (db: SiteDatabase, id: string, priority: number): Promise<boolean> =>
  changeJob(db, id, ['open'], { priority });

/** Opens an ended job again. Finished steps stay done; all others start over with all their attempts. */
export async function retryJob(db: SiteDatabase, id: string): Promise<boolean> {
  await db
    .updateTable('job_steps')
    .set({ state: 'waiting', attempts: 0, owner: null, not_before_ms: 0, error: null })
    .where('job_id', '=', id)
    .where('state', '!=', 'done')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('jobs').select('id').where('id', '=', id).where('state', 'in', ['set-aside', 'cancelled']),
      ),
    )
    .execute();
  return changeJob(db, id, ['set-aside', 'cancelled'], { state: 'open', error: null });
}

async function changeJob(
  db: SiteDatabase,
  id: string,
  onlyFrom: readonly JobRow['state'][],
  changes: Partial<Pick<JobRow, 'state' | 'error' | 'priority'>>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ ...changes, updated_at: now() })
    .where('id', '=', id)
    .where('state', 'in', onlyFrom)
    .executeTakeFirst();
  return Number(numUpdatedRows) === 1;
}

export async function deleteJobs(db: SiteDatabase, video: VideoId): Promise<void> {
  await db.transaction().execute(async transaction => {
    await transaction
      .deleteFrom('job_steps')
      .where('job_id', 'in', eb => eb.selectFrom('jobs').select('id').where('video_id', '=', video))
      .execute();
    await transaction.deleteFrom('jobs').where('video_id', '=', video).execute();
  });
}

/** A job and the progress of its steps. */
export type JobProgress = Omit<JobRow, 'plan'> & {
  readonly video_name: string;
  readonly media_ms: number;
  readonly done_ms: number;
  readonly speed_milli: number;
  readonly leased: number;
  readonly attempts: number;
  readonly last_error: string | null;
};

export interface JobFilter {
  readonly video?: VideoId | undefined;
  readonly job?: string;
  readonly limit: number;
}

/** Lists open jobs in the order in which they are done, then those set aside, then the others that ended. */
export async function listJobProgress(db: SiteDatabase, filter: JobFilter): Promise<readonly JobProgress[]> {
  const rows = await db
    .selectFrom('jobs as job')
    .innerJoin('videos', 'videos.id', 'job.video_id')
    .innerJoin('job_steps as step', 'step.job_id', 'job.id')
    .select([
      'job.id',
      'job.video_id',
      'job.kind',
      'job.state',
      'job.priority',
      'job.urgency',
      'job.needs',
      'job.error',
      'job.created_at',
      'job.updated_at',
      'videos.name as video_name',
    ])
    .select(({ fn, eb }) => [
      fn.sum<number>('step.media_ms').as('media_ms'),
      fn.sum<number>('step.done_ms').as('done_ms'),
      fn.sum<number>('step.speed_milli').as('speed_milli'),
      fn.sum<number>(eb.case().when('step.state', '=', 'leased').then(1).else(0).end()).as('leased'),
      fn.max('step.attempts').as('attempts'),
      fn.max('step.error').as('last_error'),
    ])
    .where(({ eb, and }) =>
      and([
        ...(filter.job === undefined ? [] : [eb('job.id', '=', filter.job)]),
        ...(filter.video === undefined ? [] : [eb('job.video_id', '=', filter.video)]),
      ]),
    )
    .groupBy([
      'job.id',
      'job.video_id',
      'job.kind',
      'job.state',
      'job.priority',
      'job.urgency',
      'job.needs',
      'job.error',
      'job.created_at',
      'job.updated_at',
      'videos.name',
    ])
    .orderBy(({ eb }) =>
      eb
        .case()
        .when('job.state', '=', 'open')
        .then(0)
        .when('job.state', '=', 'set-aside')
        .then(1)
        .else(2)
        .end(),
    )
    .orderBy('job.priority', 'desc')
    .orderBy('job.urgency', 'desc')
    .orderBy('job.id')
    .limit(filter.limit)
    .execute();
  return rows.map(row => ({
    ...row,
    media_ms: Number(row.media_ms),
    done_ms: Number(row.done_ms),
    speed_milli: Number(row.speed_milli),
    leased: Number(row.leased),
    attempts: Number(row.attempts),
  }));
}

/** Lists the videos with open jobs, and the file from which each is converted. */
export async function listConverting(
  db: SiteDatabase,
): Promise<readonly { readonly video: VideoId; readonly source: string }[]> {
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('videos', 'videos.id', 'jobs.video_id')
    .select(['jobs.video_id', 'jobs.plan'])
    .where('jobs.state', '=', 'open')
    .where('videos.state', '!=', 'withdrawn')
    .execute();
  return rows.map(({ video_id, plan }) => ({
    video: video_id,
    source: (JSON.parse(plan) as { readonly source: string }).source,
  }));
}

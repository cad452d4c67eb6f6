/**
 * Jobs and the leases on their steps. A worker claims a step for a while, says now and then that it is still there, and ends by
 * completing, failing or releasing it; a step whose worker went silent is claimed by another. Nothing waits on a lock: a
 * claim changes a row only if it is still as it was read.
 */

import type { ExpressionBuilder, Transaction } from 'kysely';
import { newId, type VideoId } from '../../protocol/ids.ts';
import type { JobRow, JobStepRow, SiteSchema } from './schema.ts';
import type { SiteDatabase } from './videos.ts';

/** A worker silent for so long has lost its step. */
export const LEASE_MS = 20_000;
export const MAX_ATTEMPTS = 3;
/** Before a failed step is tried again, times the number of attempts. */
const RETRY_MS = 3_000;
/** What lies further ahead was written by a clock that has been set back since: it holds nobody up. */
const FARTHEST_MS = 2 * LEASE_MS;
/** Steps looked at in one claim: those in front may need what this worker cannot do. */
const CLAIM_LOOKAHEAD = 50;

export interface NewStep {
  readonly kind: string;
  /** How many of the steps, from the first, must be done before. */
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
  /** Names the worker; leases are bound to it. */
  readonly owner: string;
  readonly can: (need: string) => boolean | Promise<boolean>;
  /** Jobs that this worker found it cannot serve, e.g. because it does not see their files. */
  readonly avoid?: ReadonlySet<string>;
  /** Takes these kinds of steps alone; absent: all. */
  readonly kinds?: readonly string[] | undefined;
  /** Takes nothing less urgent. */
  readonly minUrgency?: number;
  readonly nowMs: number;
}

const SILENT_REASON = `Its worker stopped ${MAX_ATTEMPTS} times in the middle of the work.`;

const now = (): string => new Date().toISOString();

/** Within the transaction that makes the job necessary. */
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
  // Databases bound the number of values in one statement.
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
 * Claims the first step that may run now. The attempt is counted in the same statement. A step that was begun too often is set
 * aside with its job and passed to `onSetAside`.
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
      const job = await setJobAside(db, candidate.job_id, candidate.error ?? SILENT_REASON);
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
    // What waited for others and may run now is what people wait for.
    .orderBy('step.after', 'desc')
    // The beginning of every film before the rest of any: there is something to see then.
    .orderBy(({ eb }) => eb.case().when('step.number', '=', 0).then(0).else(1).end())
    .orderBy('job.urgency', 'desc')
    .orderBy('job.id')
    .orderBy('step.number')
    .limit(CLAIM_LOOKAHEAD)
    .execute();

/** Still at work. False where the step is another's by now, or its job was cancelled: the work is to be dropped. */
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

/** False where the step is another's by now: the result must not be used. */
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

/** Waits for its next attempt; after the last one the job is set aside, and returned. */
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

/** Gives a step back untried: its worker stops, or cannot do it here, or not before some time. */
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

/** Leases that an earlier life of this worker left behind; their attempts stay counted. */
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

/** Undefined where it was not open any more. */
async function setJobAside(db: SiteDatabase, id: string, error: string): Promise<JobRow | undefined> {
  return (await changeJob(db, id, ['open'], { state: 'set-aside', error })) ? findJob(db, id) : undefined;
}

/** Whoever works on it hears of it at the next `keepStep`. */
export const cancelJob = (db: SiteDatabase, id: string): Promise<boolean> =>
  changeJob(db, id, ['open'], { state: 'cancelled' });

export const setJobPriority = (db: SiteDatabase, id: string, priority: number): Promise<boolean> =>
  changeJob(db, id, ['open'], { priority });

/** What is done stays done; everything else begins anew, with all its attempts. */
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

/** A job and what its steps have come to, for people to see. */
export type JobProgress = Omit<JobRow, 'plan'> & {
  readonly video_name: string;
  readonly media_ms: number;
  readonly done_ms: number;
  readonly speed_milli: number;
  readonly leased: number;
  readonly attempts: number;
  readonly last_error: string | null;
};

/** Unfinished jobs in the order in which they are taken up, then those that ended, latest first. */
export async function listJobProgress(
  db: SiteDatabase,
  filter: { readonly video?: VideoId | undefined; readonly job?: string; readonly limit: number },
): Promise<readonly JobProgress[]> {
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
    .$if(filter.job !== undefined, query => query.where('job.id', '=', filter.job ?? ''))
    .$if(filter.video !== undefined, query => query.where('job.video_id', '=', filter.video!))
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

/** Videos of which something is still to be converted, and from which of their files. */
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

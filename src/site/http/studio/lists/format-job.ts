/** The form in which the studio shows conversions, with their place in the queue and their estimated end. */
import type { SiteJob } from '../../../../protocol/job.ts';
import type { JobProgress } from '../../../database/jobs.ts';
import { listQueue, type StudioJob } from '../../../database/studio/list-jobs.ts';
import { readSpeeds } from '../../../database/studio/speeds.ts';
import type { JobState } from '../../../database/tables/schema.ts';
import type { SiteDatabase } from '../../../database/tables/videos.ts';
import { type Estimate, estimateJobs } from './estimate.ts';

/** Jobs behind these have no estimate. */
const ESTIMATED_JOBS = 1_000;

interface ShownJob extends Omit<JobProgress, 'needs' | 'urgency' | 'state' | 'kind'> {
  readonly state: JobState;
  readonly kind: string;
}

export function formatJob(job: ShownJob, estimate: Estimate = {}): SiteJob {
  const isOpen = job.state === 'open';
  const speed = isOpen && job.leased > 0 ? job.speed_milli / 1_000 : 0;
  const error = job.error ?? (isOpen ? job.last_error : null);
  return {
    id: job.id,
    video: job.video_id,
    videoName: job.video_name,
    kind: job.kind as SiteJob['kind'],
    state: job.state === 'open' ? (job.leased > 0 ? 'running' : 'waiting') : job.state,
    priority: job.priority,
    progress: progressOf(job),
    ...(speed > 0 ? { speed } : {}),
    ...(isOpen ? estimate : {}),
    workers: isOpen ? job.leased : 0,
    attempts: job.attempts,
    ...(error ? { error } : {}),
    createdAt: job.created_at,
    updatedAt: job.updated_at,
  };
}

/** The finished share of a job, from 0 to 1. */
export const progressOf = ({
  state,
  media_ms,
  done_ms,
}: Pick<JobProgress, 'state' | 'media_ms' | 'done_ms'>): number =>
  state === 'done' ? 1 : media_ms > 0 ? Math.min(1, Math.max(0, done_ms / media_ms)) : 0;

/** Rows of the studio, with their estimates. */
export async function formatJobs(db: SiteDatabase, jobs: readonly StudioJob[]): Promise<SiteJob[]> {
  const estimates = jobs.some(({ state }) => state === 'open') ? await readEstimates(db) : new Map();
  return jobs.map(row =>
    formatJob(
      {
        ...row,
        id: row.job_id,
        video_name: row.name,
        media_ms: Number(row.media_ms),
        done_ms: Number(row.done_ms),
        speed_milli: Number(row.speed_milli),
      },
      estimates.get(row.job_id),
    ),
  );
}

async function readEstimates(db: SiteDatabase): Promise<ReadonlyMap<string, Estimate>> {
  const queue = await listQueue(db, ESTIMATED_JOBS);
  return estimateJobs(
    queue.map(row => ({
      id: row.job_id,
      kind: row.kind,
      mediaMs: Number(row.media_ms),
      doneMs: Number(row.done_ms),
      workers: row.leased,
      speed: Number(row.speed_milli) / 1_000,
      ...(Number(row.started_ms) > 0
        ? { started: { atMs: Number(row.started_ms), doneMs: Number(row.started_done_ms) } }
        : {}),
    })),
    await readSpeeds(db),
    Date.now(),
  );
}

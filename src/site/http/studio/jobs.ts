/** The studio's calls about conversions: how far each is, sooner, later, cancel, try again. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { type SiteJob, siteJobEditSchema, siteJobListSchema, siteJobSchema } from '../../../protocol/job.ts';
import {
  cancelJob,
  findJob,
  type JobProgress,
  listJobProgress,
  retryJob,
  setJobPriority,
} from '../../database/jobs.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { RETRIABLE, type SiteDatabase } from '../../database/videos.ts';
import { makeRecord } from '../../media/record/record.ts';
import type { Storage } from '../../media/storage/storage.ts';
import { type AccessRules, requireStudioAccess } from '../access.ts';

export interface JobsDeps {
  readonly db: SiteDatabase;
  readonly access: AccessRules;
  readonly storage: Storage;
  readonly sourceAddress: string;
  /** There is something for a worker. */
  readonly onJob: () => void;
  readonly onRecord: () => void;
}

const params = z.object({ id: z.string().max(64) });
const MAX_JOBS = 200;

export function serveJobs(app: HttpServer, options: JobsDeps): void {
  const { db, access, onJob } = options;
  const show = async (id: string): Promise<SiteJob> => {
    const found = (await listJobProgress(db, { job: id, limit: 1 })).at(0);
    if (!found) throw problem('job-unknown', 'This site has no such conversion.');
    return formatJob(found);
  };
  const refuse = (what: string): never => {
    throw problem('job-ended', `This conversion ${what}.`);
  };

  app.get(
    '/api/jobs',
    {
      schema: {
        description: 'Conversions: those to come in their order, then those that ended.',
        response: { 200: siteJobListSchema },
      },
    },
    async request => {
      requireStudioAccess(request.raw, access);
      const jobs = await listJobProgress(db, { limit: MAX_JOBS });
      // Looking whether there is anything to do is nothing to show, unless it goes wrong.
      return { jobs: jobs.filter(job => job.kind !== 'inspect' || job.state === 'set-aside').map(formatJob) };
    },
  );

  app.patch(
    '/api/jobs/:id',
    {
      schema: {
        description: 'Sets the priority: the greater goes first.',
        params,
        body: siteJobEditSchema,
        response: { 200: siteJobSchema },
      },
    },
    async request => {
      requireStudioAccess(request.raw, access);
      const { id } = request.params;
      await show(id);
      if (!(await setJobPriority(db, id, request.body.priority))) refuse('has ended');
      onJob();
      return show(id);
    },
  );

  app.post(
    '/api/jobs/:id/cancel',
    { schema: { description: 'Stops a conversion.', params, response: { 200: siteJobSchema } } },
    async request => {
      requireStudioAccess(request.raw, access);
      const { id } = request.params;
      const { video } = await show(id);
      if (!(await cancelJob(db, id))) refuse('has ended');
      await tellCancelled(options, video);
      return show(id);
    },
  );

  app.post(
    '/api/jobs/:id/retry',
    {
      schema: {
        description: 'Takes up a conversion that was cancelled or set aside. What was done stays done.',
        params,
        response: { 200: siteJobSchema },
      },
    },
    async request => {
      requireStudioAccess(request.raw, access);
      const { id } = request.params;
      const { video } = await show(id);
      if (!(await retryJob(db, id))) refuse('is not one that can be tried again');
      await tellRetried(db, video, (await findJob(db, id))?.kind === 'ladder');
      onJob();
      return show(id);
    },
  );
}

/** Where the video waits for this job alone, it can no longer become ready by itself. */
async function tellCancelled(options: JobsDeps, video: VideoId): Promise<void> {
  const { db } = options;
  const row = await db.selectFrom('videos').select(['revision']).where('id', '=', video).executeTakeFirst();
  await changeVideo(
    db,
    video,
    ['preparing'],
    row?.revision === null
      ? {
          state: 'failed',
          error_code: 'conversion-cancelled',
          error_detail: 'The conversion of this film was cancelled. Take it up again, or discard the film.',
        }
      : {
          state: 'ready',
          error_code: 'conversion-incomplete',
          error_detail: 'The conversion was cancelled: only the beginning of this film can be played.',
        },
    // Players that wait for more of it are told that there will be none.
    row?.revision === null ? undefined : fresh => makeRecord(fresh, options),
  );
  options.onRecord();
}

async function tellRetried(db: SiteDatabase, video: VideoId, isLadder: boolean): Promise<void> {
  if (isLadder) return;
  const row = await db
    .selectFrom('videos')
    .select(['state', 'error_code'])
    .where('id', '=', video)
    .executeTakeFirst();
  const isWaiting =
    (row?.state === 'failed' && RETRIABLE.has(row.error_code ?? '')) ||
    (row?.state === 'ready' && row.error_code === 'conversion-incomplete');
  if (!isWaiting) return;
  await changeVideo(db, video, ['failed', 'ready'], {
    state: 'preparing',
    error_code: null,
    error_detail: null,
  });
}

function formatJob(job: JobProgress): SiteJob {
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
    ...(speed > 0 ? { speed, leftMs: Math.max(0, Math.round((job.media_ms - job.done_ms) / speed)) } : {}),
    workers: isOpen ? job.leased : 0,
    attempts: job.attempts,
    ...(error ? { error } : {}),
    createdAt: job.created_at,
    updatedAt: job.updated_at,
  };
}

export const progressOf = ({ state, media_ms, done_ms }: JobProgress): number =>
  state === 'done' ? 1 : media_ms > 0 ? Math.min(1, Math.max(0, done_ms / media_ms)) : 0;

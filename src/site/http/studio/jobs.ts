/** The calls of the studio for conversions: their progress and order, cancel and retry. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { type SiteJob, siteJobEditSchema, siteJobListSchema, siteJobSchema } from '../../../protocol/job.ts';
import type { AuditEvent } from '../../../protocol/people/audit.ts';
import { isAllowedSomewhere } from '../../../protocol/people/permissions.ts';
import { cancelJob, findJob, listJobProgress, retryJob, setJobPriority } from '../../database/jobs.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { listStudioJobs } from '../../database/studio/list-jobs.ts';
import { findVideo, RETRIABLE, type SiteDatabase } from '../../database/tables/videos.ts';
import { makeRecord } from '../../media/record/record.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { NoteAudit } from '../audit-note.ts';
import { formatJob, formatJobs } from './lists/format-job.ts';
import type { StudioWatch } from './lists/watch-changes.ts';
import { objectOf, requireVideo, type VideoAccessDeps } from './video-access.ts';
import { videosOfVisibleJobs } from './visible-videos.ts';

export interface JobsDeps extends VideoAccessDeps {
  readonly storage: Storage;
  readonly note: NoteAudit;
  readonly watch: StudioWatch;
  readonly sourceAddress: string;
  /** Called when a worker may have something to do. */
  readonly onJob: () => void;
  readonly onRecord: () => void;
}

const params = z.object({ id: z.string().max(64) });
const MAX_JOBS = 200;

export function serveJobs(app: HttpServer, deps: JobsDeps): void {
  const { db, guard, siteId, note, onJob, watch } = deps;
  const getJob = async (id: string): Promise<SiteJob> => {
    const found = (await listJobProgress(db, { job: id, limit: 1 })).at(0);
    if (!found) throw jobUnknown();
    return formatJob(found);
  };
  /** For a person who may edit its video. @throws Problem 401, 403, 404 */
  const requireJob = async (request: IncomingMessage, id: string): Promise<SiteJob> => {
    const authority = await guard.authorityOf(request);
    if (!isAllowedSomewhere(authority, 'edit')) await guard.require(request, 'edit', { site: siteId() });
    const job = await getJob(id);
    await requireVideo(deps, request, 'edit', job.video).catch(error => {
      throw error instanceof Problem && error.code === 'video-unknown' ? jobUnknown() : error;
    });
    return job;
  };

  app.get(
    '/api/jobs',
    {
      schema: {
        description:
          'Lists the conversions of videos that this person may see: the open ones in the order in which they are done, then those that ended.',
        response: { 200: siteJobListSchema },
      },
    },
    async request => {
      const authority = await guard.authorityOf(request.raw);
      if (!isAllowedSomewhere(authority, 'edit') && !isAllowedSomewhere(authority, 'see-jobs'))
        await guard.require(request.raw, 'see-jobs', { site: siteId() });
      const visible = videosOfVisibleJobs(authority, siteId());
      await watch.refresh();
      return { jobs: await formatJobs(db, await listStudioJobs(db, { visible, limit: MAX_JOBS })) };
    },
  );

  app.patch(
    '/api/jobs/:id',
    {
      schema: {
        description: 'Sets the priority of a conversion; higher values come first.',
        params,
        body: siteJobEditSchema,
        response: { 200: siteJobSchema },
      },
    },
    async request => {
      const { id } = request.params;
      const { video, priority } = await getJob(id);
      if (!(await setJobPriority(db, id, request.body.priority))) throw jobEnded();
      await note(request.raw, {
        ...describeEdit(video, { job: id, priority: request.body.priority }),
        before: { priority },
      });
      onJob();
      return getJob(id);
    },
  );

  app.post(
    '/api/jobs/:id/cancel',
    { schema: { description: 'Cancels a conversion.', params, response: { 200: siteJobSchema } } },
    async request => {
      const { id } = request.params;
      const { video, kind } = await requireJob(request.raw, id);
      if (!(await cancelJob(db, id))) throw jobEnded();
      if (kind !== 'captions') await publishCancellation(deps, video);
      await note(request.raw, describeEdit(video, { job: id, state: 'cancelled' }));
      return getJob(id);
    },
  );

  app.post(
    '/api/jobs/:id/retry',
    {
      schema: {
        description: 'Continues a conversion that was cancelled or has failed. Finished steps are kept.',
        params,
        response: { 200: siteJobSchema },
      },
    },
    async request => {
      const { id } = request.params;
      const { video } = await requireJob(request.raw, id);
      if (!(await retryJob(db, id))) throw problem('job-ended', 'This conversion cannot be retried.');
      await note(request.raw, describeEdit(video, { job: id, state: 'open' }));
      const kind = (await findJob(db, id))?.kind;
      if (kind !== 'ladder' && kind !== 'captions') await markPreparing(db, video);
      onJob();
      return getJob(id);
    },
  );
}

const describeEdit = (video: VideoId, after: NonNullable<AuditEvent['after']>) =>
  ({ action: 'job.edit', object: objectOf(video), after }) as const;

const jobUnknown = (): Problem => problem('job-unknown', 'This site has no such conversion.');
const jobEnded = (): Problem => problem('job-ended', 'This conversion has ended.');

/** A video that waited for this job cannot become ready, or does not grow any more. */
async function publishCancellation(deps: JobsDeps, video: VideoId): Promise<void> {
  const { db, onRecord } = deps;
  const isPlayable = (await findVideo(db, video))?.revision !== null;
  await changeVideo(db, video, {
    onlyFrom: ['preparing'],
    changes: isPlayable
      ? {
          state: 'ready',
          error_code: 'conversion-incomplete',
          error_detail: 'The conversion was cancelled: only the beginning of this video can be played.',
        }
      : {
          state: 'failed',
          error_code: 'conversion-cancelled',
          error_detail: 'The conversion of this video was cancelled. Retry it, or delete the video.',
        },
    // The new record ends the waiting of players for later segments.
    record: isPlayable ? current => makeRecord(current, deps) : undefined,
  });
  onRecord();
}

async function markPreparing(db: SiteDatabase, video: VideoId): Promise<void> {
  const row = await findVideo(db, video);
  const isWaiting =
    (row?.state === 'failed' && RETRIABLE.has(row.error_code ?? '')) ||
    (row?.state === 'ready' && row.error_code === 'conversion-incomplete');
  if (!isWaiting) return;
  await changeVideo(db, video, {
    onlyFrom: ['failed', 'ready'],
    changes: { state: 'preparing', error_code: null, error_detail: null },
  });
}

/** The conversions that the studio shows, from their narrow rows: in the order in which they are done, or since a change. */
import type { ExpressionBuilder } from 'kysely';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { SiteSchema } from '../tables/schema.ts';
import type { StudioJobRow } from '../tables/studio-index.ts';
import type { SiteDatabase, VisibleVideos } from '../tables/videos.ts';

export interface StudioJobFilter {
  /** Jobs of videos that the person may see. */
  readonly visible: VisibleVideos;
  /** Only jobs of these videos that are not done. */
  readonly videos?: readonly VideoId[];
  /** Only jobs that changed after this. They are in the order of their changes. */
  readonly changedAfter?: number;
  readonly limit: number;
}

export type StudioJob = Awaited<ReturnType<typeof listStudioJobs>>[number];

/** Lists open jobs in the order in which they are done, then those that failed, then the others that ended. */
export function listStudioJobs(db: SiteDatabase, { visible, videos, changedAfter, limit }: StudioJobFilter) {
  const query = db
    .selectFrom('studio_jobs')
    .innerJoin('studio_videos', 'studio_videos.video_id', 'studio_jobs.video_id')
    .innerJoin('jobs', 'jobs.id', 'studio_jobs.job_id')
    .innerJoin('videos', 'videos.id', 'studio_jobs.video_id')
    .selectAll('studio_jobs')
    .select(['jobs.kind', 'jobs.state', 'jobs.error', 'jobs.created_at', 'jobs.updated_at', 'videos.name'])
    .where('studio_jobs.hidden', '=', 0)
    .where(isVisible(visible))
    .$if(videos !== undefined, builder =>
      builder.where('studio_jobs.video_id', 'in', videos ?? []).where('jobs.state', '!=', 'done'),
    )
    .limit(limit);
  if (changedAfter !== undefined)
    return query.where('studio_jobs.changed', '>', changedAfter).orderBy('studio_jobs.changed').execute();
  return query
    .orderBy('studio_jobs.state_order')
    .orderBy('studio_jobs.priority', 'desc')
    .orderBy('studio_jobs.urgency', 'desc')
    .orderBy('studio_jobs.job_id')
    .execute();
}

/** True for the videos that a person may see. */
export const isVisible =
  (visible: VisibleVideos) =>
  ({ eb, and, or }: ExpressionBuilder<SiteSchema, 'studio_videos'>) =>
    or(
      visible.map(({ owner, series }) =>
        and([
          ...(owner === undefined ? [] : [eb('studio_videos.owner_id', '=', owner)]),
          ...(series === undefined ? [] : [eb('studio_videos.series_id', '=', series)]),
        ]),
      ),
    );

/** The work ahead of each open job: the first ones in their order. */
export const listQueue = (
  db: SiteDatabase,
  limit: number,
): Promise<
  (Pick<
    StudioJobRow,
    'job_id' | 'media_ms' | 'done_ms' | 'leased' | 'speed_milli' | 'started_ms' | 'started_done_ms'
  > & {
    readonly kind: string;
  })[]
> =>
  db
    .selectFrom('studio_jobs')
    .innerJoin('jobs', 'jobs.id', 'studio_jobs.job_id')
    .select([
      'job_id',
      'media_ms',
      'done_ms',
      'leased',
      'speed_milli',
      'started_ms',
      'started_done_ms',
      'jobs.kind',
    ])
    .where('studio_jobs.state_order', '=', 0)
    .orderBy('studio_jobs.state_order')
    .orderBy('studio_jobs.priority', 'desc')
    .orderBy('studio_jobs.urgency', 'desc')
    .orderBy('studio_jobs.job_id')
    .limit(limit)
    .execute();

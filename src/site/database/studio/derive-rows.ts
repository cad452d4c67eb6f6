/** Derives the narrow rows of the studio from the rows of videos and jobs. Pure. */
import { normaliseForSearch } from '../../../protocol/base/text.ts';
import type { VideoState } from '../../../protocol/site.ts';
import { audienceOfRow } from '../tables/people-columns.ts';
import type { JobRow } from '../tables/schema.ts';
import type { StudioJobRow, StudioVideoRow } from '../tables/studio-index.ts';
import type { VideoWithRecord } from '../tables/videos.ts';
import { hashOf, searchTextOf } from './words.ts';

/** What needs somebody comes first. */
const STATE_ORDER: Readonly<Record<VideoState, number>> = {
  failed: 0,
  uploading: 1,
  checking: 2,
  preparing: 3,
  ready: 4,
  withdrawn: 5,
};
const MAX_KEY_CHARACTERS = 80;

/** The captions and the duration, without parsing the other members of large JSON texts. */
const hasCaptions = (extras: string | null): boolean =>
  extras !== null && (JSON.parse(extras) as { captions?: unknown[] }).captions?.length !== 0;
const durationOf = (prepared: string | null): number =>
  prepared === null ? 0 : ((JSON.parse(prepared) as { durationMs?: number }).durationMs ?? 0);

export const deriveVideoRow = (
  video: VideoWithRecord,
  signalledChange: number,
): Omit<StudioVideoRow, 'changed' | 'number'> => {
  const isSignalled = video.change !== null && Number(video.change) <= signalledChange;
  const { version, published, registered_version } = video;
  return {
    video_id: video.id,
    words_hash: hashOf(searchTextOf(video)),
    fingerprint: [video.updated_at, version, published, registered_version, Number(isSignalled)].join(),
    state: video.state,
    // A conversion that ended early needs somebody, too.
    state_order: video.error_code === null ? STATE_ORDER[video.state] : STATE_ORDER.failed,
    audience: audienceOfRow(video).audience,
    approval: video.approval,
    owner_id: video.owner_id,
    series_id: video.series_id,
    captions: Number(hasCaptions(video.extras)),
    name_key: normaliseForSearch(video.name).slice(0, MAX_KEY_CHARACTERS),
    duration_ms: durationOf(video.prepared),
    size_bytes: Number(video.size_bytes),
  };
};

/** What a list can be filtered by, and is counted. */
export const facetsOf = ({ state, audience, approval, captions }: StudioVideoRow): readonly string[] => [
  'all',
  `state:${state}`,
  `audience:${audience}`,
  ...(approval === null ? [] : [`approval:${approval}`]),
  captions === 1 ? 'captions:yes' : 'captions:no',
];

export type JobSums = Pick<
  StudioJobRow,
  'media_ms' | 'done_ms' | 'speed_milli' | 'leased' | 'attempts' | 'last_error'
>;

export type JobStart = Pick<StudioJobRow, 'started_ms' | 'started_done_ms'>;

/** A job that was retried starts again. */
export const deriveStart = (sums: JobSums, before: StudioJobRow | undefined, nowMs: number): JobStart => {
  if (before?.state_order === 0 && Number(before.started_ms) > 0)
    return { started_ms: Number(before.started_ms), started_done_ms: Number(before.started_done_ms) };
  return sums.leased > 0
    ? { started_ms: nowMs, started_done_ms: sums.done_ms }
    : { started_ms: 0, started_done_ms: 0 };
};

export const deriveJobRow = (job: JobRow, sums: JobSums, start: JobStart): Omit<StudioJobRow, 'changed'> => ({
  job_id: job.id,
  video_id: job.video_id,
  state_order: job.state === 'open' ? 0 : job.state === 'set-aside' ? 1 : 2,
  priority: job.priority,
  urgency: job.urgency,
  hidden: Number(job.kind === 'inspect' && job.state !== 'set-aside'),
  ...sums,
  ...start,
});

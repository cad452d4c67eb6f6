/** The kinds of jobs and which goes first (pure). */
import type { SiteJob } from '../../../../protocol/job.ts';
import type { EncodePlan } from './encode-plan.ts';

export type JobKind = SiteJob['kind'];

/** Jobs that make a video playable at all go before those that improve one, and short ones before long ones. */
export const URGENCY: Readonly<Record<JobKind, number>> = {
  remux: 4,
  'first-rendition': 3,
  inspect: 2,
  ladder: 1,
  captions: 1,
};
const SHORT_LADDER_URGENCY = 2;

/** Jobs of this urgency and above have a separate slot: somebody waits for the video, or they are done soon. */
export const EXPRESS_URGENCY = 2;

/** About a minute of a ladder up to 1080 lines with 30 frames per second. */
const SHORT_LADDER_PIXELS = 5e9;
const USUAL_FRAMES_PER_SECOND = 30;

/** The urgency of a job that encodes. */
export function urgencyOf(kind: JobKind, { video, durationSeconds }: EncodePlan): number {
  if (kind !== 'ladder') return URGENCY[kind];
  const { renditions = [], framesPerSecond = USUAL_FRAMES_PER_SECOND } = video ?? {};
  const pixels = renditions.reduce((sum, { width, height }) => sum + width * height, 0);
  return pixels * framesPerSecond * durationSeconds <= SHORT_LADDER_PIXELS
    ? SHORT_LADDER_URGENCY
    : URGENCY.ladder;
}

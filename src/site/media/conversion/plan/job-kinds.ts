/** The kinds of jobs and which goes first. */
import type { SiteJob } from '../../../../protocol/job.ts';

export type JobKind = SiteJob['kind'];

/** Jobs that make a video playable at all go before those that improve one. */
export const URGENCY: Readonly<Record<JobKind, number>> = {
  remux: 3,
  'first-rendition': 2,
  ladder: 1,
  inspect: 1,
};

/** From this urgency on, the video cannot be played before the job is done. */
export const EXPRESS_URGENCY = URGENCY['first-rendition'];

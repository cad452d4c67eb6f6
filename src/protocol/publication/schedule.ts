/**
 * `publishAt` and `withdrawAt` of a record. Every part decides with its own clock, so both take effect also while parts cannot reach
 * each other. Pure.
 */
import type { VideoDetails } from './details.ts';

export type Schedule = Pick<VideoDetails, 'publishAt' | 'withdrawAt'>;

/** `pending`: nobody but its editors knows the video. `expired`: it is withdrawn, or will be as soon as its site can say so. */
export type Phase = 'pending' | 'current' | 'expired';

export function phaseAt({ publishAt, withdrawAt }: Schedule, nowMs: number): Phase {
  if (withdrawAt !== undefined && Date.parse(withdrawAt) <= nowMs) return 'expired';
  return publishAt !== undefined && Date.parse(publishAt) > nowMs ? 'pending' : 'current';
}

/** Why somebody may not choose this schedule now, as a sentence; undefined if they may. */
export function findScheduleProblem({ publishAt, withdrawAt }: Schedule, nowMs: number): string | undefined {
  if (withdrawAt === undefined) return undefined;
  if (Date.parse(withdrawAt) <= nowMs)
    return 'withdrawAt is in the past. Choose a later time, or withdraw the video now.';
  if (publishAt !== undefined && Date.parse(withdrawAt) <= Date.parse(publishAt))
    return 'withdrawAt must be later than publishAt.';
  return undefined;
}

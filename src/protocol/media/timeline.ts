/**
 * The file `timeline.json` of a revision: the durations of the segments of each rendition. A tracker can make a DASH manifest from
 * this file and the record, so it does not copy any address from a site.
 */
import * as z from 'zod';

/** 100 hours have 90,000 segments of four seconds. A run of equal segments counts once. */
const MAX_RUNS = 100_000;
export const MAX_TIMELINE_BYTES = 4 * 2 ** 20;

const ticks = z.int().positive();

export const renditionTimelineSchema = z.strictObject({
  timescale: z.int().positive(),
  /** `[duration in ticks, number of consecutive segments]`, from time 0 without gaps. */
  runs: z
    .array(z.tuple([ticks, z.int().positive().max(MAX_RUNS)]))
    .min(1)
    .max(MAX_RUNS),
});
export type RenditionTimeline = z.infer<typeof renditionTimelineSchema>;

/** The timelines by rendition id. */
export const revisionTimelineSchema = z.strictObject({
  durationMs: z.int().positive(),
  renditions: z.record(z.string().max(40), renditionTimelineSchema),
});
export type RevisionTimeline = z.infer<typeof revisionTimelineSchema>;

/** Joins consecutive equal durations. DASH cannot express segments of zero length, so they get one tick. */
export function toRuns(durations: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const duration of durations) {
    const ticks = Math.max(1, Math.round(duration));
    const last = runs.at(-1);
    if (last && last[0] === ticks) last[1]++;
    else runs.push([ticks, 1]);
  }
  return runs;
}

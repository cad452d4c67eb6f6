/**
 * Where the segments of a revision begin and end, rendition by rendition: `timeline.json` beside its playlists. With the
 * record's renditions it is all that a DASH manifest needs, so that a tracker can write one and copies no address from a site.
 */
import * as z from 'zod';

/** 100 hours of four-second segments are 90,000; runs of equal ones count once. */
const MAX_RUNS = 100_000;
export const MAX_TIMELINE_BYTES = 4 * 2 ** 20;

const ticks = z.int().positive();

export const renditionTimelineSchema = z.strictObject({
  timescale: z.int().positive(),
  /** `[duration in ticks, how many of it in a row]`, from zero on without gaps. */
  runs: z
    .array(z.tuple([ticks, z.int().positive().max(MAX_RUNS)]))
    .min(1)
    .max(MAX_RUNS),
});
export type RenditionTimeline = z.infer<typeof renditionTimelineSchema>;

/** By rendition id. */
export const revisionTimelineSchema = z.strictObject({
  durationMs: z.int().positive(),
  renditions: z.record(z.string().max(40), renditionTimelineSchema),
});
export type RevisionTimeline = z.infer<typeof revisionTimelineSchema>;

/** Joins equal neighbours. Zero-length segments cannot be said in DASH: they count as one tick. */
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

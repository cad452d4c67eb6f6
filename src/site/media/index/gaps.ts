/** Detects gaps in video and audio that players do not tolerate (pure). */
import type { Samples } from '../containers/containers.ts';
import type { ServedTrack, TimedTrack } from './timeline.ts';

/** Longest gap inside a track, in seconds: hls.js, Shaka Player and dash.js tolerated these in tests. */
const MAX_GAP_SECONDS = { video: 20, audio: 2 } as const;
/** How much later than the video a track may begin, and how much earlier it may end. */
const MAX_MISSING_SECONDS = 1;

/** A source without video has no gaps: players skip missing audio. */
export function hasGaps(tracks: readonly ServedTrack<TimedTrack>[]): boolean {
  if (!tracks.some(({ track }) => track.kind === 'video')) return false;
  const videoEnd = Math.max(...tracks.map(({ end, track }) => end / track.timescale));
  return tracks.some(
    ({ track: { kind, timescale }, samples, start, end }) =>
      start / timescale > MAX_MISSING_SECONDS ||
      videoEnd - end / timescale > MAX_MISSING_SECONDS ||
      longestStepTicks(samples) / timescale > MAX_GAP_SECONDS[kind],
  );
}

/** Measures steps in decode order, which has the same gaps as presentation order. */
function longestStepTicks({ count, decodeTimes, durations }: Samples): number {
  let longest = durations[count - 1] ?? 0;
  for (let i = 1; i < count; i++) longest = Math.max(longest, decodeTimes[i]! - decodeTimes[i - 1]!);
  return longest;
}

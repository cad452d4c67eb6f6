/** Whether players bear how long a film's pictures stand and its sound is silent (pure). */
import type { Samples } from '../containers/containers.ts';
import type { ServedTrack, TimedTrack } from './timeline.ts';

/** How long a picture may stand, and sound be missing, in the middle: so much hls.js, Shaka Player and dash.js were seen to bear. */
const MAX_GAP_SECONDS = { video: 20, audio: 2 } as const;
/** How much later than the film a track may begin, or earlier end. */
const MAX_SHORT_SECONDS = 1;

/** Of sound without pictures nothing is missing: what is not there is passed over. */
export function hasGaps(tracks: readonly ServedTrack<TimedTrack>[]): boolean {
  if (!tracks.some(({ track }) => track.kind === 'video')) return false;
  const filmEnd = Math.max(...tracks.map(({ end, track }) => end / track.timescale));
  return tracks.some(
    ({ track: { kind, timescale }, samples, start, end }) =>
      start / timescale > MAX_SHORT_SECONDS ||
      filmEnd - end / timescale > MAX_SHORT_SECONDS ||
      longestStepTicks(samples) / timescale > MAX_GAP_SECONDS[kind],
  );
}

/** From one sample to the next, in the order of decoding: that of showing has the same holes. */
function longestStepTicks({ count, decodeTimes, durations }: Samples): number {
  let longest = durations[count - 1] ?? 0;
  for (let i = 1; i < count; i++) longest = Math.max(longest, decodeTimes[i]! - decodeTimes[i - 1]!);
  return longest;
}

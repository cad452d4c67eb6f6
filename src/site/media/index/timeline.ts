/**
 * From each source track's own times to the times that are served (pure).
 *
 * Rules: every track keeps its packets and their distances; all tracks move by one common shift, only where the
 * pictures would otherwise begin before zero or nothing begins at zero. Decode times are never negative and never after
 * composition times, which is what every player takes (ffmpeg 5.1 moves a fragmented track whose composition offsets
 * are negative). What that adds to composition times, for reordered pictures and for sound that begins before zero (the
 * priming of its decoder), one edit in the init segment takes off again.
 */
import { presentationRange, type Samples, sliceSamples } from '../containers/containers.ts';

export interface TimedTrack {
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly samples: Samples;
}

export interface ServedTrack<T extends TimedTrack> {
  readonly track: T;
  readonly samples: Samples;
  /** What the edit in the init segment takes off composition times; 0 without one. */
  readonly editMediaTime: number;
  /** Presentation times in ticks, after the edit list. */
  readonly start: number;
  readonly end: number;
  /** Composition times differ from decode times. */
  readonly hasComposition: boolean;
  /** Seconds that were added to the source's times. */
  readonly shift: number;
}

/**
 * Times of the result: `decodeTimes` from 0 or later, never falling; `presentationTimes` as composed, before the edit
 * is taken off. Tracks without samples, or of pictures that cannot be decoded, are left out. The samples' arrays
 * are changed in place.
 *
 * @param fixedShift seconds added to every track, where it is known already what zero is
 */
export function layTimeline<T extends TimedTrack>(
  tracks: readonly T[],
  fixedShift?: number,
): readonly ServedTrack<T>[] {
  const whole = tracks.flatMap(track => {
    const samples = fromFirstSync(track);
    const range = presentationRange(samples);
    return range ? [{ track, samples, range }] : [];
  });
  const shift =
    fixedShift ?? chooseShift(whole.map(({ track, range }) => ({ ...track, start: range.start })));
  return whole.map(({ track, samples, range }) => {
    const ticks = Math.round(shift * track.timescale);
    const start = range.start + ticks;
    return {
      track,
      samples,
      start,
      end: range.end + ticks,
      shift,
      ...fitDecodeTimes(samples, ticks, Math.max(0, start)),
    };
  });
}

/** Pictures before the first sync sample cannot be decoded; `ffmpeg -c copy` leaves them out too. */
function fromFirstSync({ kind, samples }: TimedTrack): Samples {
  if (kind === 'audio' || samples.count === 0) return samples;
  const first = samples.sync.subarray(0, samples.count).indexOf(1);
  if (first > 0) return sliceSamples(samples, first, samples.count);
  // A source that marks no sync sample at all at least begins with one.
  if (first < 0) samples.sync[0] = 1;
  return samples;
}

/** Seconds to add to every track. */
function chooseShift(
  tracks: readonly { readonly kind: 'video' | 'audio'; readonly timescale: number; readonly start: number }[],
): number {
  const seconds = tracks.map(({ start, timescale }) => start / timescale);
  const video = tracks.findIndex(track => track.kind === 'video');
  if (video >= 0 && seconds[video]! < 0) return -seconds[video]!;
  const earliest = Math.min(...seconds);
  return earliest > 0 ? -earliest : 0;
}

/** Puts decode times from `decodeStart` on and composition times at or after them. */
function fitDecodeTimes(
  samples: Samples,
  shift: number,
  decodeStart: number,
): { readonly editMediaTime: number; readonly hasComposition: boolean } {
  const { count, decodeTimes, presentationTimes } = samples;
  const decodeShift = decodeStart - decodeTimes[0]!;
  let latest = 0;
  let editMediaTime = 0;
  for (let i = 0; i < count; i++) {
    // Fragments that overlap a little would run backwards: what is shown does not change by waiting.
    latest = Math.max(latest, decodeTimes[i]! + decodeShift);
    decodeTimes[i] = latest;
    presentationTimes[i] = presentationTimes[i]! + shift;
    editMediaTime = Math.max(editMediaTime, latest - presentationTimes[i]!);
  }
  let hasComposition = false;
  for (let i = 0; i < count; i++) {
    presentationTimes[i] = presentationTimes[i]! + editMediaTime;
    if (presentationTimes[i] !== decodeTimes[i]) hasComposition = true;
  }
  return { editMediaTime, hasComposition };
}

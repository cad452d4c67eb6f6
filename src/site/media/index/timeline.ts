/**
 * Converts the times of source tracks into the times that are served (pure).
 *
 * Every track keeps its packets and the intervals between them. All tracks move by one common shift, and only if the video would
 * begin before zero or nothing begins at zero. Decode times are never negative and never later than composition times, which
 * every player accepts (ffmpeg 5.1 moves a fragmented track whose composition offsets are negative). This adds time to the
 * composition times of reordered frames and of audio that begins before zero (decoder priming); one edit in the init segment
 * subtracts it again.
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
  /** Ticks that the edit in the init segment subtracts from composition times; 0 without an edit. */
  readonly editMediaTime: number;
  /** Presentation times in ticks, after the edit list. */
  readonly start: number;
  readonly end: number;
  /** True if any composition time differs from its decode time. */
  readonly hasComposition: boolean;
  /** Seconds that were added to the source's times. */
  readonly shift: number;
}

/**
 * Lays the tracks on the served timeline. In the result, `decodeTimes` are at least 0 and never decrease, and `presentationTimes`
 * are composition times: the edit is not subtracted yet. Tracks without samples are left out. The arrays of the samples are
 * changed in place.
 *
 * @param fixedShift seconds to add to every track, if zero is known already
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

/** Drops video samples before the first sync sample, which cannot be decoded; `ffmpeg -c copy` drops them too. */
function fromFirstSync({ kind, samples }: TimedTrack): Samples {
  if (kind === 'audio' || samples.count === 0) return samples;
  const first = samples.sync.subarray(0, samples.count).indexOf(1);
  if (first > 0) return sliceSamples(samples, first, samples.count);
  // If no sample is marked as a sync sample, the first one must be one.
  if (first < 0) samples.sync[0] = 1;
  return samples;
}

/** Chooses the seconds to add to every track. */
function chooseShift(
  tracks: readonly { readonly kind: 'video' | 'audio'; readonly timescale: number; readonly start: number }[],
): number {
  const video = tracks.find(track => track.kind === 'video');
  if (video && video.start < 0) return -video.start / video.timescale;
  const earliest = Math.min(...tracks.map(({ start, timescale }) => start / timescale));
  return earliest > 0 ? -earliest : 0;
}

/** Moves decode times to begin at `decodeStart`, and composition times to lie at or after them. */
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
    // In slightly overlapping fragments, decode times would run backwards. Later decoding does not affect presentation.
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

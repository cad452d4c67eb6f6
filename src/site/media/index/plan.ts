/** Where segments begin and end (pure): on video sync samples, about every four seconds, sound cut where pictures are. */
import {
  MAX_SEGMENT_BYTES,
  MAX_SEGMENT_DURATION_MS,
  TARGET_SEGMENT_DURATION_MS,
} from '../../../protocol/limits.ts';
import { targetDurationSeconds } from '../../../protocol/media/media-playlist.ts';
import type { Samples } from '../containers/containers.ts';
import { cmafSegmentBytes } from '../containers/containers.ts';
import { SourceRejected } from '../source-rejected.ts';

export interface PlannedTrack {
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly samples: Samples;
  readonly editMediaTime: number;
  /** Ticks, after the edit list. */
  readonly start: number;
  readonly end: number;
  readonly hasComposition: boolean;
  /** Bytes before every sample that the file stores once. */
  readonly samplePrefixBytes: number;
}

export interface PlannedSegment {
  readonly firstSample: number;
  readonly sampleCount: number;
  /** Of all samples together. */
  readonly dataBytes: number;
  /** Of the whole segment file. */
  readonly sizeBytes: number;
  /** On the playlist's timeline, ticks: where it begins and where the next one does. */
  readonly start: number;
  readonly end: number;
}

const TARGET_SECONDS = TARGET_SEGMENT_DURATION_MS / 1_000;
/** A shorter rest at the end belongs to the segment before: players take so little for buffered, and never come to the end. */
const MIN_TAIL_SECONDS = 0.5;
/** Bounds the length of playlists, and the work that a clock gone mad can cause. */
const MAX_DURATION_HOURS = 100;

/**
 * Plans all tracks together. The playlist's timeline begins at zero in each of them.
 *
 * @returns one list per track, in the order given
 * @throws SourceRejected if a segment would be too long or too large, or the film lasts too long.
 */
export function planSegments(tracks: readonly PlannedTrack[]): readonly (readonly PlannedSegment[])[] {
  for (const { end, timescale } of tracks) {
    // Written so that what is not a number fails too.
    if (!(end / timescale <= MAX_DURATION_HOURS * 3_600)) throw tooLong(end / timescale);
  }
  const video = tracks.find(track => track.kind === 'video');
  if (!video) return tracks.map(track => planFollowing(track, listEvenly(0, track.end / track.timescale)));
  const pictures = planVideo(video);
  const boundaries = pictures.slice(1).map(segment => segment.start / video.timescale);
  const videoEnd = video.end / video.timescale;
  return tracks.map(track => {
    if (track === video) return pictures;
    return planFollowing(track, [...boundaries, ...listEvenly(videoEnd, track.end / track.timescale)]);
  });
}

/** Cuts every track at the same boundaries (seconds), pictures at the first key frame from each on. */
export const planAtBoundaries = (
  tracks: readonly PlannedTrack[],
  boundaries: readonly number[],
): readonly (readonly PlannedSegment[])[] => tracks.map(track => planFollowing(track, boundaries));

/** Boundaries every four seconds after `from`, the last at least two seconds before `end`. */
function listEvenly(from: number, end: number): readonly number[] {
  const boundaries: number[] = [];
  for (let i = 1; from + (i + 0.5) * TARGET_SECONDS < end; i++) boundaries.push(from + i * TARGET_SECONDS);
  return boundaries;
}

function planVideo(track: PlannedTrack): readonly PlannedSegment[] {
  const { samples, timescale } = track;
  const cuts: number[] = [0];
  const target = TARGET_SECONDS * timescale;
  let start = track.start + track.editMediaTime;
  let candidate = 0;
  let candidateTime = start;
  let bytes = 0;
  let candidateBytes = 0;
  const cut = (): void => {
    cuts.push(candidate);
    start = candidateTime;
    bytes -= candidateBytes;
    candidate = 0;
  };
  for (let i = 0; i < samples.count; i++) {
    if (i > 0 && samples.sync[i] === 1) {
      const time = samples.presentationTimes[i]!;
      // Of two places to cut, the one nearer to the target; from half a limit on, the first: what follows may be as large.
      const isNearer = target - (candidateTime - start) <= time - start - target;
      const isTooMuch =
        bytes > MAX_SEGMENT_BYTES / 2 || time - start > (MAX_SEGMENT_DURATION_MS / 2_000) * timescale;
      if (candidate > 0 && (isNearer || isTooMuch)) cut();
      if (time > start) {
        candidate = i;
        candidateTime = time;
        candidateBytes = bytes;
      }
    }
    bytes += samples.sizes[i]! + track.samplePrefixBytes;
  }
  const end = track.end;
  if (
    candidate > 0 &&
    end - (candidateTime - track.editMediaTime) >= MIN_TAIL_SECONDS * timescale &&
    (target - (candidateTime - start) <= end - start - target || bytes > MAX_SEGMENT_BYTES / 2)
  )
    cut();
  return makeSegments(track, cuts);
}

/**
 * Cuts a track at the first sample at or after each boundary (seconds) with which decoding can begin; boundaries that would
 * leave nothing, or next to nothing at the end, are dropped.
 */
function planFollowing(track: PlannedTrack, boundaries: readonly number[]): readonly PlannedSegment[] {
  const { samples, timescale, editMediaTime } = track;
  const cuts: number[] = [0];
  let i = 0;
  for (const boundary of boundaries) {
    if (boundary > track.end / timescale - MIN_TAIL_SECONDS) break;
    const ticks = boundary * timescale + editMediaTime - 1e-3;
    while (
      i < samples.count &&
      (samples.presentationTimes[i]! < ticks || (track.kind === 'video' && samples.sync[i] !== 1))
    ) {
      i++;
    }
    if (i >= samples.count) break;
    if (i > cuts.at(-1)!) cuts.push(i);
  }
  return makeSegments(track, cuts);
}

function makeSegments(track: PlannedTrack, cuts: readonly number[]): readonly PlannedSegment[] {
  const { samples, timescale, editMediaTime } = track;
  return cuts.map((firstSample, index) => {
    const next = cuts[index + 1];
    const sampleCount = (next ?? samples.count) - firstSample;
    let dataBytes = sampleCount * track.samplePrefixBytes;
    for (let i = firstSample; i < firstSample + sampleCount; i++) dataBytes += samples.sizes[i]!;
    const begins = samples.presentationTimes[firstSample]! - editMediaTime;
    const start = index === 0 ? 0 : begins;
    const end = next === undefined ? track.end : samples.presentationTimes[next]! - editMediaTime;
    const sizeBytes = cmafSegmentBytes(track.kind, track.hasComposition, sampleCount, dataBytes);
    const seconds = (end - Math.max(begins, start)) / timescale;
    if (track.kind === 'video' && seconds * 1_000 > MAX_SEGMENT_DURATION_MS) throw tooFarApart(seconds);
    if (sizeBytes > MAX_SEGMENT_BYTES) throw tooLarge(track.kind, sizeBytes, seconds);
    return { firstSample, sampleCount, dataBytes, sizeBytes, start, end: Math.max(end, start) };
  });
}

const tooLong = (seconds: number): SourceRejected =>
  new SourceRejected(
    'structure-unsupported',
    `The film says that it lasts ${Math.ceil(seconds / 3_600)} hours; at most ${MAX_DURATION_HOURS} can be published. If it is shorter, its clock is damaged: export it anew. If not, cut it into shorter films.`,
  );

const tooFarApart = (seconds: number): SourceRejected =>
  new SourceRejected(
    'segments-too-large',
    `The film has key frames up to ${Math.ceil(seconds)} seconds apart, so viewers could not move about in it. Export it with a key frame at least every ten seconds and upload it again.`,
  );

const tooLarge = (kind: 'video' | 'audio', sizeBytes: number, seconds: number): SourceRejected =>
  new SourceRejected(
    'segments-too-large',
    `The ${kind === 'video' ? 'picture' : 'sound'} of this film needs ${Math.ceil(sizeBytes / 2 ** 20)} MB for ${seconds.toFixed(1)} seconds, more than can be sent at once. Export it at a lower bit rate, or with more key frames, and upload it again.`,
  );

/**
 * The largest bit rate of any run of neighbouring segments that lasts 0.5 to 1.5 target durations, and the mean of
 * all (RFC 8216bis, section 4.4.6.2). Bits per second, at least 1.
 */
export function measureBandwidth(
  segments: readonly PlannedSegment[],
  timescale: number,
): { peakBps: number; averageBps: number } {
  const durations = segments.map(segment => (segment.end - segment.start) / timescale);
  const target = targetDurationSeconds(durations);
  let peak = 0;
  for (let i = 0; i < segments.length; i++) {
    let seconds = 0;
    let bytes = 0;
    for (let j = i; j < segments.length; j++) {
      seconds += durations[j]!;
      bytes += segments[j]!.sizeBytes;
      if (seconds > 1.5 * target) break;
      if (seconds >= 0.5 * target) peak = Math.max(peak, (bytes * 8) / seconds);
    }
  }
  const total = durations.reduce((sum, seconds) => sum + seconds, 0);
  const bytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  const average = (bytes * 8) / Math.max(total, 0.001);
  const averageBps = Math.max(1, Math.round(average));
  return { averageBps, peakBps: Math.max(averageBps, Math.ceil(peak)) };
}

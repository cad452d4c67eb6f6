/** Plans segments (pure): they begin at video sync samples, about every four seconds, and audio is cut at the same times. */
import {
  MAX_SEGMENT_BYTES,
  MAX_SEGMENT_DURATION_MS,
  TARGET_SEGMENT_DURATION_MS,
} from '../../../protocol/base/limits.ts';
import { targetDurationSeconds } from '../../../protocol/media/media-playlist.ts';
import type { Samples } from '../containers/containers.ts';
import { cmafSegmentBytes } from '../containers/containers.ts';
import { SourceRejected } from '../source-rejected.ts';

export interface PlannedTrack {
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly samples: Samples;
  readonly editMediaTime: number;
  /** Presentation times in ticks, after the edit list. */
  readonly start: number;
  readonly end: number;
  readonly hasComposition: boolean;
  /** Length of the bytes that precede every sample and are stored once. */
  readonly samplePrefixBytes: number;
}

export interface PlannedSegment {
  readonly firstSample: number;
  readonly sampleCount: number;
  /** Total size of the samples. */
  readonly dataBytes: number;
  /** Size of the whole segment file. */
  readonly sizeBytes: number;
  /** Ticks on the playlist's timeline. A segment ends where the next one begins. */
  readonly start: number;
  readonly end: number;
}

const TARGET_SECONDS = TARGET_SEGMENT_DURATION_MS / 1_000;
/** A shorter remainder joins the segment before: players treat so little as already buffered and never reach the end. */
const MIN_TAIL_SECONDS = 0.5;
/** Bounds the length of playlists, and the work that invalid timestamps can cause. */
const MAX_DURATION_HOURS = 100;

/**
 * Plans all tracks together. The timeline of each playlist begins at zero.
 *
 * @returns one list per track, in the given order
 * @throws SourceRejected if a segment would be too long or too large, or the video is too long
 */
export function planSegments(tracks: readonly PlannedTrack[]): readonly (readonly PlannedSegment[])[] {
  for (const { end, timescale } of tracks) {
    // This form of the comparison also rejects NaN.
    if (!(end / timescale <= MAX_DURATION_HOURS * 3_600)) throw tooLong(end / timescale);
  }
  const video = tracks.find(track => track.kind === 'video');
  if (!video) return tracks.map(track => planFollowing(track, listEvenly(0, track.end / track.timescale)));
  const videoSegments = planVideo(video);
  const boundaries = videoSegments.slice(1).map(segment => segment.start / video.timescale);
  const videoEnd = video.end / video.timescale;
  return tracks.map(track => {
    if (track === video) return videoSegments;
    return planFollowing(track, [...boundaries, ...listEvenly(videoEnd, track.end / track.timescale)]);
  });
}

/** Cuts every track at the same boundaries (seconds), video at the first key frame at or after each. */
export const planAtBoundaries = (
  tracks: readonly PlannedTrack[],
  boundaries: readonly number[],
): readonly (readonly PlannedSegment[])[] => tracks.map(track => planFollowing(track, boundaries));

/** Lists boundaries (seconds) every four seconds after `from`. The last is at least two seconds before `end`. */
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
      // Of two possible cuts, the one nearer to the target is chosen. From half of a limit on, the first one is chosen, because
      // the samples after it may take as much again.
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
 * Cuts a track at the first sync sample at or after each boundary (seconds). A boundary is dropped if its segment would be empty,
 * or too short at the end.
 */
function planFollowing(track: PlannedTrack, boundaries: readonly number[]): readonly PlannedSegment[] {
  const { samples, timescale, editMediaTime } = track;
  const cuts: number[] = [0];
  let last = 0;
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
    if (i > last) {
      cuts.push(i);
      last = i;
    }
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
    `This file claims to last ${Math.ceil(seconds / 3_600)} hours; the limit is ${MAX_DURATION_HOURS} hours. If the video is shorter, its timestamps are damaged: export it again. Otherwise split it into shorter videos.`,
  );

const tooFarApart = (seconds: number): SourceRejected =>
  new SourceRejected(
    'segments-too-large',
    `The key frames of this video are up to ${Math.ceil(seconds)} seconds apart, so viewers could not seek in it. Export it with a key frame at least every ten seconds, and upload it again.`,
  );

const tooLarge = (kind: 'video' | 'audio', sizeBytes: number, seconds: number): SourceRejected =>
  new SourceRejected(
    'segments-too-large',
    `The ${kind === 'video' ? 'video' : 'audio track'} takes ${Math.ceil(sizeBytes / 1e6)} MB for ${seconds.toFixed(1)} seconds, which is too much for one segment. Export the video at a lower bit rate or with more key frames, and upload it again.`,
  );

/**
 * Measures the largest bit rate of any run of consecutive segments that lasts 0.5 to 1.5 target durations, and the average of all
 * segments (RFC 8216bis, section 4.4.6.2).
 *
 * @returns bits per second, at least 1
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

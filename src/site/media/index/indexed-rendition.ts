/** Builds the description of a rendition in the index from its samples on the timeline and its planned segments (pure). */
import type { Rendition } from '../../../protocol/media/media.ts';
import type { TrackDescription } from '../containers/containers.ts';
import type { RenditionToIndex } from './index-file.ts';
import { measureBandwidth, type PlannedSegment } from './segment-plan.ts';
import type { ServedTrack, TimedTrack } from './timeline.ts';

export interface TrackToIndex extends TimedTrack {
  readonly description: TrackDescription;
  /** Bytes that precede every sample and are stored once; empty for most tracks. */
  readonly samplePrefix: Buffer;
}

/** Converts a track for the planners, which need its times and sizes but no codec. */
export const toPlannedTrack = ({ track, ...times }: ServedTrack<TrackToIndex>) => ({
  ...times,
  kind: track.kind,
  timescale: track.timescale,
  samplePrefixBytes: track.samplePrefix.length,
});

/** The peak bit rate of the first pictures of the segments, each with the boxes before it. */
function measureIFrames(
  { sizes }: ServedTrack<TrackToIndex>['samples'],
  segments: readonly PlannedSegment[],
  timescale: number,
): number {
  const rates = segments.map(({ firstSample, sizeBytes, dataBytes, start, end }) => {
    const bits = (sizeBytes - dataBytes + (sizes[firstSample] ?? 0)) * 8;
    return (bits * timescale) / Math.max(1, end - start);
  });
  return rates.reduce((peak, rate) => Math.max(peak, Math.ceil(rate)), 1);
}

const roundRate = (rate: number): number =>
  Math.min(MAX_FRAME_RATE, Math.max(0.001, Math.round(rate * 1_000) / 1_000));
const MAX_FRAME_RATE = 1_000;

/** Containers round times to milliseconds, so a rate is measured over several frames. */
const FRAMES_MEASURED = 4;
/** A higher rate than the mean by this share is due to rounded times. */
const ROUNDING_SHARE = 0.02;

/** Undefined if the rate does not vary. */
function findMaxFrameRate(
  { count, presentationTimes }: ServedTrack<TrackToIndex>['samples'],
  timescale: number,
  mean: number,
): number | undefined {
  // Typed arrays are sorted by number.
  const times = presentationTimes.slice(0, count).sort();
  const frames = Math.min(FRAMES_MEASURED, count - 1);
  let shortest = Number.POSITIVE_INFINITY;
  for (let at = 0; at + frames < count; at++) {
    const ticks = (times[at + frames] ?? 0) - (times[at] ?? 0);
    if (ticks > 0) shortest = Math.min(shortest, ticks);
  }
  const rate = roundRate((frames * timescale) / shortest);
  return rate > mean * (1 + ROUNDING_SHARE) ? rate : undefined;
}

/** @param shownFromSeconds where players begin; the samples before only serve to decode the samples after */
export function toRendition(
  id: string,
  served: ServedTrack<TrackToIndex>,
  segments: readonly PlannedSegment[],
  shownFromSeconds?: number,
): RenditionToIndex {
  const { track, samples, editMediaTime, start, end, hasComposition } = served;
  const { description, timescale } = track;
  const { peakBps, averageBps } = measureBandwidth(segments, timescale);
  const shape = { id, codec: description.codec, bandwidthBps: peakBps, averageBandwidthBps: averageBps };
  const seconds = (end - start) / timescale;
  const frameRate = seconds > 0 ? roundRate(samples.count / seconds) : 1;
  const maxFrameRate =
    description.kind === 'video' ? findMaxFrameRate(samples, timescale, frameRate) : undefined;
  const rendition: Rendition =
    description.kind === 'video'
      ? {
          kind: 'video',
          ...shape,
          width: description.width,
          height: description.height,
          frameRate,
          ...(maxFrameRate === undefined ? {} : { maxFrameRate }),
          iframeBandwidthBps: measureIFrames(samples, segments, timescale),
          ...(description.colour ? { colour: description.colour } : {}),
        }
      : {
          kind: 'audio',
          ...shape,
          channels: description.channels,
          sampleRateHz: description.sampleRateHz,
          ...(description.language ? { language: description.language } : {}),
          ...(description.name ? { name: description.name } : {}),
        };
  return {
    samples,
    segments,
    header: {
      rendition,
      description,
      timescale,
      editMediaTime,
      hasComposition,
      samplePrefix: track.samplePrefix.toString('base64'),
      ...(shownFromSeconds === undefined ? {} : { shownFromSeconds }),
      end: segments.at(-1)?.end ?? end,
      segmentCount: segments.length,
      sampleCount: samples.count,
    },
  };
}

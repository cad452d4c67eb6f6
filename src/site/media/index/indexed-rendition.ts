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
  const rendition: Rendition =
    description.kind === 'video'
      ? {
          kind: 'video',
          ...shape,
          width: description.width,
          height: description.height,
          frameRate: Math.min(
            1_000,
            seconds > 0 ? Math.round((samples.count / seconds) * 1_000) / 1_000 || 0.001 : 1,
          ),
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

/** Probes a source with ffprobe and plans the jobs that it needs. The decisions themselves are in `plan-encode` and `plan-remux`. */
import { join } from 'node:path';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { NewJob } from '../../../database/jobs.ts';

import {
  type Container,
  detectContainer,
  isDecodable,
  type MediaTools,
  measureSource,
  type ProbedSource,
  probeMedia,
} from '../../ffmpeg/ffmpeg.ts';
import { type PreparedSource, SourceIndex } from '../../index/source-index.ts';
import type { LadderEntry } from '../../ladder/ladder.ts';
import type { RejectionCode } from '../../source-rejected.ts';
import type { Storage } from '../../storage/storage.ts';
import type { TrackPosition } from '../../video-track.ts';
import type { EncodePlan } from './encode-plan.ts';
import {
  type EncodeInput,
  type ExistingRenditions,
  planFirstRendition,
  planLadder,
  planUpperLadder,
} from './plan-encode.ts';
import { planJoin, planRemux, planWrap } from './plan-remux.ts';

export interface ProbeResult {
  readonly container: Container;
  readonly probed: ProbedSource;
}

/** Why a source cannot be published unchanged. */
export interface Unplayable {
  readonly code?: RejectionCode | undefined;
  readonly hasGaps?: boolean;
  /** Name of a copy with continuous timestamps that was made for this conversion only. */
  readonly wrapped?: string | undefined;
}

interface InspectedFile {
  /** A name in the video's directory; default: the upload. */
  readonly source?: string;
  /** The video track that was chosen before, if the upload has several. */
  readonly videoTrack?: TrackPosition | undefined;
}

/** The video track, or the first audio track of a recording of audio. */
interface MainTrack {
  readonly kind: 'V' | 'v' | 'a';
  /** Index among the tracks of this kind. */
  readonly order: number;
  readonly durationSeconds: number;
}

interface ConverterDeps {
  readonly storage: Storage;
  readonly tools: MediaTools;
  readonly ladder: readonly LadderEntry[];
}

interface PublishedFile {
  readonly prepared: PreparedSource;
  /** The source and its index, names in the video's directory. */
  readonly source: string;
  readonly index: string;
}

export interface PlayablePlan {
  readonly job: NewJob;
  /** Measured; undefined for a stream without timestamps. */
  readonly durationMs: number | undefined;
  /** Timestamp in the container at which the source starts. */
  readonly startSeconds: number | undefined;
}

/** Each plan is undefined if there is nothing to do. */
export interface Converter {
  /**
   * Probes a file of this video.
   *
   * @returns undefined for a file that is neither video nor audio
   * @throws SourceRejected
   */
  inspect(video: VideoId, file?: InspectedFile): Promise<ProbeResult | undefined>;
  /**
   * The job that makes an unplayable source playable; undefined if none can.
   *
   * @throws SourceRejected if the times of the source cannot be understood
   */
  planPlayableVersion(
    video: VideoId,
    found: ProbeResult,
    why?: Unplayable,
  ): Promise<PlayablePlan | undefined>;
  /**
   * Decodes the beginning of the upload's main track.
   *
   * @returns false if nothing of it can be decoded, so that nobody could watch it
   */
  isDecodable(video: VideoId, main: MainTrack): Promise<boolean>;
  /** A first rendition in addition to a source that only some browsers play. */
  planFirstRendition(
    video: VideoId,
    found: ProbeResult,
    prepared: PreparedSource,
  ): Promise<NewJob | undefined>;
  /** The ladder of a published source. */
  planLadder(video: VideoId, found: ProbeResult, published: PublishedFile): Promise<NewJob | undefined>;
  /** The rest of the ladder after a first rendition. */
  planUpperLadder(
    video: VideoId,
    first: EncodePlan,
    published: Omit<PublishedFile, 'source'>,
  ): Promise<NewJob | undefined>;
}

export function createConverter({ storage, tools, ladder }: ConverterDeps): Converter {
  async function inspect(
    video: VideoId,
    { source = storage.sourceName, videoTrack }: InspectedFile = {},
  ): Promise<ProbeResult | undefined> {
    const path = await storage.fetch(video, source);
    const container = await detectContainer(path);
    // A copy has only the chosen track.
    const track = source === storage.sourceName ? videoTrack : undefined;
    return container && { container, probed: await probeMedia(tools, path, container, track) };
  }

  /** The times of published renditions come from their index, so that new ones begin and end with them. */
  async function toExisting(
    video: VideoId,
    { container, probed }: ProbeResult,
    { prepared, index, source }: PublishedFile,
  ): Promise<[EncodeInput, ExistingRenditions]> {
    const { boundaries, endSeconds } = await readTimes(join(storage.directory(video), index));
    const track = probed.video;
    const times = {
      startSeconds: prepared.originSeconds ?? 0,
      durationSeconds: prepared.durationMs / 1_000,
      tracks: new Map(track ? [[track.stream, { startSeconds: 0, endSeconds, longestGapSeconds: 0 }]] : []),
    };
    return [
      { video, source, container, probed, times, ladder },
      { prepared, index, boundaries },
    ];
  }

  return {
    inspect,
    async isDecodable(video, main) {
      const path = await storage.fetch(video, storage.sourceName);
      const container = await detectContainer(path);
      return !container || isDecodable(tools, { path, demuxer: container.demuxer, ...main });
    },
    async planPlayableVersion(video, found, { code, hasGaps = false, wrapped } = {}) {
      const { container, probed } = found;
      const source = wrapped ?? storage.sourceName;
      if (container.leadInSeconds === undefined) {
        return { job: planWrap(video, source, container), durationMs: undefined, startSeconds: undefined };
      }
      const path = await storage.fetch(video, source);
      const used = [...(probed.video ? [probed.video] : []), ...probed.audioTracks];
      const streams = used.map(({ stream }) => stream);
      const times = await measureSource(tools, { path, demuxer: container.demuxer }, streams);
      const isTemporary = wrapped !== undefined;
      const input = { video, source, container, probed, times, ladder, hasGaps, isTemporary };
      const job =
        (code && planRemux(input, code)) ??
        (times.hasClockJumps ? planJoin(input) : planFirstRendition(input));
      const { startSeconds, durationSeconds } = times;
      return job && { job, durationMs: Math.max(1, Math.round(durationSeconds * 1_000)), startSeconds };
    },
    async planFirstRendition(video, found, prepared) {
      const published = { prepared, index: storage.indexName, source: storage.sourceName };
      return planFirstRendition(...(await toExisting(video, found, published)));
    },
    async planLadder(video, found, published) {
      return planLadder(...(await toExisting(video, found, published)));
    },
    async planUpperLadder(video, first, { prepared, index }) {
      const { videoTrack } = prepared;
      const found = await inspect(video, { source: first.source, videoTrack });
      if (!found) return undefined;
      const input = { video, source: first.source, ...found, ladder };
      return planUpperLadder(input, { before: first.before, after: [index] }, first);
    },
  };
}

/** Starts of the segments of the first video rendition (or of the first rendition, if there is only audio) and its end, seconds. */
async function readTimes(
  indexPath: string,
): Promise<{ readonly boundaries: readonly number[]; readonly endSeconds: number }> {
  const index = await SourceIndex.open(indexPath);
  try {
    const { renditions } = index;
    const video = renditions.find(({ header }) => header.rendition.kind === 'video') ?? renditions[0];
    let endSeconds = 0;
    const boundaries = (video?.listDurations() ?? []).map(seconds => {
      const start = endSeconds;
      endSeconds += seconds;
      return start;
    });
    return { boundaries, endSeconds };
  } finally {
    await index.close();
  }
}

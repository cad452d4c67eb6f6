/** Probes a source with ffprobe and plans the jobs that it needs. The decisions themselves are in `plan-encode` and `plan-remux`. */
import { join } from 'node:path';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { NewJob } from '../../../database/jobs.ts';

import {
  type Container,
  detectContainer,
  type MediaTools,
  measureDurationSeconds,
  type ProbedSource,
  probeMedia,
} from '../../ffmpeg/ffmpeg.ts';
import { type PreparedSource, SourceIndex } from '../../index/source-index.ts';
import type { LadderEntry } from '../../ladder/ladder.ts';
import type { SourceRejected } from '../../source-rejected.ts';
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
import { planRemux, planWrap } from './plan-remux.ts';

export interface ProbeResult {
  readonly container: Container;
  readonly probed: ProbedSource;
}

/** Why a source cannot be published unchanged. */
export interface Unplayable {
  readonly rejection?: SourceRejected;
  readonly hasGaps?: boolean;
  /** Name of a copy with timestamps that was made for this conversion only. */
  readonly wrapped?: string;
}

interface InspectedFile {
  /** A name in the video's directory; default: the upload. */
  readonly source?: string;
  /** The video track that was chosen before, if the upload has several. */
  readonly videoTrack?: TrackPosition | undefined;
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

/** Each plan is undefined if there is nothing to do. */
export interface Converter {
  /**
   * Probes a file of this video.
   *
   * @returns undefined for a file that is neither video nor audio
   * @throws SourceRejected
   */
  inspect(video: VideoId, file?: InspectedFile): Promise<ProbeResult | undefined>;
  /** The job that makes an unplayable source playable; undefined if none can. */
  planPlayableVersion(video: VideoId, found: ProbeResult, why?: Unplayable): Promise<NewJob | undefined>;
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

  async function toInput(
    video: VideoId,
    { container, probed }: ProbeResult,
    source: string,
  ): Promise<EncodeInput> {
    const durationSeconds =
      probed.durationSeconds ??
      (await measureDurationSeconds(tools, await storage.fetch(video, source), container));
    return { video, source, container, probed, durationSeconds, ladder };
  }

  async function toExisting(
    video: VideoId,
    prepared: PreparedSource,
    index: string,
  ): Promise<ExistingRenditions> {
    return { prepared, index, boundaries: await readBoundaries(join(storage.directory(video), index)) };
  }

  return {
    inspect,
    async planPlayableVersion(video, found, { rejection, hasGaps = false, wrapped } = {}) {
      if (found.container.leadInSeconds === undefined) {
        return planWrap(video, storage.sourceName, found.container);
      }
      const input = {
        ...(await toInput(video, found, wrapped ?? storage.sourceName)),
        hasGaps,
        isTemporary: wrapped !== undefined,
      };
      const remux = rejection && planRemux(input, rejection.code);
      return remux ?? planFirstRendition(input);
    },
    async planFirstRendition(video, found, prepared) {
      const input = await toInput(video, found, storage.sourceName);
      return planFirstRendition(input, await toExisting(video, prepared, storage.indexName));
    },
    async planLadder(video, found, { prepared, index, source }) {
      const input = await toInput(video, found, source);
      return planLadder(input, await toExisting(video, prepared, index));
    },
    async planUpperLadder(video, first, { prepared, index }) {
      const { videoTrack } = prepared;
      const found = await inspect(video, { source: first.source, videoTrack });
      if (!found) return undefined;
      const input = await toInput(video, found, first.source);
      return planUpperLadder(input, { before: first.before, after: [index] }, first);
    },
  };
}

/** Starts of the segments of the first video rendition (or of the first rendition, if there is only audio), seconds. */
async function readBoundaries(indexPath: string): Promise<readonly number[]> {
  const index = await SourceIndex.open(indexPath);
  try {
    const { renditions } = index;
    const video = renditions.find(({ header }) => header.rendition.kind === 'video') ?? renditions[0];
    let at = 0;
    return (video?.listDurations() ?? []).map(seconds => {
      const start = at;
      at += seconds;
      return start;
    });
  } finally {
    await index.close();
  }
}

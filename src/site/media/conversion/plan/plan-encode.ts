/** Plans the jobs that encode a source (pure): a first rendition if nothing can be played yet, and the ladder. */
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { Rendition } from '../../../../protocol/media/media.ts';
import type { NewJob } from '../../../database/jobs.ts';
import { type Container, needsZscale, type ProbedSource } from '../../ffmpeg/ffmpeg.ts';
import type { PreparedSource } from '../../index/source-index.ts';
import { chooseFirstRendition, chooseRenditions, ENCODERS, type LadderEntry } from '../../ladder/ladder.ts';
import {
  audioToEncode,
  chunkSecondsFor,
  type EncodePlan,
  type EncodeTimes,
  listChunks,
  listPublications,
  videoToEncode,
} from './encode-plan.ts';
import { type JobKind, URGENCY, urgencyOf } from './job-kinds.ts';

/** Published renditions with which the new ones are aligned. */
export interface ExistingRenditions {
  readonly prepared: PreparedSource;
  /** Their index file, a name in the video's directory. */
  readonly index: string;
  /** Starts of their segments, seconds. */
  readonly boundaries: readonly number[];
}

export interface EncodeInput {
  readonly video: VideoId;
  /** The file to decode, a name in the video's directory. */
  readonly source: string;
  readonly container: Container;
  readonly probed: ProbedSource;
  readonly times: EncodeTimes;
  /** Some tracks have gaps that players do not tolerate (`gaps.ts`). */
  readonly hasGaps?: boolean;
  /** The file was made for this conversion only. */
  readonly isTemporary?: boolean;
  readonly ladder: readonly LadderEntry[];
  readonly priority?: number;
}

/** False if a track is HEVC, which only some browsers play. */
export const playsEverywhere = ({ renditions }: PreparedSource): boolean =>
  renditions.every(({ kind, codec }) => kind !== 'video' || !/^(hvc1|hev1)/.test(codec));

/**
 * The lowest rendition with all audio tracks that are not playable yet, published while it grows.
 *
 * @param existing renditions that only some browsers play; they are published with the new one once it is complete
 * @returns undefined if the source has no track to encode
 */
export function planFirstRendition(input: EncodeInput, existing?: ExistingRenditions): NewJob | undefined {
  const { probed, times, ladder } = input;
  const track = probed.video;
  const needsAudio = !existing || existing.prepared.renditions.some(isDemandingAudio);
  const audio = needsAudio ? audioToEncode(probed.audioTracks, times) : [];
  if (!track && audio.length === 0) return undefined;
  return encodeJob('first-rendition', input, existing, {
    ...(track ? { video: videoToEncode(track, times, [chooseFirstRendition(ladder, track)]) } : {}),
    audio,
    ...(existing && needsAudio ? { audioGroup: 'aac' } : {}),
    ...(!existing && mayHaveGaps(input) ? { fillsGaps: true } : {}),
    isGrowing: true,
    before: existing ? [existing.index] : [],
    after: [],
  });
}

/** Below this rate, one frame may be shown for longer than players tolerate. */
const MIN_FRAMES_PER_SECOND = 5;
/** A track that ends this much before the others is extended, and so is video that begins this much later. */
const MAX_SHORTFALL_SECONDS = 0.5;
/** Longer gaps in the video are filled with repeated frames. */
const MAX_GAP_SECONDS = 20;

/** True if the source has gaps that players do not tolerate. */
function mayHaveGaps({ hasGaps, probed, times }: EncodeInput): boolean {
  const track = probed.video;
  if (hasGaps) return true;
  if (!track) return false;
  if ((track.framesPerSecond ?? 0) < MIN_FRAMES_PER_SECOND) return true;
  const { durationSeconds, tracks } = times;
  const video = tracks.get(track.stream);
  if (!video || video.startSeconds > MAX_SHORTFALL_SECONDS || video.longestGapSeconds > MAX_GAP_SECONDS)
    return true;
  return [track, ...probed.audioTracks].some(
    ({ stream }) =>
      (tracks.get(stream)?.endSeconds ?? durationSeconds) < durationSeconds - MAX_SHORTFALL_SECONDS,
  );
}

/** The renditions that a published source lacks; undefined if it lacks none that is worth encoding. */
export function planLadder(input: EncodeInput, existing: ExistingRenditions): NewJob | undefined {
  const { probed, times, ladder } = input;
  const track = probed.video;
  const published = existing.prepared.renditions.find(rendition => rendition.kind === 'video');
  if (!track || !published) return undefined;
  const renditions = chooseRenditions(ladder, {
    width: published.width,
    height: published.height,
    published: { isH264: /^avc/.test(published.codec), averageBps: published.averageBandwidthBps },
  });
  if (renditions.length === 0) return undefined;
  const needsAudio = existing.prepared.renditions.some(isDemandingAudio);
  return encodeJob('ladder', input, existing, {
    video: videoToEncode(track, times, renditions),
    audio: needsAudio ? audioToEncode(probed.audioTracks, times) : [],
    ...(needsAudio ? { audioGroup: 'aac' } : {}),
    isGrowing: false,
    before: [existing.index],
    after: [],
  });
}

/** A job that finds out whether a published source needs a ladder, so that publication does not wait for the answer. */
export const inspectJob = (video: VideoId, source: string, index: string): NewJob => ({
  video,
  kind: 'inspect',
  urgency: URGENCY.inspect,
  needs: [],
  plan: { source, index },
  steps: [{ kind: 'inspect', after: 0, mediaMs: 0 }],
});

/**
 * The rest of the ladder after a first rendition.
 *
 * @param sets index files of the existing sets: the source's come before, the first rendition's after
 */
export function planUpperLadder(
  input: Omit<EncodeInput, 'times'>,
  sets: { readonly before: readonly string[]; readonly after: readonly string[] },
  first: EncodePlan,
): NewJob | undefined {
  const track = input.probed.video;
  if (!track) return undefined;
  const done = first.video?.renditions.map(({ id }) => id) ?? [];
  const renditions = chooseRenditions(input.ladder, track).filter(({ id }) => !done.includes(id));
  if (renditions.length === 0) return undefined;
  return toJob('ladder', input, {
    ...first,
    video: { ...first.video, ...videoToEncode(track, NO_TIMES, renditions) },
    chunks: listChunks(first.durationSeconds, first.boundaries, chunkSecondsOf(input)),
    audio: [],
    isGrowing: false,
    before: [...sets.before],
    after: [...sets.after],
  });
}

/** They are the first rendition's. */
const NO_TIMES = { tracks: new Map() };

/** Audio that exceeds a slow connection, or that not every player plays. */
const isDemandingAudio = (rendition: Rendition): boolean =>
  rendition.kind === 'audio' &&
  (rendition.channels > 2 ||
    rendition.averageBandwidthBps > 260_000 ||
    !/^(mp4a|opus)/.test(rendition.codec));

const chunkSecondsOf = ({ probed: { video } }: Pick<EncodeInput, 'probed'>): number =>
  chunkSecondsFor(video ? video.width * video.height : 0);

function encodeJob(
  kind: JobKind,
  input: EncodeInput,
  existing: ExistingRenditions | undefined,
  choice: Pick<EncodePlan, 'video' | 'audio' | 'audioGroup' | 'fillsGaps' | 'isGrowing' | 'before' | 'after'>,
): NewJob {
  const { source, container, times, isTemporary } = input;
  const { durationSeconds } = times;
  const boundaries = existing?.boundaries;
  const shownFromSeconds = existing?.prepared.shownFromSeconds;
  return toJob(kind, input, {
    source,
    demuxer: container.demuxer,
    leadInSeconds: container.leadInSeconds ?? 0,
    ...(isTemporary ? { isTemporary } : {}),
    originSeconds: times.startSeconds,
    durationSeconds,
    ...(shownFromSeconds ? { shownFromSeconds } : {}),
    ...(boundaries ? { boundaries: [...boundaries] } : {}),
    chunks: listChunks(durationSeconds, boundaries, choice.isGrowing ? undefined : chunkSecondsOf(input)),
    ...choice,
  });
}

function toJob(kind: JobKind, input: Omit<EncodeInput, 'times'>, plan: EncodePlan): NewJob {
  const encoders = plan.video?.renditions.map(({ codec }) => ENCODERS[codec]) ?? [];
  return {
    video: input.video,
    kind,
    urgency: urgencyOf(kind, plan),
    priority: input.priority ?? 0,
    needs: [
      ...new Set([
        ...encoders,
        ...(plan.audio.length > 0 ? ['aac'] : []),
        ...(plan.video && needsZscale(plan.video.colour) ? ['zscale'] : []),
        ...(plan.video?.isInterlaced ? ['bwdif'] : []),
      ]),
    ],
    plan,
    steps: [
      ...plan.chunks.map((from, number) => ({
        kind: 'encode',
        after: 0,
        mediaMs: Math.max(0, ((plan.chunks[number + 1] ?? plan.durationSeconds) - from) * 1_000),
      })),
      ...listPublications(plan).map(after => ({ kind: 'publish', after, mediaMs: 0 })),
    ],
  };
}

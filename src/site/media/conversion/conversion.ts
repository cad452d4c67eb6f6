/**
 * Which work a source needs so that it plays everywhere (decisions; no work is done here): a copy into another container, a first
 * rung where nothing can be played yet, and the ladder.
 */

import type { VideoId } from '../../../protocol/ids.ts';
import type { Rendition } from '../../../protocol/media/media.ts';
import type { NewJob } from '../../database/jobs.ts';
import type { Demuxer } from '../ffmpeg/allowed.ts';
import type { Container } from '../ffmpeg/demuxers.ts';
import type { PreparedSource } from '../index/source-index.ts';
import type { RejectionCode } from '../source-rejected.ts';
import {
  audioToEncode,
  type EncodePlan,
  listChunks,
  listPublications,
  videoToEncode,
} from './encode-plan.ts';
import { chooseFirstRendition, chooseRenditions, ENCODERS, type LadderEntry } from './ladder.ts';
import type { ProbedSource } from './media-probe.ts';

export const JOB_KINDS = ['remux', 'first-rendition', 'ladder', 'inspect'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** What shows a first picture goes before what improves one. */
const URGENCY: Readonly<Record<JobKind, number>> = { remux: 3, 'first-rendition': 2, ladder: 1, inspect: 1 };

/** From this on somebody waits for a first picture. */
export const EXPRESS_URGENCY = URGENCY['first-rendition'];

/** Refusals that a conversion heals. */
const HEALED: ReadonlySet<RejectionCode> = new Set([
  'container-unsupported',
  'codec-unsupported',
  'structure-unsupported',
  'segments-too-large',
]);

export const isConvertible = (code: RejectionCode): boolean => HEALED.has(code);

/** A set of renditions that stands already and that the encoding is aligned with. */
export interface ExistingRenditions {
  readonly prepared: PreparedSource;
  /** Its index, below the video's directory. */
  readonly index: string;
  /** Where its segments begin, seconds. */
  readonly boundaries: readonly number[];
}

export interface EncodeInput {
  readonly video: VideoId;
  /** The file to decode, below the video's directory. */
  readonly source: string;
  readonly container: Container;
  readonly probed: ProbedSource;
  readonly durationSeconds: number;
  /** Some of its tracks have holes that players do not bear (`gaps.ts`). */
  readonly hasGaps?: boolean;
  /** Made for this conversion alone. */
  readonly isTemporary?: boolean;
  readonly ladder: readonly LadderEntry[];
  readonly priority?: number;
}

/** Some browsers play HEVC and some do not: it does not count as playable until something else stands beside it. */
export const playsEverywhere = ({ renditions }: PreparedSource): boolean =>
  renditions.every(({ kind, codec }) => kind !== 'video' || !/^(hvc1|hev1)/.test(codec));

/** The lowest rung with all sound, published while it grows. `standing` is what will stand beside it in the end. */
export function planFirstRendition(input: EncodeInput, standing?: ExistingRenditions): NewJob | undefined {
  const { probed, ladder } = input;
  const [picture] = probed.videoTracks;
  const sounds = audioToEncode(probed.audioTracks);
  if (!picture && sounds.length === 0) return undefined;
  const rung = picture && chooseFirstRendition(ladder, picture);
  return encodeJob('first-rendition', input, standing, {
    ...(picture && rung ? { video: videoToEncode(picture, [rung]) } : {}),
    audio: sounds,
    ...(!standing && mayHaveGaps(input) ? { fillsGaps: true } : {}),
    isGrowing: true,
    before: standing ? [standing.index] : [],
    after: [],
  });
}

/** Fewer pictures a second may stand for too long. */
const FEW_PICTURES_PER_SECOND = 5;
/** A track that ends so long before the others is filled. */
const SHORT_BY_SECONDS = 0.5;

/** Known to have gaps, or likely to by what its container says of it. */
function mayHaveGaps({ hasGaps, probed, durationSeconds }: EncodeInput): boolean {
  const [picture] = probed.videoTracks;
  if (hasGaps || (picture && (picture.framesPerSecond ?? 0) < FEW_PICTURES_PER_SECOND)) return true;
  return [...(picture ? [picture] : []), ...(picture ? probed.audioTracks : [])].some(
    ({ endSeconds = durationSeconds }) => endSeconds < durationSeconds - SHORT_BY_SECONDS,
  );
}

/** What is still missing beside a source that is published. Undefined where nothing is worth its work. */
export function planLadder(input: EncodeInput, standing: ExistingRenditions): NewJob | undefined {
  const { probed, ladder } = input;
  const [picture] = probed.videoTracks;
  const published = standing.prepared.renditions.find(rendition => rendition.kind === 'video');
  if (!picture || !published) return undefined;
  const rungs = chooseRenditions(ladder, {
    width: published.width,
    height: published.height,
    published: { isH264: /^avc/.test(published.codec), averageBps: published.averageBandwidthBps },
  });
  if (rungs.length === 0) return undefined;
  const isHeavy = standing.prepared.renditions.some(isHeavySound);
  return encodeJob('ladder', input, standing, {
    video: videoToEncode(picture, rungs),
    audio: isHeavy ? audioToEncode(probed.audioTracks) : [],
    ...(isHeavy ? { audioGroup: 'aac' } : {}),
    isGrowing: false,
    before: [standing.index],
    after: [],
  });
}

/** A job that finds out whether a published source needs a ladder, so that publishing does not wait for the answer. */
export const inspectJob = (video: VideoId, source: string, index: string): NewJob => ({
  video,
  kind: 'inspect',
  urgency: URGENCY.inspect,
  needs: [],
  plan: { source, index },
  steps: [{ kind: 'inspect', after: 0, mediaMs: 0 }],
});

/** The other rungs above a first one. `sets` are the indexes that stand already: the source's before, the first rung's after. */
export function planUpperLadder(
  input: EncodeInput,
  sets: { readonly before: readonly string[]; readonly after: readonly string[] },
  first: EncodePlan,
): NewJob | undefined {
  const [picture] = input.probed.videoTracks;
  const made = first.video?.renditions.map(({ id }) => id) ?? [];
  if (!picture) return undefined;
  const rungs = chooseRenditions(input.ladder, picture).filter(({ id }) => !made.includes(id));
  if (rungs.length === 0) return undefined;
  const { originSeconds, boundaries, chunks, durationSeconds, shownFromSeconds, fillsGaps } = first;
  const plan: EncodePlan = {
    source: first.source,
    demuxer: first.demuxer,
    leadInSeconds: first.leadInSeconds,
    ...(first.isTemporary ? { isTemporary: true } : {}),
    originSeconds,
    durationSeconds,
    ...(shownFromSeconds ? { shownFromSeconds } : {}),
    video: videoToEncode(picture, rungs),
    audio: [],
    ...(boundaries ? { boundaries } : {}),
    chunks,
    ...(fillsGaps ? { fillsGaps } : {}),
    isGrowing: false,
    before: [...sets.before],
    after: [...sets.after],
  };
  return toJob('ladder', input, plan);
}

/** Sound that a thin line cannot carry, or that not every player takes. */
const isHeavySound = (rendition: Rendition): boolean =>
  rendition.kind === 'audio' &&
  (rendition.channels > 2 ||
    rendition.averageBandwidthBps > 260_000 ||
    !/^(mp4a|opus)/.test(rendition.codec));

/** Frames copied, only the container is another. Sound that no browser plays may be encoded on the way, if it is short. */
export interface RemuxPlan {
  /** It has no times: what comes out has, and is not served but encoded. */
  readonly isWrapped?: boolean;
  readonly source: string;
  readonly demuxer: Demuxer;
  readonly hasVideo: boolean;
  readonly audio: readonly { readonly order: number; readonly isCopied: boolean; readonly kbps: number }[];
}

const COPIED_PIXELS = new Set(['yuv420p', 'yuvj420p']);
const COPIED_SOUND = new Set(['aac', 'opus']);
/** Sound is encoded some fifty times faster than it plays: longer films get a first rung at once instead. */
const MAX_ENCODED_SOUND_SECONDS = 600;

export function planRemux(input: EncodeInput, code: RejectionCode): NewJob | undefined {
  const { probed, container, durationSeconds } = input;
  const [picture] = probed.videoTracks;
  const sounds = probed.audioTracks.filter(({ channels }) => channels > 0).slice(0, 8);
  const isBare = container.demuxer !== 'mov' && container.demuxer !== 'matroska';
  if (code !== 'container-unsupported' && code !== 'codec-unsupported') return undefined;
  // AVI does not say when a picture is shown, only when it is decoded.
  if (picture && container.demuxer === 'avi') return undefined;
  if (picture && !(picture.codec === 'h264' && COPIED_PIXELS.has(picture.pixelFormat))) return undefined;
  const isCopied = ({ codec, profile }: (typeof sounds)[number]): boolean =>
    COPIED_SOUND.has(codec) && (codec !== 'aac' || /^(LC|HE-AAC|HE-AACv2|-1|)$/.test(profile));
  if (!picture && sounds.length === 0) return undefined;
  const isAllCopied = sounds.every(isCopied);
  if (!isBare && isAllCopied) return undefined;
  if (!isAllCopied && (!picture || durationSeconds > MAX_ENCODED_SOUND_SECONDS)) return undefined;
  const plan: RemuxPlan = {
    source: input.source,
    demuxer: container.demuxer,
    hasVideo: picture !== undefined,
    audio: sounds.map(sound => ({
      order: sound.order,
      isCopied: isCopied(sound),
      kbps: 64 * Math.min(2, sound.channels),
    })),
  };
  return {
    video: input.video,
    kind: 'remux',
    urgency: URGENCY.remux,
    priority: input.priority ?? 0,
    needs: isAllCopied ? [] : ['aac'],
    plan,
    steps: [{ kind: 'remux', after: 0, mediaMs: durationSeconds * 1_000 }],
  };
}

/** A copy with times, of which many workers can encode a chunk each. */
export const planWrap = ({
  video,
  source,
  container,
  priority = 0,
}: Omit<EncodeInput, 'durationSeconds'>): NewJob => {
  const plan: RemuxPlan = {
    source,
    demuxer: container.demuxer,
    hasVideo: true,
    audio: [],
    isWrapped: true,
  };
  const steps = [{ kind: 'remux', after: 0, mediaMs: 0 }];
  return { video, kind: 'remux', urgency: URGENCY.remux, priority, needs: [], plan, steps };
};

const sourceOf = ({ source, container, isTemporary: isPassing }: EncodeInput) => ({
  source,
  demuxer: container.demuxer,
  leadInSeconds: container.leadInSeconds ?? 0,
  ...(isPassing ? { isPassing } : {}),
});

function encodeJob(
  kind: JobKind,
  input: EncodeInput,
  standing: ExistingRenditions | undefined,
  what: Pick<EncodePlan, 'video' | 'audio' | 'audioGroup' | 'fillsGaps' | 'isGrowing' | 'before' | 'after'>,
): NewJob {
  const { probed, durationSeconds } = input;
  const boundaries = standing?.boundaries;
  const shownFromSeconds = standing?.prepared.shownFromSeconds;
  const plan: EncodePlan = {
    ...sourceOf(input),
    originSeconds: standing?.prepared.originSeconds ?? probed.startSeconds,
    durationSeconds,
    ...(shownFromSeconds ? { shownFromSeconds } : {}),
    ...(boundaries ? { boundaries: [...boundaries] } : {}),
    chunks: listChunks(durationSeconds, boundaries),
    ...what,
  };
  return toJob(kind, input, plan);
}

function toJob(kind: JobKind, input: EncodeInput, plan: EncodePlan): NewJob {
  const encoders = plan.video?.renditions.map(({ codec }) => ENCODERS[codec]) ?? [];
  return {
    video: input.video,
    kind,
    urgency: URGENCY[kind],
    priority: input.priority ?? 0,
    needs: [
      ...new Set([
        ...encoders,
        ...(plan.audio.length > 0 ? ['aac'] : []),
        ...(plan.video?.isHdr ? ['zscale'] : []),
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

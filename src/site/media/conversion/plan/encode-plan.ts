/**
 * How a source is encoded: which of its tracks, into which renditions, cut into which chunks. The plan is stored with the job, so
 * that any worker can do any step. Each chunk is encoded separately and starts at the same time in every rendition.
 */
import * as z from 'zod';
import { colourSchema, trackNameSchema } from '../../../../protocol/media/media.ts';
import {
  DEMUXER_NAMES,
  type ProbedAudioTrack,
  type ProbedVideoTrack,
  type SourceTimes,
  type TrackTimes,
} from '../../ffmpeg/ffmpeg.ts';
import { CODECS, type LadderRendition } from '../../ladder/ladder.ts';

const seconds = z.number().nonnegative();

const renditionToEncodeSchema = z.strictObject({
  id: z.string(),
  codec: z.enum(CODECS),
  width: z.int().positive(),
  height: z.int().positive(),
  kbps: z.int().positive(),
});

const videoToEncodeSchema = z.strictObject({
  /** Index among the video tracks. */
  order: z.int().nonnegative(),
  isInterlaced: z.boolean(),
  colour: colourSchema,
  /** Mean frame rate of the source, limited. */
  framesPerSecond: z.number().positive().optional(),
  /** Frames are dropped to reach this rate. */
  maxFramesPerSecond: z.number().positive().optional(),
  startSeconds: seconds.optional(),
  endSeconds: seconds.optional(),
  renditions: z.array(renditionToEncodeSchema).min(1),
});
export type VideoToEncode = z.infer<typeof videoToEncodeSchema>;

const audioToEncodeSchema = z.strictObject({
  id: z.string(),
  /** Index among the audio tracks. */
  order: z.int().nonnegative(),
  channels: z.int().positive(),
  kbps: z.int().positive(),
  /** The channels have no known layout, so that they cannot be mixed: the first two are taken. */
  takesFirst: z.boolean().optional(),
  language: z.string().optional(),
  name: trackNameSchema.optional(),
  endSeconds: seconds.optional(),
});
export type AudioToEncode = z.infer<typeof audioToEncodeSchema>;

/** Times are in seconds from the first presented instant, unless stated otherwise. */
export const encodePlanSchema = z.strictObject({
  /** A name in the video's directory. */
  source: z.string(),
  demuxer: z.enum(DEMUXER_NAMES),
  leadInSeconds: seconds,
  /** The source was made for this conversion only, and is deleted when nothing more will be made of it. */
  isTemporary: z.boolean().optional(),
  /** Timestamp in the container of the first presented instant. May be negative. */
  originSeconds: z.number(),
  durationSeconds: z.number().positive(),
  /** As for the renditions that these are aligned with (`prepare.ts`). */
  shownFromSeconds: z.number().positive().optional(),
  video: videoToEncodeSchema.optional(),
  audio: z.array(audioToEncodeSchema),
  /** Binds the video renditions to these audio renditions, if the source has its own. */
  audioGroup: z.string().optional(),
  /** Starts of the segments. Without them, a segment starts every four seconds. */
  boundaries: z.array(seconds).optional(),
  /** Starts of the chunks: some of the boundaries, the first 0. The last chunk ends with the source. */
  chunks: z.array(seconds).min(1),
  /** Every track is extended to the full duration: frames are repeated, and gaps in audio become silence. */
  fillsGaps: z.boolean().optional(),
  /** Published while it grows, because nothing else of this video can be played yet. */
  isGrowing: z.boolean(),
  /** Index files that precede and follow this one in the finished revision. */
  before: z.array(z.string()),
  after: z.array(z.string()),
});
export type EncodePlan = z.infer<typeof encodePlanSchema>;

const SEGMENT_SECONDS = 4;
/** Long enough that starting an encoder costs little, short enough to be shared out and to be lost. */
const CHUNK_SECONDS = 32;
/** Larger frames get shorter chunks, because other videos wait for a worker until it has finished a chunk. */
const FULL_CHUNK_PIXELS = 1_920 * 1_080;
const MIN_CHUNK_SECONDS = 8;

/** @param pixels of the largest frames that are decoded or encoded */
export const chunkSecondsFor = (pixels: number): number =>
  Math.min(
    CHUNK_SECONDS,
    Math.max(MIN_CHUNK_SECONDS, (CHUNK_SECONDS * FULL_CHUNK_PIXELS) / Math.max(1, pixels)),
  );
const MAX_FRAMES_PER_SECOND = 60;
const KBPS_PER_CHANNEL = 64;

/** What an encoding needs to know about the times of a source. */
export interface EncodeTimes extends Pick<SourceTimes, 'startSeconds' | 'durationSeconds'> {
  /** By the number of the stream. */
  readonly tracks: ReadonlyMap<number, Pick<TrackTimes, 'startSeconds' | 'endSeconds' | 'longestGapSeconds'>>;
}

const endOf = (
  { stream }: { readonly stream: number },
  { tracks }: Pick<EncodeTimes, 'tracks'>,
): { readonly endSeconds?: number } => {
  const times = tracks.get(stream);
  return times ? { endSeconds: Math.max(0, times.endSeconds) } : {};
};

const startOf = (
  { stream }: { readonly stream: number },
  { tracks }: Pick<EncodeTimes, 'tracks'>,
): { readonly startSeconds?: number } => {
  const times = tracks.get(stream);
  return times ? { startSeconds: Math.max(0, times.startSeconds) } : {};
};

export const videoToEncode = (
  track: ProbedVideoTrack,
  times: Pick<EncodeTimes, 'tracks'>,
  renditions: readonly LadderRendition[],
): VideoToEncode => {
  const rate = track.framesPerSecond;
  return {
    order: track.order,
    isInterlaced: track.isInterlaced,
    colour: track.colour,
    ...(rate ? { framesPerSecond: Math.min(rate, MAX_FRAMES_PER_SECOND) } : {}),
    ...(rate && rate > MAX_FRAMES_PER_SECOND + 1 ? { maxFramesPerSecond: MAX_FRAMES_PER_SECOND } : {}),
    ...startOf(track, times),
    ...endOf(track, times),
    renditions: [...renditions],
  };
};

/** AAC with one or two channels. More channels are mixed down, because not every player plays them. */
export const audioToEncode = (
  tracks: readonly ProbedAudioTrack[],
  times: Pick<EncodeTimes, 'tracks'>,
): AudioToEncode[] =>
  tracks.map(({ stream, order, channels, hasLayout, language, name }, index) => ({
    id: index === 0 ? 'aac-audio' : `aac-audio-${index + 1}`,
    order,
    channels: Math.min(2, channels),
    ...(hasLayout ? {} : { takesFirst: true }),
    kbps: KBPS_PER_CHANNEL * Math.min(2, channels),
    ...(language ? { language } : {}),
    ...(name ? { name } : {}),
    ...endOf({ stream }, times),
  }));

/** The boundaries at which a chunk starts: about every `chunkSeconds`, none near the end. */
export function listChunks(
  durationSeconds: number,
  boundaries: readonly number[] | undefined,
  chunkSeconds = CHUNK_SECONDS,
): number[] {
  const chunks = [0];
  let last = 0;
  for (const boundary of boundaries ?? listEvenBoundaries(durationSeconds)) {
    if (boundary - last < chunkSeconds - 0.5 || durationSeconds - boundary <= SEGMENT_SECONDS / 2) continue;
    chunks.push(boundary);
    last = boundary;
  }
  return chunks;
}

const listEvenBoundaries = (durationSeconds: number): number[] =>
  Array.from(
    { length: Math.max(1, Math.ceil(durationSeconds / SEGMENT_SECONDS)) },
    (_, i) => i * SEGMENT_SECONDS,
  );

/** Starts of the segments of a plan, for media of this duration. */
export const listBoundaries = (
  { boundaries }: Pick<EncodePlan, 'boundaries'>,
  durationSeconds: number,
): readonly number[] => boundaries ?? listEvenBoundaries(durationSeconds);

/** A growing video is published again when it is longer by one chunk, and by this share of its published length. */
const PUBLICATION_SHARE = 1 / 32;

/**
 * Numbers of finished chunks after which a growing video is published again: 1, 2, 3 … 32, 33, 34, 36 … and all. Viewers of the
 * beginning get more of it in steps (the tracker's `growing-pace.ts`), and a long video is not published too often.
 */
export function listPublications({ chunks, isGrowing }: Pick<EncodePlan, 'chunks' | 'isGrowing'>): number[] {
  const counts: number[] = [];
  for (
    let count = 1;
    isGrowing && count < chunks.length;
    count += Math.max(1, Math.floor(count * PUBLICATION_SHARE))
  )
    counts.push(count);
  return [...counts, chunks.length];
}

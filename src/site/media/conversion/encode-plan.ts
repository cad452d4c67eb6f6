/**
 * How a source is encoded: which pictures and sound, into what, cut where. It stands in the job's row, so that any worker
 * can do any step: every chunk is encoded for itself and begins at the same instant in every rung.
 */
import * as z from 'zod';
import { DEMUXER_NAMES } from '../ffmpeg/allowed.ts';
import { CODECS, type LadderRendition } from './ladder.ts';
import type { ProbedAudioTrack, ProbedSource } from './media-probe.ts';

const seconds = z.number().nonnegative();

export const renditionToEncodeSchema = z.strictObject({
  id: z.string(),
  codec: z.enum(CODECS),
  width: z.int().positive(),
  height: z.int().positive(),
  kbps: z.int().positive(),
});

export const audioToEncodeSchema = z.strictObject({
  id: z.string(),
  order: z.int().nonnegative(),
  channels: z.int().positive(),
  kbps: z.int().positive(),
  language: z.string().optional(),
  endSeconds: seconds.optional(),
});
export type AudioToEncode = z.infer<typeof audioToEncodeSchema>;

export const encodePlanSchema = z.strictObject({
  /** Below the video's directory. */
  source: z.string(),
  demuxer: z.enum(DEMUXER_NAMES),
  leadInSeconds: seconds,
  /** The source was made for this conversion alone: it goes when nothing more is to be made of it. */
  isTemporary: z.boolean().optional(),
  /** Container time of the instant that is shown first. May be negative. */
  originSeconds: z.number(),
  durationSeconds: z.number().positive(),
  /** As of the set beside it (`prepare.ts`). */
  shownFromSeconds: z.number().positive().optional(),
  video: z
    .strictObject({
      order: z.int().nonnegative(),
      isInterlaced: z.boolean(),
      isHdr: z.boolean(),
      /** Mean of the source, limited. */
      framesPerSecond: z.number().positive().optional(),
      /** Frames are dropped down to this rate. */
      maxFramesPerSecond: z.number().positive().optional(),
      endSeconds: seconds.optional(),
      renditions: z.array(renditionToEncodeSchema).min(1),
    })
    .optional(),
  audio: z.array(audioToEncodeSchema),
  /** Binds the rungs to the sound of this set, where another set has sound of its own. */
  audioGroup: z.string().optional(),
  /** Where the segments begin, seconds from the first instant; absent where every four seconds. */
  boundaries: z.array(seconds).optional(),
  /** Where the chunks begin, seconds: some of the boundaries, the first 0. The last one ends where the source does. */
  chunks: z.array(seconds).min(1),
  /** Every track is made to last from the first instant to the end: pictures are repeated, sound is filled with silence. */
  fillsGaps: z.boolean().optional(),
  /** Published while it grows: nothing of this video can be played before. */
  isGrowing: z.boolean(),
  /** Index files of the sets that stand before and after this one in the finished revision. */
  before: z.array(z.string()),
  after: z.array(z.string()),
});
export type EncodePlan = z.infer<typeof encodePlanSchema>;

export const SEGMENT_SECONDS = 4;
/** Long enough that starting an encoder is nothing against it, short enough to be shared and to be lost. */
export const CHUNK_SECONDS = 32;
const MAX_FRAMES_PER_SECOND = 60;
const MAX_SOUNDS = 8;
const KBPS_PER_CHANNEL = 64;

export const videoToEncode = (
  picture: ProbedSource['videoTracks'][number],
  rungs: readonly LadderRendition[],
): NonNullable<EncodePlan['video']> => {
  const rate = picture.framesPerSecond;
  return {
    order: picture.order,
    isInterlaced: picture.isInterlaced,
    isHdr: picture.isHdr,
    ...(rate ? { framesPerSecond: Math.min(rate, MAX_FRAMES_PER_SECOND) } : {}),
    ...(rate && rate > MAX_FRAMES_PER_SECOND + 1 ? { maxFramesPerSecond: MAX_FRAMES_PER_SECOND } : {}),
    ...(picture.endSeconds === undefined ? {} : { endSeconds: Math.max(0, picture.endSeconds) }),
    renditions: [...rungs],
  };
};

/** AAC, one or two channels: more are mixed down, because that plays everywhere. */
export const audioToEncode = (sounds: readonly ProbedAudioTrack[]): AudioToEncode[] =>
  sounds
    .filter(({ channels }) => channels > 0)
    .slice(0, MAX_SOUNDS)
    .map(({ order, channels, language, endSeconds }, index) => ({
      id: index === 0 ? 'aac-audio' : `aac-audio-${index + 1}`,
      order,
      channels: Math.min(2, channels),
      kbps: KBPS_PER_CHANNEL * Math.min(2, channels),
      ...(language ? { language } : {}),
      ...(endSeconds === undefined ? {} : { endSeconds: Math.max(0, endSeconds) }),
    }));

/** Boundaries that begin a chunk: about every `CHUNK_SECONDS`, none near the end. */
export function listChunks(durationSeconds: number, boundaries: readonly number[] | undefined): number[] {
  const chunks = [0];
  const candidates = boundaries ?? listEvenBoundaries(durationSeconds);
  for (const boundary of candidates) {
    if (
      boundary - chunks.at(-1)! >= CHUNK_SECONDS - 0.5 &&
      durationSeconds - boundary > SEGMENT_SECONDS / 2
    ) {
      chunks.push(boundary);
    }
  }
  return chunks;
}

export const listEvenBoundaries = (durationSeconds: number): number[] =>
  Array.from(
    { length: Math.max(1, Math.ceil(durationSeconds / SEGMENT_SECONDS)) },
    (_, i) => i * SEGMENT_SECONDS,
  );

/** After how many chunks a growing video is published anew: 1, 2, 4, 8 …, and all. */
export function listPublications({ chunks, isGrowing }: EncodePlan): number[] {
  const counts: number[] = [];
  for (let count = 1; isGrowing && count < chunks.length; count *= 2) counts.push(count);
  return [...counts, chunks.length];
}

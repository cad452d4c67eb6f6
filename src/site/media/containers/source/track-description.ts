/** What a track is, as far as its init segment and its line in a playlist need to know. Written into the index file. */
import * as z from 'zod';
import { trackNameSchema } from '../../../../protocol/media/media.ts';

const bytes = z.base64();

export const videoDescriptionSchema = z.strictObject({
  kind: z.literal('video'),
  family: z.enum(['h264', 'hevc', 'vp9', 'av1']),
  /** Sample entry type: `avc1`, `avc3`, `hvc1`, `hev1`, `vp09`, `av01`. */
  sampleEntry: z.string(),
  /** RFC 6381. */
  codec: z.string(),
  /** Body of the configuration box (`avcC`, `hvcC`, `vpcC`, `av1C`), base64. */
  configuration: bytes,
  /** Whole boxes that follow it: `colr`, `pasp`, `mdcv`, `clli`; base64. */
  furtherBoxes: bytes,
  /** Pixels as coded. */
  codedWidth: z.int().positive(),
  codedHeight: z.int().positive(),
  /** Pixels of the track before its matrix is applied. */
  trackWidth: z.int().positive(),
  trackHeight: z.int().positive(),
  /** Pixels as shown. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Fixed point, row by row (ISO/IEC 14496-12, section 8.3.2). */
  matrix: z.array(z.int()).length(9),
});
export type VideoDescription = z.infer<typeof videoDescriptionSchema>;

export const audioDescriptionSchema = z.strictObject({
  kind: z.literal('audio'),
  family: z.enum(['aac', 'opus', 'flac']),
  codec: z.string(),
  /** AudioSpecificConfig, body of `dOps`, or blocks of `dfLa`; base64. */
  configuration: bytes,
  channels: z.int().positive(),
  sampleRateHz: z.int().positive(),
  /** ISO 639-2/T. */
  languageCode: z.string(),
  /** BCP 47. */
  language: z.string().optional(),
  /** What its author calls it. */
  name: trackNameSchema.optional(),
});
export type AudioDescription = z.infer<typeof audioDescriptionSchema>;

export const trackDescriptionSchema = z.discriminatedUnion('kind', [
  videoDescriptionSchema,
  audioDescriptionSchema,
]);
export type TrackDescription = z.infer<typeof trackDescriptionSchema>;

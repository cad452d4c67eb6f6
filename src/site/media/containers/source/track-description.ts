/** The facts about a track that its init segment and its playlist entry need. They are written into the index file. */
import * as z from 'zod';
import { colourSchema, trackNameSchema } from '../../../../protocol/media/media.ts';

const bytes = z.base64();

const videoDescriptionSchema = z.strictObject({
  kind: z.literal('video'),
  family: z.enum(['h264', 'hevc', 'vp9', 'av1']),
  /** Sample entry type: `avc1`, `avc3`, `hvc1`, `hev1`, `vp09`, `av01`. */
  sampleEntry: z.string(),
  /** Codec string (RFC 6381). */
  codec: z.string(),
  /** Body of the configuration box (`avcC`, `hvcC`, `vpcC`, `av1C`) in base64. */
  configuration: bytes,
  /** The boxes that follow the configuration box (`colr`, `pasp`, `mdcv`, `clli`) in base64. */
  furtherBoxes: bytes,
  /** The bit stream may hold fields. Only a decoder finds out whether it does. */
  mayBeInterlaced: z.literal(true).optional(),
  /** Absent if the source declares none. */
  colour: colourSchema.optional(),
  /** Coded size in pixels. */
  codedWidth: z.int().positive(),
  codedHeight: z.int().positive(),
  /** Size of the track in pixels, before its matrix is applied. */
  trackWidth: z.int().positive(),
  trackHeight: z.int().positive(),
  /** Displayed size in pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Transformation matrix in fixed point, row by row (ISO/IEC 14496-12, section 8.3.2). */
  matrix: z.array(z.int()).length(9),
});
export type VideoDescription = z.infer<typeof videoDescriptionSchema>;

const audioDescriptionSchema = z.strictObject({
  kind: z.literal('audio'),
  family: z.enum(['aac', 'opus', 'flac']),
  codec: z.string(),
  /** AudioSpecificConfig, body of `dOps` or blocks of `dfLa`, in base64. */
  configuration: bytes,
  channels: z.int().positive(),
  sampleRateHz: z.int().positive(),
  /** Language in ISO 639-2/T. */
  languageCode: z.string(),
  /** Language in BCP 47. */
  language: z.string().optional(),
  /** Title that the author gave the track. */
  name: trackNameSchema.optional(),
});
export type AudioDescription = z.infer<typeof audioDescriptionSchema>;

export const trackDescriptionSchema = z.discriminatedUnion('kind', [
  videoDescriptionSchema,
  audioDescriptionSchema,
]);
export type TrackDescription = z.infer<typeof trackDescriptionSchema>;

/** How a video's media is described and addressed, alike at every site. */
import { z } from 'zod';
import type { RevisionId, VideoId } from './ids.ts';
import { languageSchema } from './text.ts';

const positiveInt = z.int().positive();
/** RFC 6381 codec string, e.g. `avc1.64001f`. */
const codecSchema = z.string().regex(/^[A-Za-z0-9]{2,8}(\.[A-Za-z0-9.]{1,60})?$/);
const renditionIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/);

const audioGroupSchema = z.string().regex(/^[a-z0-9-]{1,20}$/);

const renditionShape = {
  /** Folder below the revision, e.g. `source-video`. */
  id: renditionIdSchema,
  codec: codecSchema,
  /** Peak segment bit rate (RFC 8216bis `BANDWIDTH`), bits per second. */
  bandwidthBps: positiveInt,
  averageBandwidthBps: positiveInt,
} as const;

export const videoRenditionSchema = z.strictObject({
  kind: z.literal('video'),
  ...renditionShape,
  /** Display size in pixels, after rotation and pixel aspect ratio. */
  width: positiveInt.max(65_536),
  height: positiveInt.max(65_536),
  /** Mean frames per second. */
  frameRate: z.number().positive().max(1_000),
  /** The group of sound that goes with it; absent where the sound is in no group by name. */
  audioGroup: audioGroupSchema.optional(),
});
export type VideoRendition = z.infer<typeof videoRenditionSchema>;

export const audioRenditionSchema = z.strictObject({
  kind: z.literal('audio'),
  ...renditionShape,
  channels: positiveInt.max(64),
  sampleRateHz: positiveInt.max(768_000),
  language: languageSchema.optional(),
  /** Renditions of one group hold alternatives (languages); several groups hold the same in several encodings. */
  group: audioGroupSchema.optional(),
});
export type AudioRendition = z.infer<typeof audioRenditionSchema>;

/** One encoding of one track of a video. */
export const renditionSchema = z.discriminatedUnion('kind', [videoRenditionSchema, audioRenditionSchema]);
export type Rendition = z.infer<typeof renditionSchema>;

export const MULTIVARIANT_PLAYLIST = 'multivariant.m3u8';
export const DASH_MANIFEST = 'manifest.mpd';
/** Where every segment begins: what a DASH manifest is made of, beside the record (`timeline.ts`). */
export const TIMELINE = 'timeline.json';
export const MEDIA_PLAYLIST = 'media.m3u8';
export const INIT_SEGMENT = 'init.mp4';
/** `number` counts from 0, as `EXT-X-MEDIA-SEQUENCE` does. */
export const mediaSegment = (number: number): string => `${number}.m4s`;

/** Absolute path of a file of a revision, the same at every site. `file` is relative, e.g. `source-video/media.m3u8`. */
export const mediaPath = (video: VideoId, revision: RevisionId, file: string): string =>
  `/v/${video}/${revision}/${file}`;

/** How a video's media is described and addressed, alike at every site. */
import * as z from 'zod';
import { canonicalObject } from '../publication/canonical.ts';
import { languageSchema, storedNameSchema } from '../text.ts';

export * from './media-address.ts';

const positiveInt = z.int().positive();
/** RFC 6381 codec string, e.g. `avc1.64001f`. */
const codecSchema = z.string().regex(/^[A-Za-z0-9]{2,8}(\.[A-Za-z0-9.]{1,60})?$/);
const renditionIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/);

/** A track's name, for people. */
const MAX_TRACK_NAME_CHARACTERS = 60;
export const trackNameSchema = storedNameSchema.refine(
  text => [...text].length <= MAX_TRACK_NAME_CHARACTERS,
  `at most ${MAX_TRACK_NAME_CHARACTERS} characters`,
);

const audioGroupSchema = z.string().regex(/^[a-z0-9-]{1,20}$/);

const renditionShape = {
  /** Folder below the revision, e.g. `source-video`. */
  id: renditionIdSchema,
  codec: codecSchema,
  /** Peak segment bit rate (RFC 8216bis `BANDWIDTH`), bits per second. */
  bandwidthBps: positiveInt,
  averageBandwidthBps: positiveInt,
} as const;

export const videoRenditionSchema = canonicalObject({
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

export const audioRenditionSchema = canonicalObject({
  kind: z.literal('audio'),
  ...renditionShape,
  channels: positiveInt.max(64),
  sampleRateHz: positiveInt.max(768_000),
  language: languageSchema.optional(),
  /** What its author calls it, e.g. "Commentary". */
  name: trackNameSchema.optional(),
  /** Renditions of one group hold alternatives (languages); several groups hold the same in several encodings. */
  group: audioGroupSchema.optional(),
});
export type AudioRendition = z.infer<typeof audioRenditionSchema>;

/** WebVTT in plain cues. The whole is one file beside its segments. */
export const captionsRenditionSchema = canonicalObject({
  kind: z.literal('captions'),
  ...renditionShape,
  language: languageSchema.optional(),
  name: trackNameSchema.optional(),
});
export type CaptionsRendition = z.infer<typeof captionsRenditionSchema>;

/** One encoding of one track of a video. */
export const renditionSchema = z.discriminatedUnion('kind', [
  videoRenditionSchema,
  audioRenditionSchema,
  captionsRenditionSchema,
]);
export type Rendition = z.infer<typeof renditionSchema>;

/** What pictures of a video stand beside its playlists. */
export const picturesSchema = canonicalObject({ poster: z.boolean(), storyboard: z.boolean() });
export type Pictures = z.infer<typeof picturesSchema>;

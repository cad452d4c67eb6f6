/** The renditions of a video, as its record describes them, and the addresses of its files, which are equal at every site. */
import * as z from 'zod';
import { openObject } from '../base/canonical.ts';
import { languageSchema, nameSchema, storedNameSchema } from '../base/text.ts';
import { colourSchema } from './colour.ts';

export * from './colour.ts';
export * from './media-address.ts';

const positiveInt = z.int().positive();
/** An RFC 6381 codec string, e.g. `avc1.64001f`. */
const codecSchema = z.string().regex(/^[A-Za-z0-9]{2,8}(\.[A-Za-z0-9.]{1,60})?$/);
const renditionIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/);

/** The limit for the displayed name of a track. */
const MAX_TRACK_NAME_CHARACTERS = 60;
export const trackNameSchema = storedNameSchema.refine(
  text => [...text].length <= MAX_TRACK_NAME_CHARACTERS,
  `must have at most ${MAX_TRACK_NAME_CHARACTERS} characters`,
);

/** The name of a track as a person or a file gives it; it becomes a `trackNameSchema`. */
export const givenTrackNameSchema = nameSchema.pipe(trackNameSchema);

const audioGroupSchema = z.string().regex(/^[a-z0-9-]{1,20}$/);

const renditionShape = {
  /** The name of its folder in the revision, e.g. `source-video`. */
  id: renditionIdSchema,
  codec: codecSchema,
  /** The peak bit rate of a segment (RFC 8216bis `BANDWIDTH`), in bits per second. */
  bandwidthBps: positiveInt,
  averageBandwidthBps: positiveInt,
} as const;

export const videoRenditionSchema = openObject({
  kind: z.literal('video'),
  ...renditionShape,
  /** The display size in pixels, after rotation and correction of the pixel aspect ratio. */
  width: positiveInt.max(65_536),
  height: positiveInt.max(65_536),
  /** The mean number of frames per second. */
  frameRate: z.number().positive().max(1_000),
  /** The highest number of frames per second over a few frames. Absent if the rate does not vary. */
  maxFrameRate: z.number().positive().max(1_000).optional(),
  /** The peak bit rate of `IFRAME_PLAYLIST`. Absent if the revision has no such playlist. */
  iframeBandwidthBps: positiveInt.optional(),
  /** Absent if the source does not declare it; the video is then SDR. */
  colour: colourSchema.optional(),
  /** The audio group for this rendition. Absent if the audio has no named group. */
  audioGroup: audioGroupSchema.optional(),
});
export type VideoRendition = z.infer<typeof videoRenditionSchema>;

export const audioRenditionSchema = openObject({
  kind: z.literal('audio'),
  ...renditionShape,
  channels: positiveInt.max(64),
  sampleRateHz: positiveInt.max(768_000),
  language: languageSchema.optional(),
  /** The name that its author chose, e.g. "Commentary". */
  name: trackNameSchema.optional(),
  /** The renditions of one group are alternatives (languages). Several groups contain the same audio in different encodings. */
  group: audioGroupSchema.optional(),
});
export type AudioRendition = z.infer<typeof audioRenditionSchema>;

/** WebVTT captions. They are available in segments and as one file. */
export const captionsRenditionSchema = openObject({
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

/** The images that a revision contains in addition to its playlists. */
export const picturesSchema = openObject({ poster: z.boolean(), storyboard: z.boolean() });
export type Pictures = z.infer<typeof picturesSchema>;

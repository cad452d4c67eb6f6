/** The calls of a site for the captions of a video, with drafts that only the studio shows. */
import * as z from 'zod';
import { languageSchema } from './base/text.ts';
import { siteJobSchema } from './job.ts';
import { givenTrackNameSchema } from './media/media.ts';

/** Extracted from the source, uploaded or written by a person, or made by the operator's speech program. */
export const captionsOriginSchema = z.enum(['source', 'upload', 'program']);
export type CaptionsOrigin = z.infer<typeof captionsOriginSchema>;

/** One track of captions of a video. */
export const siteCaptionsSchema = z.strictObject({
  /** The folder below the revision; the id of a draft. */
  id: z.string(),
  language: z.string().optional(),
  name: z.string().optional(),
  from: captionsOriginSchema,
});
export type SiteCaptions = z.infer<typeof siteCaptionsSchema>;

export const captionTrackSchema = z.strictObject({
  ...siteCaptionsSchema.shape,
  /** A draft is in no playlist and no record, and no search finds it. */
  state: z.enum(['published', 'draft']),
});
export type CaptionTrack = z.infer<typeof captionTrackSchema>;

/** `GET /api/videos/{id}/captions` of a site. */
export const captionListSchema = z.strictObject({
  /** The published ones first. */
  tracks: z.array(captionTrackSchema),
  /** True if this site has a speech program, and the video has audio. */
  canCreate: z.boolean(),
  /** The last job that made, or tries to make, captions of this video. */
  job: siteJobSchema.pick({ id: true, state: true, progress: true, error: true }).optional(),
});
export type CaptionList = z.infer<typeof captionListSchema>;

/** `POST /api/videos/{id}/captions?language=&name=&draft=` of a site; the body is the file. */
export const newCaptionsQuerySchema = z.object({
  language: languageSchema,
  name: givenTrackNameSchema.optional(),
  /** True: they are not published. Only such a file may have no cue. */
  draft: z
    .enum(['true', 'false'])
    .transform(text => text === 'true')
    .default(false),
});

/** `PATCH /api/videos/{id}/captions/{captions}` of a site. `name`: null removes it. */
export const captionTrackEditSchema = z
  .strictObject({ language: languageSchema, name: givenTrackNameSchema.nullable() })
  .partial();

/** `POST /api/videos/{id}/captions/create` of a site. Without a language, that of the video. */
export const createCaptionsSchema = z.strictObject({ language: languageSchema.optional() });

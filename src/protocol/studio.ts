/** The calls of the studio of a site for many videos: the filters and orders of its list, its changes, and edits of several videos. */
import * as z from 'zod';
import { videoIdSchema } from './base/ids.ts';
import { siteJobSchema } from './job.ts';
import { audienceSchema } from './people/audience.ts';
import { detailsInputShape } from './publication/details.ts';
import { siteVideoEditSchema, siteVideoSchema, videoApprovalSchema, videoStateSchema } from './site.ts';

const flagSchema = z.enum(['true', 'false']).transform(value => value === 'true');
const MAX_QUERY_CHARACTERS = 200;

/** Which videos `GET /api/videos` and `GET /api/video-ids` of a site list. All filters must match. */
export const siteVideoFilterSchema = z.object({
  /** Words in the name, description, people, tags or file name. */
  q: z.string().max(MAX_QUERY_CHARACTERS).optional(),
  state: videoStateSchema.optional(),
  audience: audienceSchema.optional(),
  series: z.string().max(64).optional(),
  /** The id of a person. */
  owner: z.string().max(64).optional(),
  approval: videoApprovalSchema.optional(),
  captions: flagSchema.optional(),
});
export type SiteVideoFilter = z.infer<typeof siteVideoFilterSchema>;

/** `state`: failures first, then videos in progress. */
export const siteVideoOrderSchema = z.enum(['newest', 'oldest', 'name', 'longest', 'largest', 'state']);
export type SiteVideoOrder = z.infer<typeof siteVideoOrderSchema>;

/** Numbers of videos by `all`, `state:…`, `audience:…`, `approval:…` and `captions:yes|no`. */
export const siteVideoCountsSchema = z.record(z.string(), z.int().nonnegative());
export type SiteVideoCounts = z.infer<typeof siteVideoCountsSchema>;

/** `GET /api/videos` of a site. */
export const siteVideoPageSchema = z.strictObject({
  videos: z.array(siteVideoSchema),
  /** The conversions of these videos that are not done. */
  jobs: z.array(siteJobSchema),
  /** For all videos that the person sees, without the filters. */
  counts: siteVideoCountsSchema,
  next: z.string().optional(),
});
export type SiteVideoPage = z.infer<typeof siteVideoPageSchema>;

/** `GET /api/video-ids` of a site: the ids of a filtered list. */
export const siteVideoIdsSchema = z.strictObject({
  ids: z.array(videoIdSchema),
  next: z.string().optional(),
});
export type SiteVideoIds = z.infer<typeof siteVideoIdsSchema>;

/** `GET /api/changes?since=&waitS=` of a site: what has changed for this person since a cursor. */
export const siteChangesSchema = z.strictObject({
  /** For the next call. */
  cursor: z.int().nonnegative(),
  videos: z.array(siteVideoSchema),
  jobs: z.array(siteJobSchema),
  /** Ids of videos and jobs that were deleted. */
  removed: z.array(z.string()),
  /** Absent if nothing has changed. */
  counts: siteVideoCountsSchema.optional(),
  /** True if the cursor is too old: the list must be loaded again. */
  reset: z.boolean().optional(),
});
export type SiteChanges = z.infer<typeof siteChangesSchema>;

export const MAX_EDITS = 20;

/** One edit of `POST /api/video-edits`: an edit as in `PATCH /api/videos/{id}`, tags to add or remove, or the withdrawal. */
export const videoEditOfManySchema = z.strictObject({
  id: videoIdSchema,
  edit: siteVideoEditSchema.optional(),
  addTags: detailsInputShape.tags.optional(),
  removeTags: detailsInputShape.tags.optional(),
  withdraw: z.literal(true).optional(),
});
export type VideoEditOfMany = z.infer<typeof videoEditOfManySchema>;

/** `POST /api/video-edits` of a site. A preview changes nothing. */
export const videoEditsSchema = z.strictObject({
  edits: z.array(videoEditOfManySchema).min(1).max(MAX_EDITS),
  preview: z.boolean().optional(),
});

/** What an edit has changed, or would change. `before` is an edit that undoes it. */
const videoEditResultSchema = z.strictObject({
  id: videoIdSchema,
  /** Absent if the person may not know the video. */
  name: z.string().optional(),
  outcome: z.enum(['changed', 'unchanged', 'withdrawn', 'refused']),
  before: z.record(z.string(), z.unknown()).optional(),
  after: z.record(z.string(), z.unknown()).optional(),
  error: z.strictObject({ code: z.string(), detail: z.string() }).optional(),
});
export type VideoEditResult = z.infer<typeof videoEditResultSchema>;

export const videoEditResultsSchema = z.strictObject({ results: z.array(videoEditResultSchema) });

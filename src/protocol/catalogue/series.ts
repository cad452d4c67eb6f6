/**
 * Series (courses, programmes, channels): operators declare them at central, and records name the series of a video. Central serves
 * these calls. A site keeps the list and serves the two reading calls also while it is disconnected.
 */
import * as z from 'zod';
import { descriptionSchema, lineSchema } from '../base/text.ts';
import { timestampSchema } from '../base/timestamp.ts';
import { siteRolesSchema } from '../people/people.ts';
import { seriesIdSchema } from '../people/permissions.ts';

const MAX_TITLE_CHARACTERS = 200;
export const MAX_SERIES_IMAGE_BYTES = 2 ** 20;
export const MAX_SERIES_IMAGE_PIXELS = 4_096;

/** `position`: as the records say. `date`: newest first, by the recording or else the publication. */
const orderSchema = z.enum(['position', 'date']);
export type SeriesOrder = z.infer<typeof orderSchema>;

export const seriesSchema = z.object({
  id: seriesIdSchema,
  title: z.string(),
  description: z.string(),
  order: orderSchema,
  /** The path of the image at the same part, with the version of the image as its query. */
  image: z.string().optional(),
  /**
   * The videos that everyone may watch; for those who may watch internal videos or all videos of this series, these as well. Videos
   * that the reader may not watch are never counted.
   */
  videos: z.int().nonnegative(),
  createdAt: timestampSchema,
});
export type Series = z.infer<typeof seriesSchema>;

/** `GET /api/series?q=&limit=&cursor=`: by title. */
export const seriesQuerySchema = z.object({
  q: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(2_000).optional(),
});
export const seriesListSchema = z.object({ series: z.array(seriesSchema), next: z.string().optional() });

/** `POST /api/series`. The id is for a series that records name already; by default central chooses one. */
export const newSeriesSchema = z.strictObject({
  id: seriesIdSchema.optional(),
  title: lineSchema(MAX_TITLE_CHARACTERS),
  description: descriptionSchema.default(''),
  order: orderSchema.default('position'),
});
/** `GET /api/series/{id}/roles`: who has a role for this series, which decides who may add videos to it and edit them. */
export const seriesRolesSchema = siteRolesSchema;

/** `PATCH /api/series/{id}`. The image has its own calls: `PUT` and `DELETE /api/series/{id}/image`. */
export const seriesEditSchema = z
  .strictObject({
    title: lineSchema(MAX_TITLE_CHARACTERS),
    description: descriptionSchema,
    order: orderSchema,
  })
  .partial();

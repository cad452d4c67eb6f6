/**
 * `GET /api/lists?known=&wait=` (site, signed): the series and the operator's fields. The lists are absent if the site knows this
 * version. With `wait` (seconds, at most 25), central holds such a response until the lists change.
 */
import * as z from 'zod';
import { fieldListSchema } from './fields.ts';
import { seriesSchema } from './series.ts';

/** A site keeps all of them in memory. */
export const MAX_SERIES = 5_000;
const MAX_VERSION_CHARACTERS = 100;

export const listsQuerySchema = z.object({
  known: z.string().max(MAX_VERSION_CHARACTERS).optional(),
  wait: z.coerce.number().min(0).max(25).default(0),
});
export const centralListsSchema = z.object({
  version: z.string().max(MAX_VERSION_CHARACTERS),
  series: z.array(seriesSchema).max(MAX_SERIES).optional(),
  fields: fieldListSchema.shape.fields.optional(),
});
export type CentralLists = z.infer<typeof centralListsSchema>;

/** The site database as central reads it: unpublished records out, acknowledgements in (publication rules R1, R2, R6). */
import { z } from 'zod';
import { siteIdSchema, videoIdSchema } from './ids.ts';
import { MAX_RECORD_PAGE_ROWS } from './limits.ts';
import { recordSchema, sha256Schema, versionSchema } from './record.ts';

/** `GET /gateway/records?limit=`: the oldest unpublished records first. Asked again until `more` is false. */
export const recordPageSchema = z.strictObject({
  site: siteIdSchema,
  records: z.array(z.strictObject({ record: recordSchema, hash: sha256Schema })).max(MAX_RECORD_PAGE_ROWS),
  more: z.boolean(),
});
export type RecordPage = z.infer<typeof recordPageSchema>;

/** R1: an acknowledgement names id, version and hash; it marks exactly that content published and nothing newer. */
export const acknowledgementSchema = z.strictObject({
  video: videoIdSchema,
  version: versionSchema,
  hash: sha256Schema,
});
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;

/** `POST /gateway/published` */
export const publishedRequestSchema = z.strictObject({
  published: z.array(acknowledgementSchema).min(1).max(MAX_RECORD_PAGE_ROWS),
});
export const publishedAnswerSchema = z.strictObject({
  /** How many of them matched and are published now (those that already were count too). */
  matched: z.int().nonnegative(),
});

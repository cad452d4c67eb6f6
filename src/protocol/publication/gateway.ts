/** The site database as central reads it: unpublished records out, acknowledgements in (publication rules R1, R2, R6, R8). */
import * as z from 'zod';
import { siteIdSchema, videoIdSchema } from '../ids.ts';
import { MAX_RECORD_PAGE_ROWS } from '../limits.ts';
import { epochSchema } from './epoch.ts';
import { recordSchema, sha256Schema, versionSchema } from './record.ts';

export const recordEntrySchema = z.strictObject({ record: recordSchema, hash: sha256Schema });
/** A record and the SHA-256 of its canonical JSON. */
export type RecordEntry = z.infer<typeof recordEntrySchema>;

/** `GET /gateway/records?limit=`: the oldest unpublished records first. Asked again until `more` is false. */
export const recordPageSchema = z.strictObject({
  site: siteIdSchema,
  epoch: epochSchema,
  records: z.array(recordEntrySchema).max(MAX_RECORD_PAGE_ROWS),
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
  /** R8: the epoch of the page that is acknowledged. Another one is refused. */
  epoch: epochSchema,
  published: z.array(acknowledgementSchema).min(1).max(MAX_RECORD_PAGE_ROWS),
});
export const publishedResponseSchema = z.strictObject({
  /** How many of them matched and are published now (those that already were count too). */
  matched: z.int().nonnegative(),
});

/** `GET /gateway/digest`: what this site holds for published, in one number. */
export const publishedDigestSchema = z.strictObject({
  site: siteIdSchema,
  epoch: epochSchema,
  /** Records that are not published yet. Digests say something only where there are none. */
  unpublished: z.int().nonnegative(),
  /** Published records, tombstones included. */
  records: z.int().nonnegative(),
  /** SetDigest of the published records. */
  digest: sha256Schema,
});
export type PublishedDigest = z.infer<typeof publishedDigestSchema>;

/** The view of the site database that central reads: unpublished records and acknowledgements (publication rules R1, R2, R6, R8). */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from '../base/ids.ts';
import { MAX_RECORD_PAGE_ROWS } from '../base/limits.ts';
import { languageSchema } from '../base/text.ts';
import { epochSchema } from './epoch.ts';
import { recordSchema, sha256Schema, versionSchema } from './record.ts';

/** More than a site accepts in one cue. */
const MAX_CUE_CHARACTERS = 8_000;

export const recordEntrySchema = z.object({ record: recordSchema, hash: sha256Schema });
/** A record and the SHA-256 of its canonical JSON. */
export type RecordEntry = z.infer<typeof recordEntrySchema>;

/** `GET /gateway/records?limit=`: the oldest unpublished records first. Central repeats the call until `more` is false. */
export const recordPageSchema = z.object({
  site: siteIdSchema,
  epoch: epochSchema,
  records: z.array(recordEntrySchema).max(MAX_RECORD_PAGE_ROWS),
  more: z.boolean(),
});
export type RecordPage = z.infer<typeof recordPageSchema>;

/** An acknowledgement names id, version and hash, and marks exactly that content as published (rule R1). */
export const acknowledgementSchema = z.object({
  video: videoIdSchema,
  version: versionSchema,
  hash: sha256Schema,
});
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;

/** `POST /gateway/published` */
export const publishedRequestSchema = z.object({
  /** The epoch of the acknowledged page. A site rejects any other epoch (rule R8). */
  epoch: epochSchema,
  published: z.array(acknowledgementSchema).min(1).max(MAX_RECORD_PAGE_ROWS),
});
export const publishedResponseSchema = z.object({
  /** The number of acknowledgements that matched, including records that were already published. */
  matched: z.int().nonnegative(),
});

/** `GET /gateway/digest`: a digest of the published records of this site. */
export const publishedDigestSchema = z.object({
  site: siteIdSchema,
  epoch: epochSchema,
  /** The number of unpublished records. Digests can be compared only if it is 0. */
  unpublished: z.int().nonnegative(),
  /** The number of published records, including tombstones. */
  records: z.int().nonnegative(),
  /** The SetDigest of the published records. */
  digest: sha256Schema,
});
export type PublishedDigest = z.infer<typeof publishedDigestSchema>;

/** Stands for the language of captions that have none. */
export const UNDETERMINED_LANGUAGE = 'und';
const captionsTagSchema = z.string().regex(/^[0-9a-f]{32}$/);

/** `GET /gateway/captions`: the captions of a video in one language. */
export const captionsQuerySchema = z.object({
  video: videoIdSchema,
  revision: revisionIdSchema,
  /** A BCP 47 tag, or `und`. */
  language: languageSchema,
  /** The tag of the captions that central has. */
  known: captionsTagSchema.optional(),
});
export type CaptionsQuery = z.infer<typeof captionsQuerySchema>;

export const deliveredCaptionsSchema = z.object({
  /** Names the content. */
  tag: captionsTagSchema,
  /** `deliveredCuesSchema` as JSON, compressed with gzip, in base64. Absent if central knows this tag. */
  cues: z.base64().optional(),
});
export type DeliveredCaptions = z.infer<typeof deliveredCaptionsSchema>;

/** Start and end in milliseconds, and the text without markup, in the order of their times. */
export const deliveredCuesSchema = z.array(
  z.tuple([z.int().nonnegative(), z.int().positive(), z.string().max(MAX_CUE_CHARACTERS)]),
);
export type DeliveredCues = z.infer<typeof deliveredCuesSchema>;

/**
 * The handshake of a site with central at every start: it agrees on a new epoch, and the site restores the records that its
 * database has lost (publication rules R7 and R8).
 */
import * as z from 'zod';
import { siteIdSchema, videoIdSchema } from '../base/ids.ts';
import { timestampSchema } from '../base/timestamp.ts';
import { epochSchema, nonceSchema } from './epoch.ts';
import { recordEntrySchema } from './gateway.ts';
import { sha256Schema, versionSchema } from './record.ts';

/** How a site isolates the decoding of untrusted media (docs/untrusted-media.md). */
export const siteConversionSchema = z.object({
  /** The sandbox around ffmpeg. */
  isolation: z.enum(['bubblewrap', 'unshare', 'none']),
  /** True if memory, time and output size are limited. */
  hasLimits: z.boolean(),
});
export type SiteConversion = z.infer<typeof siteConversionSchema>;

export const MAX_HELD_PAGE_ROWS = 2_000;
export const MAX_RESTORED_ROWS = 200;

/** `POST /api/handshakes` (site, signed) */
export const handshakeRequestSchema = z.object({
  /** Nonce of this start of the site. The response must repeat it. */
  start: nonceSchema,
  /** Highest epoch that the site's database knows; 0 for none. Central itself may have been restored from a backup. */
  epoch: z.int().nonnegative(),
  /** SetDigest of the published records. If it equals central's, there is nothing to compare. */
  digest: sha256Schema,
  /** Absent if the site has no ffmpeg. */
  conversion: siteConversionSchema.optional(),
  /** A random id of the site's process, by which central notices two processes with one key. */
  instance: nonceSchema.optional(),
  /** The secret of the site's database from which it makes its video ids. It proves which ids are its own. */
  idSecret: nonceSchema.optional(),
});
export type HandshakeRequest = z.infer<typeof handshakeRequestSchema>;

export const handshakeResponseSchema = z.object({
  epoch: epochSchema,
  /** Highest version that central holds of this site; 0 for none. */
  highestVersion: z.int().nonnegative(),
  /** True if central holds exactly the records of the digest and no video of the site was superseded. */
  same: z.boolean(),
});
export type HandshakeResponse = z.infer<typeof handshakeResponseSchema>;

/** The record that central holds of one video, without its content. */
export const heldSchema = z.object({
  video: videoIdSchema,
  version: versionSchema,
  hash: sha256Schema,
  withdrawn: z.boolean(),
  writtenAt: timestampSchema,
  /** The site that took over this video (docs/copies.md). The site of this record must cede the video. */
  supersededBy: siteIdSchema.optional(),
});
export type HeldRecord = z.infer<typeof heldSchema>;

/** `POST /api/handshakes/held` (site, signed): the records that central holds of this site, ordered by video. */
export const heldQuerySchema = z.object({ epoch: epochSchema, after: videoIdSchema.optional() });
export const heldPageSchema = z.object({
  held: z.array(heldSchema).max(MAX_HELD_PAGE_ROWS),
  more: z.boolean(),
});
export type HeldPage = z.infer<typeof heldPageSchema>;

/** `POST /api/handshakes/records` (site, signed): the content of some of these records. */
export const restoreRequestSchema = z.object({
  epoch: epochSchema,
  videos: z.array(videoIdSchema).min(1).max(MAX_RESTORED_ROWS),
});
export const restoreResponseSchema = z.object({
  /** May be fewer than requested, because the size of a response is limited. Request the others again. */
  records: z.array(recordEntrySchema).max(MAX_RESTORED_ROWS),
});

/** How a site greets central at every start, and takes back what it has forgotten (publication rules R7 and R8). */
import * as z from 'zod';
import { siteIdSchema, videoIdSchema } from '../ids.ts';
import { siteConversionSchema } from '../site.ts';
import { epochSchema, nonceSchema } from './epoch.ts';
import { recordEntrySchema } from './gateway.ts';
import { sha256Schema, timestampSchema, versionSchema } from './record.ts';

export const MAX_HELD_PAGE_ROWS = 2_000;
export const MAX_TAKEN_BACK_ROWS = 200;

/** `POST /api/greetings` (site, signed) */
export const greetingSchema = z.strictObject({
  /** Nonce of this start. The answer must bear it. */
  start: nonceSchema,
  /** Highest epoch that this site database knows of; 0 for none. Central may be the one that was restored. */
  epoch: z.int().nonnegative(),
  /** SetDigest of the published records: where it is central's own, there is nothing to compare. */
  digest: sha256Schema,
  /** Absent where there is no ffmpeg. */
  conversion: siteConversionSchema.optional(),
});
export type Greeting = z.infer<typeof greetingSchema>;

export const greetingAnswerSchema = z.strictObject({
  epoch: epochSchema,
  /** Highest version that central holds of this site; 0 for none. */
  highestVersion: z.int().nonnegative(),
  /** Central holds exactly what the digest says, and has nothing else to tell. */
  same: z.boolean(),
});
export type GreetingAnswer = z.infer<typeof greetingAnswerSchema>;

/** What central holds of one video, without its content. */
export const heldSchema = z.strictObject({
  video: videoIdSchema,
  version: versionSchema,
  hash: sha256Schema,
  withdrawn: z.boolean(),
  writtenAt: timestampSchema,
  /** The video belongs to this site now (docs/copies.md): who published it before holds it no more. */
  supersededBy: siteIdSchema.optional(),
});
export type HeldRecord = z.infer<typeof heldSchema>;

/** `POST /api/greetings/held` (site, signed): the records of this site that central holds, ordered by video. */
export const heldQuerySchema = z.strictObject({ epoch: epochSchema, after: videoIdSchema.optional() });
export const heldPageSchema = z.strictObject({
  held: z.array(heldSchema).max(MAX_HELD_PAGE_ROWS),
  more: z.boolean(),
});
export type HeldPage = z.infer<typeof heldPageSchema>;

/** `POST /api/greetings/records` (site, signed): the content of some of them. */
export const takeBackQuerySchema = z.strictObject({
  epoch: epochSchema,
  videos: z.array(videoIdSchema).min(1).max(MAX_TAKEN_BACK_ROWS),
});
export const takeBackAnswerSchema = z.strictObject({
  /** Fewer than were asked for where they would be too long together: ask again for the rest. */
  records: z.array(recordEntrySchema).max(MAX_TAKEN_BACK_ROWS),
});

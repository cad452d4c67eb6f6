/**
 * `POST /api/hearsay` (tracker, signed): what this tracker has heard of networks since it last told, for what the others have; so
 * that a viewer may ask any of them. With it comes the key of sessions, which any tracker may then carry on.
 */
import * as z from 'zod';
import { siteIdSchema } from './ids.ts';

export const MAX_SUMMARIES = 500;

/** What the viewers of one network prefix measured of one site. */
export const summarySchema = z.strictObject({
  prefix: z.string().regex(/^[0-9a-f.:]{2,43}\/\d{1,3}$/),
  area: z.string().min(1).max(64),
  site: siteIdSchema,
  bps: z.number().positive().max(1e12).optional(),
  rttMs: z.number().nonnegative().max(60_000).optional(),
  weight: z.number().min(0).max(1),
  ageMs: z.number().nonnegative().max(86_400_000),
  /** Since a viewer of this network got nothing from the site, where one has lately. */
  failedMs: z.number().nonnegative().max(86_400_000).optional(),
  /** How many viewers spoke. */
  voices: z.int().min(1).max(100).optional(),
});

export const hearsayExchangeSchema = z.strictObject({
  /** From the answer before; empty at first. */
  after: z.string().max(64),
  summaries: z.array(summarySchema).max(MAX_SUMMARIES),
});
export type HearsayExchange = z.infer<typeof hearsayExchangeSchema>;

export const hearsayAnswerSchema = z.strictObject({
  after: z.string(),
  /** There is more: ask again at once. */
  more: z.boolean(),
  told: z.array(
    z.strictObject({
      tracker: z.string().max(64),
      /** Since it was told. */
      ageMs: z.number().nonnegative(),
      summaries: z.array(summarySchema).max(MAX_SUMMARIES),
    }),
  ),
  /** 32 bytes in base64url. */
  sessionKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

/**
 * Rights to private videos (docs/private-videos.md). A **grant** is what central gives for one video and a time; a tracker takes it
 * and puts **tokens** into the addresses that it answers with, one for each site: `/t/{token}/v/{video}/…`.
 */
import * as z from 'zod';
import { videoIdSchema } from './ids.ts';
import { timestampSchema } from './publication/record.ts';

/** Members' clocks may differ by so much: a right holds this much longer than it says. */
export const CLOCK_TOLERANCE_S = 60;
export const MAX_RIGHTS_PAGE_ROWS = 1_000;

/** A grant, or a token: they have one form. */
export const RIGHT_TEXT = /^[A-Za-z0-9_-]{40}$/;
export const rightTextSchema = z.string().regex(RIGHT_TEXT);
export const grantIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** In seconds since 1970. */
const secondsSchema = z.int().nonnegative().max(0xffff_ffff);

export const rightKeySchema = z.strictObject({
  /** Counts the master's rotations, from 1 to 255 and again from 1. */
  generation: z.int().min(1).max(255),
  /** 32 bytes in base64url: for a site its own, for a tracker the master. */
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** What it signed counts until then; absent of the newest. */
  untilS: secondsSchema.optional(),
});

/**
 * `GET /api/rights?after=N&generation=&wait=` (site or tracker, signed): keys; and what has changed since position N: which videos are
 * private (sites alone are told), which grants were revoked. With `wait` (seconds, at most 25) and nothing to tell, the answer
 * comes as soon as there is something. `generation`: of the newest key that the asker has.
 */
export const rightsPageSchema = z.strictObject({
  /** Ask for what follows this next. Lower than what was asked for where central was restored from a backup. */
  position: z.int().nonnegative(),
  more: z.boolean(),
  /** The newest first. */
  keys: z.array(rightKeySchema).min(1).max(255),
  videos: z.array(z.strictObject({ video: videoIdSchema, isPrivate: z.boolean() })).max(MAX_RIGHTS_PAGE_ROWS),
  revoked: z
    .array(z.strictObject({ grant: grantIdSchema, expiresS: secondsSchema }))
    .max(MAX_RIGHTS_PAGE_ROWS),
});
export type RightsPage = z.infer<typeof rightsPageSchema>;

export const MIN_GRANT_S = 60;
export const MAX_GRANT_S = 366 * 86_400;

/** `POST /api/videos/{id}/grants` (operator) */
export const newGrantSchema = z.strictObject({
  lifetimeS: z.int().min(MIN_GRANT_S).max(MAX_GRANT_S),
  /** For whom, or what for: for operators alone. */
  note: z.string().trim().max(200).default(''),
});

export const grantSchema = z.strictObject({
  id: grantIdSchema,
  video: videoIdSchema,
  note: z.string(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
  revokedAt: timestampSchema.optional(),
  /** What a player shows to a tracker, as `?grant=`. */
  grant: rightTextSchema,
  /** The watch page with the grant, to be handed out. */
  link: z.string(),
  /** Addresses for other players, at the first tracker; absent where none has joined. */
  players: z
    .strictObject({ play: z.string(), hls: z.string(), dash: z.string(), go: z.string(), relay: z.string() })
    .optional(),
});
export type Grant = z.infer<typeof grantSchema>;

/** `GET /api/videos/{id}/grants` (operator): those that hold, newest first. */
export const grantListSchema = z.strictObject({ grants: z.array(grantSchema) });
/** `DELETE /api/videos/{id}/grants` (operator): all of a video. */
export const revocationSchema = z.strictObject({ revoked: z.int().nonnegative() });

/** `POST /api/rights/rotate` (operator): a new master; what the one before has signed counts for so many seconds more. */
export const rotationSchema = z.strictObject({
  keepS: z
    .int()
    .min(0)
    .max(MAX_GRANT_S)
    .default(7 * 86_400),
});
export const rotationAnswerSchema = z.strictObject({ generation: z.int().min(1).max(255) });

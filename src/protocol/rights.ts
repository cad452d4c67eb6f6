/**
 * Rights to private videos (docs/private-videos.md). Central issues a **grant** for one video and a period. A tracker accepts it
 * and puts **tokens** into the addresses in its response, one for each site: `/t/{token}/v/{video}/…`.
 */
import * as z from 'zod';
import { videoIdSchema } from './base/ids.ts';
import { timestampSchema } from './base/timestamp.ts';
import { embedOriginSchema, MAX_EMBED_ORIGINS } from './embedding.ts';
import { peopleChangesSchema } from './people/statements.ts';

/** The tolerated difference between the clocks of members. Grants and tokens are accepted this much longer. */
export const CLOCK_TOLERANCE_S = 60;
export const MAX_RIGHTS_PAGE_ROWS = 1_000;

/** The form of grants and tokens. */
export const RIGHT_TEXT = /^[A-Za-z0-9_-]{40}$/;
export const rightTextSchema = z.string().regex(RIGHT_TEXT);
export const grantIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** Seconds since 1970. */
const secondsSchema = z.int().nonnegative().max(0xffff_ffff);

export const rightKeySchema = z.object({
  /** Counts the rotations of the master key, from 1 to 255 and then again from 1. */
  generation: z.int().min(1).max(255),
  /** 32 bytes in base64url: the site's own key for a site, the master key for a tracker. */
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** Grants and tokens of this key are accepted until then. Absent for the newest key. */
  untilS: secondsSchema.optional(),
});

/**
 * `GET /api/rights?after=N&generation=&people=&wait=` (site or tracker, signed): the keys, and the changes after position N: which
 * videos are private (only for sites), which grants were revoked, and with `people=true` of which people and credentials the
 * statements may be out of date. `generation` names the newest key that the member has. With `wait` (seconds, at most 25), central
 * holds an empty response until there is a change.
 */
export const rightsPageSchema = z.object({
  /** The value of `after` for the next request. It is lower than the requested one if central was restored from a backup. */
  position: z.int().nonnegative(),
  more: z.boolean(),
  /** All valid keys, newest first. */
  keys: z.array(rightKeySchema).min(1).max(255),
  /** `isInternal`: viewers in house networks may watch this private video. Only with `people=true`. */
  videos: z
    .array(
      z.object({
        video: videoIdSchema,
        isPrivate: z.boolean(),
        isInternal: z.literal(true).optional(),
      }),
    )
    .max(MAX_RIGHTS_PAGE_ROWS),
  revoked: z.array(z.object({ grant: grantIdSchema, expiresS: secondsSchema })).max(MAX_RIGHTS_PAGE_ROWS),
  /** Only with `people=true`. */
  people: peopleChangesSchema.optional(),
});
export type RightsPage = z.infer<typeof rightsPageSchema>;

const MIN_GRANT_S = 60;
const MAX_GRANT_S = 366 * 86_400;

/** `POST /api/videos/{id}/grants` (operator) */
export const newGrantSchema = z.strictObject({
  lifetimeS: z.int().min(MIN_GRANT_S).max(MAX_GRANT_S),
  /** A note for operators, for example who gets the link. */
  note: z.string().trim().max(200).default(''),
  /** The origins whose pages may contain the player with this grant. Absent: none. */
  origins: z.array(embedOriginSchema).min(1).max(MAX_EMBED_ORIGINS).optional(),
});

export const grantSchema = z.strictObject({
  id: grantIdSchema,
  video: videoIdSchema,
  note: z.string(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
  revokedAt: timestampSchema.optional(),
  /** The grant itself, which a player presents to a tracker as `?grant=`. */
  grant: rightTextSchema,
  origins: z.array(z.string()).optional(),
  /** The address of the player for pages of these origins; absent if the grant names none. */
  embed: z.string().optional(),
  /** The address of the watch page with the grant, for sharing. */
  link: z.string(),
  /** Addresses for other players, at the first tracker; absent if no tracker has joined. */
  players: z
    .strictObject({ play: z.string(), hls: z.string(), dash: z.string(), go: z.string(), relay: z.string() })
    .optional(),
});
export type Grant = z.infer<typeof grantSchema>;

/** `GET /api/videos/{id}/grants` (operator): the active grants, newest first. */
export const grantListSchema = z.strictObject({
  grants: z.array(grantSchema),
  /** The cursor of the next page; absent on the last one. */
  next: z.string().optional(),
});
/** `DELETE /api/videos/{id}/grants` (operator): revokes all grants of a video. */
export const revocationSchema = z.strictObject({ revoked: z.int().nonnegative() });

/**
 * `POST /api/videos/{id}/viewing`: a grant for a viewer who may watch this video. The same viewer gets the same grant again while it
 * is valid for long enough.
 */
export const viewingSchema = z.strictObject({ grant: rightTextSchema, expiresAt: timestampSchema });
export type Viewing = z.infer<typeof viewingSchema>;

/** `POST /api/rights/rotate` (operator): creates a new master key. Grants of the previous one stay valid for `keepS` seconds. */
export const rotationSchema = z.strictObject({
  keepS: z
    .int()
    .min(0)
    .max(MAX_GRANT_S)
    .default(7 * 86_400),
});
export const rotationResponseSchema = z.strictObject({ generation: z.int().min(1).max(255) });

/** Copies by rule: the rules of the operator, the assignments of sites, and the state of the copies (docs/copies.md). */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './base/ids.ts';
import { timestampSchema } from './base/timestamp.ts';
import { sha256Schema, versionSchema } from './publication/record.ts';

export const MAX_ASSIGNMENT_PAGE_ROWS = 500;

export const assignmentSchema = z.discriminatedUnion('wanted', [
  z.object({
    wanted: z.literal(true),
    video: videoIdSchema,
    /** The home site of the video. If it is the requesting site, its copy has taken over the video. */
    origin: siteIdSchema,
    /** Revision, version and hash of the record at the home site whose bytes are copied. */
    revision: revisionIdSchema,
    version: versionSchema,
    hash: sha256Schema,
    sizeBytes: z.int().positive(),
    reason: z.string(),
  }),
  z.object({ wanted: z.literal(false), video: videoIdSchema, reason: z.string() }),
]);
export type Assignment = z.infer<typeof assignmentSchema>;

/**
 * `GET /api/assignments?after=N&wait=` (site, signed): changes after position N to the set of videos that this site must hold.
 * With `wait` (seconds, at most 25), central holds an empty response until there is a change.
 */
export const assignmentFeedSchema = z.object({
  assignments: z.array(assignmentSchema).max(MAX_ASSIGNMENT_PAGE_ROWS),
  /** The value of `after` for the next request. It is lower than the requested one if central was restored from a backup. */
  position: z.int().nonnegative(),
});
export type AssignmentFeed = z.infer<typeof assignmentFeedSchema>;

export const regionSchema = z.string().trim().min(1).max(60);
/** A set of sites: all, the listed ones, or those of a region. */
export const siteChoiceSchema = z.union([
  z.literal('all'),
  z.strictObject({ sites: z.array(siteIdSchema).min(1).max(1_000) }),
  z.strictObject({ region: regionSchema }),
]);
export type SiteChoice = z.infer<typeof siteChoiceSchema>;

export const placementRuleSchema = z.discriminatedUnion('kind', [
  /** Each video is stored at this minimum number of sites, including its home site. */
  z.strictObject({
    kind: z.literal('at-least'),
    copies: z.int().min(1).max(16),
    inDifferentRegions: z.boolean().default(false),
    /** The sites whose videos the rule covers. Default: all. */
    of: siteChoiceSchema.default('all'),
  }),
  /** The recently most played videos are stored at each of these sites. */
  z.strictObject({
    kind: z.literal('hot'),
    /** The number of most played videos, each with at least `minPlaysADay`. */
    top: z.int().min(1).max(10_000).default(100),
    minPlaysADay: z.number().min(0).max(1e9).default(1),
    at: siteChoiceSchema,
  }),
  /** Videos of these sites are never copied to other sites. */
  z.strictObject({ kind: z.literal('stays'), of: siteChoiceSchema }),
  /** Limits the disk space of copies at each of these sites. */
  z.strictObject({
    kind: z.literal('at-most'),
    bytes: z.int().nonnegative().max(1e16),
    at: siteChoiceSchema,
  }),
  /** Stores this video at this site, whatever the other rules require, unless it may not leave its site or does not fit. */
  z.strictObject({ kind: z.literal('by-hand'), video: videoIdSchema, site: siteIdSchema }),
]);
export type PlacementRule = z.infer<typeof placementRuleSchema>;

export const storedRuleSchema = z.strictObject({
  id: z.string(),
  rule: placementRuleSchema,
  createdAt: timestampSchema,
  /** The rule was removed then. It can be restored until `restorableUntil`. */
  removedAt: timestampSchema.optional(),
  restorableUntil: timestampSchema.optional(),
});
export type StoredRule = z.infer<typeof storedRuleSchema>;
/** `GET /api/placement-rules` (admin), including removed rules that can still be restored. */
export const ruleListSchema = z.strictObject({ rules: z.array(storedRuleSchema) });

/** `POST /api/placement-rules/preview` (admin): a change that is not made. */
export const rulesChangeSchema = z.strictObject({
  add: z.array(placementRuleSchema).max(100).default([]),
  /** Ids of rules. */
  remove: z.array(z.string().max(60)).max(1_000).default([]),
});
/** What the change would delete. A copy in progress counts with the bytes that it would have. */
export const rulesPreviewSchema = z.strictObject({
  copies: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  sites: z.array(
    z.strictObject({
      id: siteIdSchema,
      name: z.string(),
      copies: z.int().nonnegative(),
      bytes: z.int().nonnegative(),
    }),
  ),
  /** Videos that only one site would hold afterwards, and more now. */
  newlyAtRisk: z.int().nonnegative(),
  /** For how long the change can be undone before the first copy is deleted, in seconds. */
  undoS: z.number().nonnegative(),
});
export type RulesPreview = z.infer<typeof rulesPreviewSchema>;

/** Why a site must or must not hold a copy. Each code has a text in the pages. */
export type PlacementReasonCode =
  | 'by-hand'
  | 'at-least'
  | 'hot'
  | 'promoted'
  | 'not-wanted'
  | 'stays'
  | 'over-limit'
  | 'site-unavailable'
  | 'site-down'
  | 'no-space'
  | 'uploads-only'
  | 'too-few';

/** Damage that a site has found in the files of one video. */
export const damageSchema = z.object({
  video: videoIdSchema,
  /** The site's own video, or its copy of another site's video. */
  holding: z.enum(['own', 'copy']),
  foundAt: timestampSchema,
  /** `pending`: the site is fetching the bytes from another site. `impossible`: no other site could provide them so far. */
  repair: z.enum(['pending', 'impossible']),
  detail: z.string().max(500),
});
export type Damage = z.infer<typeof damageSchema>;

/** `code` is a PlacementReasonCode, or one that a newer central has added. */
const why = { code: z.string(), text: z.string() } as const;
const siteName = z.strictObject({ id: siteIdSchema, name: z.string() });
/** One video, its copies, and the sites where a rule requires one. */
export const placementSchema = z.strictObject({
  video: videoIdSchema,
  name: z.string(),
  sizeBytes: z.int().nonnegative(),
  isPrivate: z.literal(true).optional(),
  /** Damage that its sites have found and not repaired yet. */
  damage: z.array(z.strictObject({ site: siteName, ...damageSchema.omit({ video: true }).shape })).optional(),
  origin: siteName,
  /** The number of sites that hold its current revision completely, including its home site. */
  holders: z.int().nonnegative(),
  copies: z.array(
    z.strictObject({
      site: siteName,
      state: z.enum(['complete', 'outdated', 'copying', 'leaving']),
      /** For `leaving`: when the copy will be deleted. */
      endsAt: timestampSchema.optional(),
      ...why,
    }),
  ),
  /** Sites where a rule requires a copy, and why there will be none. */
  refused: z.array(z.strictObject({ site: siteName, ...why })),
  /** Rules that are not fulfilled, each with a sentence. */
  unmet: z.array(z.strictObject(why)),
});
export type Placement = z.infer<typeof placementSchema>;

/** `GET /api/copies` (admin): where videos are stored, which are at risk, and which copies would be evicted next. */
export const copyReportSchema = z.strictObject({
  videos: z.int().nonnegative(),
  copies: z.int().nonnegative(),
  /** The number of videos that only one site holds. */
  atRisk: z.int().nonnegative(),
  placements: z.array(placementSchema),
  more: z.boolean(),
  sites: z.array(
    z.strictObject({
      ...siteName.shape,
      region: z.string().optional(),
      copies: z.int().nonnegative(),
      bytes: z.int().nonnegative(),
      /** The lowest limit that a rule sets. */
      limitBytes: z.int().nonnegative().optional(),
      /** The copies that would be evicted next if space ran out, in order. */
      nextEvictions: z.array(z.strictObject({ video: videoIdSchema, name: z.string(), ...why })),
    }),
  ),
});
export type CopyReport = z.infer<typeof copyReportSchema>;

/** `POST /api/sites/{id}/lost` (admin): the site is lost for good. */
export const lossResponseSchema = z.strictObject({
  /** Videos that continue from a complete copy, and the site of that copy. */
  promoted: z.array(z.strictObject({ video: videoIdSchema, name: z.string(), to: siteName })),
  /** Videos without a complete copy elsewhere. */
  lost: z.array(z.strictObject({ video: videoIdSchema, name: z.string() })),
});
export type LossResponse = z.infer<typeof lossResponseSchema>;

export const MAX_REPORTED_DAMAGE = 500;

/**
 * `POST /api/storage-reports` (site, signed): the space that the site has for copies, and the damage in its files. It is sent
 * after a change and every minute. Unknown members are ignored.
 */
export const storageReportSchema = z.object({
  /** Space that copies may still use. */
  freeBytes: z.int().nonnegative(),
  /** False if the site only takes uploads: it serves other sites, but no viewers. */
  servesViewers: z.boolean(),
  damage: z.array(damageSchema).max(MAX_REPORTED_DAMAGE),
});
export type StorageReport = z.infer<typeof storageReportSchema>;

/**
 * The query of `POST /api/plays`. It identifies the delivery, so that a repeated one is counted once. An older central ignores it,
 * and an older tracker does not send it.
 */
export const playDeliverySchema = z.object({
  /** Random for each start of the tracker. */
  epoch: z.string().regex(/^[A-Za-z0-9_-]{8,40}$/, 'must be 8 to 40 characters of base64url'),
  /** Increases with each delivery of this epoch. */
  sequence: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** The day of the plays (UTC) as the number of days since 1970, by the tracker's clock. */
  day: z.coerce.number().int().min(0).max(1e6),
});
export type PlayDelivery = z.infer<typeof playDeliverySchema>;

/** `POST /api/plays` (tracker, signed): how often each video was played since the last delivery. */
export const playCountsSchema = z.object({
  plays: z.array(z.object({ video: videoIdSchema, count: z.int().positive().max(1e9) })).max(1_000),
});

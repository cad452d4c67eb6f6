/** Copies by rule: what an operator wants to be where, what a site is told to hold, and what of it stands (docs/copies.md). */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './ids.ts';
import { sha256Schema, timestampSchema, versionSchema } from './publication/record.ts';

export const MAX_ASSIGNMENT_PAGE_ROWS = 500;

export const assignmentSchema = z.discriminatedUnion('wanted', [
  z.strictObject({
    wanted: z.literal(true),
    video: videoIdSchema,
    /** The site whose video it is. Where that is the asking site itself, its copy has become the video. */
    origin: siteIdSchema,
    /** Of the origin's present record: its bytes are what the copy is of. */
    revision: revisionIdSchema,
    version: versionSchema,
    hash: sha256Schema,
    sizeBytes: z.int().positive(),
    reason: z.string(),
  }),
  z.strictObject({ wanted: z.literal(false), video: videoIdSchema, reason: z.string() }),
]);
export type Assignment = z.infer<typeof assignmentSchema>;

/**
 * `GET /api/assignments?after=N&wait=` (site, signed): what changed since position N of what this site is to hold. With `wait`
 * (seconds, at most 25) and nothing to tell, the answer comes as soon as there is something.
 */
export const assignmentFeedSchema = z.strictObject({
  assignments: z.array(assignmentSchema).max(MAX_ASSIGNMENT_PAGE_ROWS),
  /** Ask for what follows this next. Lower than what was asked for where central was restored from a backup. */
  position: z.int().nonnegative(),
});
export type AssignmentFeed = z.infer<typeof assignmentFeedSchema>;

export const regionSchema = z.string().trim().min(1).max(60);
/** Which sites: all, these, or those of a region. */
export const siteChoiceSchema = z.union([
  z.literal('all'),
  z.strictObject({ sites: z.array(siteIdSchema).min(1).max(1_000) }),
  z.strictObject({ region: regionSchema }),
]);
export type SiteChoice = z.infer<typeof siteChoiceSchema>;

export const placementRuleSchema = z.discriminatedUnion('kind', [
  /** Each video stands at that many sites at least, its own counted. */
  z.strictObject({
    kind: z.literal('at-least'),
    copies: z.int().min(1).max(16),
    inDifferentRegions: z.boolean().default(false),
    /** Of videos of these sites; of all where it is absent. */
    of: siteChoiceSchema.default('all'),
  }),
  /** What was played most lately stands at each of these sites. */
  z.strictObject({
    kind: z.literal('hot'),
    /** The most played ones, and played that often a day at least. */
    top: z.int().min(1).max(10_000).default(100),
    minPlaysADay: z.number().min(0).max(1e9).default(1),
    at: siteChoiceSchema,
  }),
  /** Nothing of these sites is copied anywhere. */
  z.strictObject({ kind: z.literal('stays'), of: siteChoiceSchema }),
  /** Copies take at most so much at each of these sites. */
  z.strictObject({
    kind: z.literal('at-most'),
    bytes: z.int().nonnegative().max(1e16),
    at: siteChoiceSchema,
  }),
  /** This video, at that site: whatever the others say, but for what may not leave and what does not fit. */
  z.strictObject({ kind: z.literal('by-hand'), video: videoIdSchema, site: siteIdSchema }),
]);
export type PlacementRule = z.infer<typeof placementRuleSchema>;

export const storedRuleSchema = z.strictObject({
  id: z.string(),
  rule: placementRuleSchema,
  createdAt: timestampSchema,
});
export type StoredRule = z.infer<typeof storedRuleSchema>;
/** `GET /api/placement-rules` (admin) */
export const ruleListSchema = z.strictObject({ rules: z.array(storedRuleSchema) });

const why = { code: z.string(), text: z.string() } as const;
const siteName = z.strictObject({ id: siteIdSchema, name: z.string() });
/** One video, and where it stands and is to stand. */
export const placementSchema = z.strictObject({
  video: videoIdSchema,
  name: z.string(),
  sizeBytes: z.int().nonnegative(),
  isPrivate: z.literal(true).optional(),
  origin: siteName,
  /** Sites that hold it whole, in its present revision, the origin counted. */
  holders: z.int().nonnegative(),
  copies: z.array(
    z.strictObject({
      site: siteName,
      state: z.enum(['complete', 'outdated', 'copying', 'leaving']),
      ...why,
    }),
  ),
  /** Sites that a rule would have it at, and why it is not to be there. */
  refused: z.array(z.strictObject({ site: siteName, ...why })),
  /** Rules that are not met, in sentences. */
  unmet: z.array(z.strictObject(why)),
});
export type Placement = z.infer<typeof placementSchema>;

/** `GET /api/copies` (admin): what stands where, what is at risk, what would go next. */
export const copyReportSchema = z.strictObject({
  videos: z.int().nonnegative(),
  copies: z.int().nonnegative(),
  /** Videos that one site alone holds: `atRisk` of them, the first of which are listed. */
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
      /** What would go next if room were needed, first one first. */
      nextEvictions: z.array(z.strictObject({ video: videoIdSchema, name: z.string(), ...why })),
    }),
  ),
});
export type CopyReport = z.infer<typeof copyReportSchema>;

/** `POST /api/sites/{id}/lost` (admin): this site will not come back. */
export const lossAnswerSchema = z.strictObject({
  /** Videos whose copy becomes the video, and where. */
  promoted: z.array(z.strictObject({ video: videoIdSchema, name: z.string(), to: siteName })),
  /** Videos that nobody else holds whole. */
  lost: z.array(z.strictObject({ video: videoIdSchema, name: z.string() })),
});
export type LossAnswer = z.infer<typeof lossAnswerSchema>;

/** `POST /api/plays` (tracker, signed): how often videos were begun since it last told. */
export const playCountsSchema = z.strictObject({
  plays: z.array(z.strictObject({ video: videoIdSchema, count: z.int().positive().max(1e9) })).max(1_000),
});
export type PlayCounts = z.infer<typeof playCountsSchema>;

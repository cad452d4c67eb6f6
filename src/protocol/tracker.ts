/** The tracker's calls (contract: Tracker). */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './ids.ts';
import { addressSchema } from './publication/record.ts';
import { rightTextSchema } from './rights.ts';

/** What a sentence tells, for pages that put it into other words. */
export const figuresSchema = z
  .strictObject({
    km: z.number(),
    /** The network prefix that a coverage zone names. */
    prefix: z.string(),
    expectedBps: z.number(),
    measuredBps: z.number(),
    /** What would have to be expected. */
    neededBps: z.number(),
    ageS: z.number(),
    responses: z.number(),
    egressBps: z.number(),
    limitBps: z.number(),
    /** Expected of viewers who were just sent. */
    soonBps: z.number(),
    /** 0–1, above 1 too: of the limit, or of the reports. */
    share: z.number(),
    weight: z.number(),
    /** Sites that keep the video, and answer. */
    holders: z.number(),
    /** The site says so itself, not its administrator. */
    own: z.boolean(),
    /** Of another site. */
    name: z.string(),
  })
  .partial();
export type Figures = z.infer<typeof figuresSchema>;

/** Why a site stands where it stands in a ranking: a stable code, a sentence in English, and the figures in it. */
export const reasonSchema = z.strictObject({
  code: z.enum([
    'coverage-zone',
    'distance',
    'distance-unknown',
    'measured-network',
    'expected-network',
    'exploring',
    'holds-original',
    'partly-buffered',
    'fills-from-holder',
    'load',
    'full',
    'weight',
    'drained',
    'failing-for-viewers',
    'shaky',
    'proving',
    'site-down',
    'site-inactive',
    'asking-site',
  ]),
  text: z.string(),
  figures: figuresSchema.optional(),
});
export type Reason = z.infer<typeof reasonSchema>;

/** What would bring a site to the first place, or take it from there. */
export const rankChangeSchema = z.strictObject({
  code: z.enum([
    'join',
    'answer-probes',
    'only-failure',
    'falls',
    'falls-never',
    'stay-up',
    'undrained',
    'room',
    'succeed',
    'nearer',
    'rises',
    'rises-never',
    'heavier',
    'hold-video',
  ]),
  text: z.string(),
  figures: figuresSchema.optional(),
});
export type RankChange = z.infer<typeof rankChangeSchema>;

/** One place to play from. */
export const sourceSchema = z.strictObject({
  site: siteIdSchema,
  name: z.string(),
  /** The source server's IP address and port. */
  address: addressSchema,
  baseUrl: z.string(),
  /** URL of the site's own multivariant playlist. */
  hls: z.string(),
  /** URL of the site's own MPD; null until this video has one. */
  dash: z.string().nullable(),
  /** Of a private video: every file of it is below `{baseUrl}/t/{token}/v/…` at this site; in `hls` and `dash` it is already. */
  token: rightTextSchema.optional(),
  /** The decisive reason, in a sentence. */
  reason: z.string(),
  reasons: z.array(reasonSchema),
  /** 0–1, higher is better; for display: the order of the list is the decision. */
  score: z.number().min(0).max(1),
});
export type Source = z.infer<typeof sourceSchema>;

/** `GET /play/{id}` */
export const playAnswerSchema = z.strictObject({
  video: videoIdSchema,
  revision: revisionIdSchema,
  name: z.string(),
  sources: z.array(sourceSchema).min(1),
  /** URL of the steered multivariant playlist with the ranked sites as pathways. */
  hls: z.string(),
  dash: z.string().nullable(),
  /** URL of the steering manifest. */
  steering: z.string(),
  /** Asking again with `?session=` goes on with this viewing, and reports made in its name are believed. */
  session: z.string(),
  /** Who made the video's bytes: they are signed with its key, whichever site they come from (kernel/proofs.ts). */
  origin: z.strictObject({ site: siteIdSchema, publicKey: z.string().optional() }).optional(),
  isPrivate: z.literal(true).optional(),
});
export type PlayAnswer = z.infer<typeof playAnswerSchema>;

/** `GET /explain/{id}?client=IP` (operator): the whole ranking, those left out too. */
export const explanationSchema = z.strictObject({
  video: videoIdSchema,
  client: z.string(),
  policy: z.enum(['nearest', 'best-network', 'auto']),
  /** Where the viewer is taken to be, and how that is known. */
  viewer: z.strictObject({
    zoneSite: siteIdSchema.optional(),
    zonePrefix: z.string().optional(),
    latitude: z.number().optional(),
    longitude: z.number().optional(),
    asn: z.number().optional(),
    /** What the viewer is remembered by, and the wider network it belongs to. */
    prefix: z.string().optional(),
    area: z.string().optional(),
    /** The best that this network lately had from any site. */
    lineBps: z.number().optional(),
  }),
  ranking: z.array(
    z.strictObject({
      site: siteIdSchema,
      name: z.string(),
      offered: z.boolean(),
      score: z.number(),
      holds: z.boolean(),
      up: z.boolean(),
      distanceKm: z.number().optional(),
      load: z.number(),
      reasons: z.array(reasonSchema),
      inputs: z.strictObject({
        holding: z.enum(['full', 'partial', 'nothing']),
        /** What a viewer is expected to get, and what that would be by distance alone. */
        expectedBps: z.number(),
        usualBps: z.number(),
        measured: z
          .strictObject({ bps: z.number(), reports: z.number(), ageS: z.number(), failing: z.boolean() })
          .optional(),
        egressBps: z.number(),
        sentBps: z.number(),
        egressLimitBps: z.number().optional(),
        failureShare: z.number(),
        proofLeftMs: z.number(),
        weight: z.number(),
        drained: z.boolean(),
        failoverOrder: z.number(),
      }),
      changes: z.array(rankChangeSchema),
    }),
  ),
});
export type Explanation = z.infer<typeof explanationSchema>;

/** `POST /dry-run` (operator): what a planned change would do, judged by the viewers of the last hour. Nothing is changed. */
export const plannedChangeSchema = z.strictObject({
  sites: z
    .array(
      z.strictObject({
        site: siteIdSchema,
        /** As if it did not answer. */
        down: z.boolean().optional(),
        drained: z.boolean().optional(),
        weight: z.number().min(0).max(100).optional(),
        failoverOrder: z.int().optional(),
        egressLimitBps: z.int().positive().optional(),
      }),
    )
    .max(1_000)
    .default([]),
  zones: z
    .array(z.strictObject({ site: siteIdSchema, prefix: z.string().max(50) }))
    .max(10_000)
    .default([]),
  policy: z.enum(['nearest', 'best-network', 'auto']).optional(),
});
export const dryRunSchema = z.strictObject({
  /** Networks and viewers that were asked about; viewers fade with the time since they began. */
  networks: z.int().nonnegative(),
  viewers: z.number(),
  /** 0–1: the share of viewers who would be sent elsewhere. */
  movedShare: z.number(),
  sites: z.array(
    z.strictObject({ site: siteIdSchema, name: z.string(), before: z.number(), after: z.number() }),
  ),
  moves: z.array(
    z.strictObject({ from: siteIdSchema.nullable(), to: siteIdSchema.nullable(), share: z.number() }),
  ),
});
export type PlannedChange = z.infer<typeof plannedChangeSchema>;
export type DryRun = z.infer<typeof dryRunSchema>;

/** RFC 8216bis, section 7.2. */
export const pathwayCloneSchema = z.strictObject({
  'BASE-ID': z.string(),
  ID: z.string(),
  'URI-REPLACEMENT': z.strictObject({ HOST: z.string() }),
});
export type PathwayClone = z.infer<typeof pathwayCloneSchema>;

/** HLS steering manifest, version 1 (RFC 8216bis, section 7.1). */
export const steeringManifestSchema = z.strictObject({
  VERSION: z.literal(1),
  /** Seconds until the player asks again. */
  TTL: z.int().positive(),
  'RELOAD-URI': z.string(),
  'PATHWAY-PRIORITY': z.array(z.string()).min(1),
  'PATHWAY-CLONES': z.array(pathwayCloneSchema).min(1).optional(),
});
export type SteeringManifest = z.infer<typeof steeringManifestSchema>;

/** What our own player measured of one site: a segment it played, or a small sample that it was asked for. */
export const beaconResultSchema = z.strictObject({
  site: siteIdSchema,
  kind: z.enum(['segment', 'sample']),
  /** Of a sample: the time of a small request over an open connection. */
  rttMs: z.number().min(0).max(60_000).optional(),
  /** Of a segment: its size over its time. Of a sample: the rate at which its bytes came in. */
  bps: z.number().positive().max(1e12).optional(),
  /** Nothing came, or not in time. */
  failed: z.boolean().optional(),
});
export type BeaconResult = z.infer<typeof beaconResultSchema>;

/** `POST /beacon/{session}`: the player tells what it measured, and is told what it should measure. */
export const beaconSchema = z.strictObject({
  /** The site that serves the player now. */
  current: siteIdSchema.optional(),
  results: z.array(beaconResultSchema).max(32),
});
export const beaconAnswerSchema = z.strictObject({
  /** Sites of which a small sample is wanted. */
  measure: z.array(z.strictObject({ site: siteIdSchema, url: z.string() })),
  /** The pathways in the order of now, as a steering manifest has them; empty where the tracker has nothing to say. */
  priority: z.array(z.string()),
  /** Seconds until the next beacon. */
  againS: z.number().positive(),
});
export type BeaconAnswer = z.infer<typeof beaconAnswerSchema>;

/** `POST /reports` (site, signed): what viewers told the site, and which videos it served. */
export const siteReportSchema = z.strictObject({
  viewers: z
    .array(z.strictObject({ client: z.string().max(64), bps: z.number().positive().max(1e12) }))
    .max(500),
  videos: z.array(videoIdSchema).max(200),
});
export type SiteReport = z.infer<typeof siteReportSchema>;

/** `GET /status` */
export const trackerStatusSchema = z.strictObject({
  videos: z.int().nonnegative(),
  sites: z.array(
    z.strictObject({
      site: siteIdSchema,
      name: z.string(),
      baseUrl: z.string(),
      up: z.boolean(),
      /** Median of the recent probes' round trips. */
      probeMs: z.number().optional(),
      since: z.string(),
      lastError: z.string().optional(),
    }),
  ),
  /** Change-feed position; `connected` says whether central answers. */
  position: z.int().nonnegative(),
  connected: z.boolean(),
});

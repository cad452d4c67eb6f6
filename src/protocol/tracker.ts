/** The requests and responses of the tracker's calls. */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './base/ids.ts';
import { addressSchema } from './publication/record.ts';
import { rightTextSchema } from './rights.ts';

/** The figures in a sentence, for pages that render it in another language. */
export const figuresSchema = z
  .strictObject({
    km: z.number(),
    /** The viewer's network prefix, as the coverage zone lists it. */
    prefix: z.string(),
    expectedBps: z.number(),
    measuredBps: z.number(),
    /** Expected throughput that would bring the change about. */
    neededBps: z.number(),
    ageS: z.number(),
    responses: z.number(),
    egressBps: z.number(),
    limitBps: z.number(),
    /** Expected from viewers who were just assigned to the site. */
    assignedBps: z.number(),
    /** Share of the egress limit (which can exceed 1) or of the reports. */
    share: z.number(),
    weight: z.number(),
    /** Number of sites that have the whole video and are up. */
    holders: z.number(),
    /** True if the site's own configuration is the reason, not its administrator. */
    own: z.boolean(),
    /** Name of another site. */
    name: z.string(),
  })
  .partial();
export type Figures = z.infer<typeof figuresSchema>;

/** `GET /nearest`: the site that is nearest to the viewer. */
export const nearestSiteSchema = z.strictObject({
  /** `km`: the distance; absent if the site covers the viewer's network. */
  site: z
    .strictObject({ id: siteIdSchema, name: z.string(), km: z.int().nonnegative().optional() })
    .optional(),
});
export type NearestSite = z.infer<typeof nearestSiteSchema>;

/** Why a site has its rank: a stable code, a sentence in English, and the figures in it. */
export const reasonSchema = z.object({
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
    'degraded',
    'recovering',
    'site-down',
    'site-inactive',
    'requesting-site',
  ]),
  text: z.string(),
  figures: figuresSchema.optional(),
});
export type Reason = z.infer<typeof reasonSchema>;

/** A change that would move a site to the first rank, or away from it. */
export const rankChangeSchema = z.strictObject({
  code: z.enum([
    'join',
    'respond-to-probes',
    'only-failure',
    'falls',
    'falls-never',
    'stay-up',
    'end-drain',
    'headroom',
    'succeed',
    'nearer',
    'rises',
    'rises-never',
    'raise-weight',
    'hold-video',
  ]),
  text: z.string(),
  figures: figuresSchema.optional(),
});
export type RankChange = z.infer<typeof rankChangeSchema>;

/** One site to play from. */
export const sourceSchema = z.object({
  site: siteIdSchema,
  name: z.string(),
  /** The source server's IP address and port. */
  address: addressSchema,
  baseUrl: z.string(),
  /** URL of the site's own multivariant playlist. */
  hls: z.string(),
  /** URL of the site's own MPD; null until this video has one. */
  dash: z.string().nullable(),
  /** Only for a private video: its files are below `{baseUrl}/t/{token}/v/…` at this site. `hls` and `dash` include the token. */
  token: rightTextSchema.optional(),
  /** The decisive reason as a sentence. */
  reason: z.string(),
  reasons: z.array(reasonSchema),
  /** 0–1, higher is better. For display only: the order of the list is the decision. */
  score: z.number().min(0).max(1),
});
export type Source = z.infer<typeof sourceSchema>;

/** `GET /play/{id}` */
export const playResponseSchema = z.object({
  video: videoIdSchema,
  revision: revisionIdSchema,
  name: z.string(),
  sources: z.array(sourceSchema).min(1),
  /** URL of the steered multivariant playlist with the ranked sites as pathways. */
  hls: z.string(),
  dash: z.string().nullable(),
  /** URL of the steering manifest. */
  steering: z.string(),
  /** A request with `?session=` continues this session. The tracker accepts reports that carry it. */
  session: z.string(),
  /** The site that created the video's bytes. They are signed with its key, whichever site serves them. */
  origin: z.object({ site: siteIdSchema, publicKey: z.string().optional() }).optional(),
  isPrivate: z.literal(true).optional(),
});
export type PlayResponse = z.infer<typeof playResponseSchema>;

/** `GET /explain/{id}?client=IP` (operator): the whole ranking, including sites that are not offered. */
export const explanationSchema = z.strictObject({
  video: videoIdSchema,
  client: z.string(),
  policy: z.enum(['nearest', 'best-network', 'auto']),
  /** The assumed location of the viewer, and its source. */
  viewer: z.strictObject({
    zoneSite: siteIdSchema.optional(),
    zonePrefix: z.string().optional(),
    latitude: z.number().optional(),
    longitude: z.number().optional(),
    asn: z.number().optional(),
    /** The prefix by which the tracker remembers the viewer, and the wider network that contains it. */
    prefix: z.string().optional(),
    widerNetwork: z.string().optional(),
    /** The best recent throughput of this network from any site. */
    accessLinkBps: z.number().optional(),
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
        /** The expected throughput, and what it would be from the distance only. */
        expectedBps: z.number(),
        priorBps: z.number(),
        measured: z
          .strictObject({ bps: z.number(), reports: z.number(), ageS: z.number(), failing: z.boolean() })
          .optional(),
        egressBps: z.number(),
        assignedBps: z.number(),
        egressLimitBps: z.number().optional(),
        failureShare: z.number(),
        recoveryLeftMs: z.number(),
        weight: z.number(),
        drained: z.boolean(),
        failoverOrder: z.number(),
      }),
      changes: z.array(rankChangeSchema),
    }),
  ),
});
export type Explanation = z.infer<typeof explanationSchema>;

/** `POST /dry-run` (operator): the effect of a planned change on the viewers of the last hour. Nothing is changed. */
export const plannedChangeSchema = z.strictObject({
  sites: z
    .array(
      z.strictObject({
        site: siteIdSchema,
        /** Treats the site as down. */
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
  /** Networks and viewers in the sample. The count of viewers decays with the time since they started. */
  networks: z.int().nonnegative(),
  viewers: z.number(),
  /** 0–1: the share of viewers who would be sent to another site. */
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
  /** Seconds until the player requests the manifest again. */
  TTL: z.int().positive(),
  'RELOAD-URI': z.string(),
  'PATHWAY-PRIORITY': z.array(z.string()).min(1),
  'PATHWAY-CLONES': z.array(pathwayCloneSchema).min(1).optional(),
});
export type SteeringManifest = z.infer<typeof steeringManifestSchema>;

/** A measurement of one site by our own player: a segment that it played, or a small sample that the tracker requested. */
export const beaconResultSchema = z.strictObject({
  site: siteIdSchema,
  kind: z.enum(['segment', 'sample']),
  /** For a sample: the time of a small request over an open connection. */
  rttMs: z.number().min(0).max(60_000).optional(),
  /** For a segment: its size divided by its load time. For a sample: the rate at which its bytes arrived. */
  bps: z.number().positive().max(1e12).optional(),
  /** The player received nothing, or not in time. */
  failed: z.boolean().optional(),
  /** With `failed`: the browser does not let the page connect to this site. The site is not the cause. */
  blocked: z.literal(true).optional(),
});
export type BeaconResult = z.infer<typeof beaconResultSchema>;

/** `POST /beacon/{session}`: the player reports its measurements, and the response requests new ones. */
export const beaconSchema = z.strictObject({
  /** The site that currently serves the player. */
  current: siteIdSchema.optional(),
  results: z.array(beaconResultSchema).max(32),
});
export const beaconResponseSchema = z.strictObject({
  /** Sites from which the player should load a small sample. */
  measure: z.array(z.strictObject({ site: siteIdSchema, url: z.string() })),
  /** The pathways in their current order, as in a steering manifest. Empty if the tracker does not know the session. */
  priority: z.array(z.string()),
  /** Seconds until the next beacon. */
  nextInS: z.number().positive(),
});
export type BeaconResponse = z.infer<typeof beaconResponseSchema>;

/** `POST /reports` (site, signed): what viewers reported to the site, and which videos it served. */
export const siteReportSchema = z.object({
  viewers: z.array(z.object({ client: z.string().max(64), bps: z.number().positive().max(1e12) })).max(500),
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
      /** Median round trip of the recent probes, milliseconds. */
      probeMs: z.number().optional(),
      since: z.string(),
      lastError: z.string().optional(),
    }),
  ),
  /** Change-feed position. `connected` is true if the last request to central succeeded. */
  position: z.int().nonnegative(),
  connected: z.boolean(),
});

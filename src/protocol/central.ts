/** The calls of central, its change feed, and the enrolment of members. */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './base/ids.ts';
import { nameSchema } from './base/text.ts';
import { timestampSchema } from './base/timestamp.ts';
import { hitsSchema } from './catalogue/search.ts';
import { regionSchema } from './copies.ts';
import { picturesSchema, renditionSchema } from './media/media.ts';
import { audienceSchema, videoGroupsSchema } from './people/audience.ts';
import { detailsShape } from './publication/details.ts';
import { epochSchema } from './publication/epoch.ts';
import { siteConversionSchema } from './publication/handshake.ts';
import {
  addressSchema,
  privateSchema,
  recordedOwnerSchema,
  recordedSeriesSchema,
  versionSchema,
} from './publication/record.ts';

/** `GET /api/videos/{id}` */
export const videoSchema = z.strictObject({
  id: videoIdSchema,
  revision: revisionIdSchema,
  version: versionSchema,
  name: z.string(),
  description: z.string(),
  language: z.string().optional(),
  sizeBytes: z.int().positive(),
  bitrateBps: z.int().positive(),
  durationMs: z.int().positive(),
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
  codecs: z.array(z.string()),
  renditions: z.array(renditionSchema),
  pictures: picturesSchema.optional(),
  path: z.string(),
  sourceAddress: addressSchema,
  site: z.strictObject({ id: siteIdSchema, name: z.string() }),
  copies: z.array(
    z.strictObject({ site: siteIdSchema, address: addressSchema, state: z.enum(['origin', 'complete']) }),
  ),
  state: z.enum(['registered', 'published', 'withdrawn']),
  /** Whether a site that holds the video is up, by the reports of the trackers. `since`: for `down` and `unknown`. */
  holders: z
    .strictObject({ state: z.enum(['up', 'down', 'unknown']), since: timestampSchema.optional() })
    .optional(),
  visibility: privateSchema,
  audience: audienceSchema,
  /** The groups that may watch the video, if its audience is `groups`. */
  groups: videoGroupsSchema.optional(),
  owner: recordedOwnerSchema.optional(),
  series: recordedSeriesSchema.optional(),
  ...detailsShape,
  /** How often a public video was played in the last seven days, if it was. */
  playsThisWeek: z.int().positive().optional(),
  createdAt: timestampSchema,
  publishedAt: timestampSchema,
  registeredAt: timestampSchema.optional(),
  /** In the response to a search: where the video matches. */
  hits: hitsSchema,
});
export type Video = z.infer<typeof videoSchema>;

/** `GET /api/videos`. A page may have fewer videos than asked for, although there are more: `next` says so. */
export const videoListSchema = z.strictObject({ videos: z.array(videoSchema), next: z.string().optional() });

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
  .refine(url => {
    const { pathname, search, hash, username, password } = new URL(url);
    return pathname === '/' && search === '' && hash === '' && username === '' && password === '';
  }, 'must have only scheme, host and port, e.g. https://video.example.edu')
  .transform(url => new URL(url).origin);
/** Scheme, host and port of a part, without a trailing slash. */
export const baseUrlSchema = httpUrl;

/** A network prefix of a coverage zone, such as `192.0.2.0/24` or `2001:db8::/32`. */
export const prefixSchema = z
  .union([z.cidrv4(), z.cidrv6()])
  .describe('network prefix in CIDR notation, e.g. 10.1.0.0/16 or 2001:db8::/32');

export const coordinatesSchema = z.strictObject({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
});
export type Coordinates = z.infer<typeof coordinatesSchema>;

/** How an administrator weights a site in the choice of the trackers. */
export const sitePolicySchema = z.strictObject({
  /** Default 1. A weight of 2 counts double; 0 makes the site a last resort. */
  weight: z.number().min(0).max(100),
  /** The site gets no more viewers, and its current viewers are moved while any other site can serve them. */
  drained: z.boolean(),
  /** Among equally good sites, the one with the lowest value comes first. */
  failoverOrder: z.int().min(-1_000).max(1_000),
  /** The uplink that the site may use, in bits per second. */
  egressLimitBps: z.int().positive().max(1e13),
});

export type SitePolicy = z.infer<typeof sitePolicySchema>;
/** `null` removes a value that was set. */
export const sitePolicyEditSchema = z
  .strictObject({
    ...sitePolicySchema.shape,
    egressLimitBps: sitePolicySchema.shape.egressLimitBps.nullable(),
  })
  .partial();
export type SitePolicyEdit = z.infer<typeof sitePolicyEditSchema>;

/** `POST /api/sites` (admin) */
export const newSiteSchema = z.strictObject({
  name: nameSchema,
  baseUrl: baseUrlSchema,
  coordinates: coordinatesSchema.optional(),
  /** Coverage zone: the networks that this site serves first. */
  zone: z.array(prefixSchema).max(10_000).default([]),
  region: regionSchema.optional(),
});

/** The state of publication for one site. */
const sitePublicationSchema = z.strictObject({
  /** The number of the site's current epoch; 0 before its first handshake. */
  epoch: z.int().nonnegative(),
  handshakeAt: timestampSchema.optional(),
  /** Why central accepts no records of this site until its next handshake. */
  waitsBecause: z.string().optional(),
  /** When the digests of the site and of central were last equal, and over how many records. */
  completeAt: timestampSchema.optional(),
  completeRecords: z.int().nonnegative().optional(),
  /** When the digests were found to differ; absent when they are equal again. */
  differedAt: timestampSchema.optional(),
});

export const siteSchema = z.strictObject({
  id: siteIdSchema,
  name: z.string(),
  baseUrl: z.string(),
  coordinates: coordinatesSchema.optional(),
  zone: z.array(z.string()),
  /** The values that were set; the others have their defaults. */
  policy: sitePolicySchema.partial(),
  /** `invited`: has not joined yet. `up` and `down` come from the probes of the trackers; `unknown`: no tracker has reported. */
  state: z.enum(['invited', 'up', 'down', 'unknown', 'revoked']),
  /** For `down`: since when. For `unknown`: when a tracker last reported the site, if ever. */
  stateSince: timestampSchema.optional(),
  createdAt: timestampSchema,
  joinedAt: timestampSchema.optional(),
  lastSignalAt: timestampSchema.optional(),
  lastCollectedAt: timestampSchema.optional(),
  lastError: z.string().optional(),
  /** The problem code of `lastError`. */
  lastErrorCode: z.string().optional(),
  publication: sitePublicationSchema.optional(),
  /** Processes that run with the key of this site besides the one that central accepts. Only operators see them. */
  clones: z.array(z.strictObject({ address: z.string(), since: timestampSchema })).optional(),
  /** As reported at the site's last start. Only operators see it, because it shows where an attack would succeed. */
  conversion: siteConversionSchema.optional(),
  /** The number of received signals that are not handled yet. */
  pendingSignals: z.int().nonnegative(),
  /** How far central is behind this site, in milliseconds: the age of the oldest unhandled signal, or 0. */
  lagMs: z.int().nonnegative(),
  /**
   * The number of videos of this site, and of its complete copies of other sites' videos, as known to central. Only those who may
   * manage the site see the numbers of all; others see those of public videos.
   */
  videos: z.int().nonnegative(),
  copies: z.int().nonnegative(),
  /** A rule can require copies in different regions (docs/copies.md). */
  region: z.string().optional(),
  /** How central reads the site's database; `link` if the site has a link open to this central. */
  readBy: z.enum(['gateway', 'sql', 'link']),
});
export type Site = z.infer<typeof siteSchema>;

/** `GET /api/sites/{id}`: what the page of a site shows to everyone. */
export const siteSummarySchema = siteSchema.pick({
  id: true,
  name: true,
  region: true,
  coordinates: true,
  state: true,
  stateSince: true,
});
export type SiteSummary = z.infer<typeof siteSummarySchema>;

export const siteListSchema = z.strictObject({ sites: z.array(siteSchema) });
export const newSiteResponseSchema = z.strictObject({
  site: siteSchema,
  /** Shown once, valid for 30 minutes, and stored hashed. */
  joinToken: z.string(),
  /** The base URL of central, which the member must use; absent if none is configured. */
  central: z.string().optional(),
});

/** `POST /api/trackers` (admin) */
export const newTrackerSchema = z.strictObject({ name: nameSchema, baseUrl: baseUrlSchema });
export const trackerSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  baseUrl: z.string(),
  createdAt: timestampSchema,
  joinedAt: timestampSchema.optional(),
  /** The position of the change feed up to which the tracker has registered changes. */
  position: z.int().nonnegative(),
  lastSeenAt: timestampSchema.optional(),
});
export const newTrackerResponseSchema = z.strictObject({
  tracker: trackerSchema,
  joinToken: z.string(),
  central: z.string().optional(),
});
export const trackerListSchema = z.strictObject({ trackers: z.array(trackerSchema) });

/** The characters of a join token, as a request to join may have. */
export const JOIN_TOKEN_LENGTH = { min: 16, max: 200 } as const;

/**
 * `POST /api/join`: a member (site or tracker) enrols the public key that it created itself. The request is signed with that
 * key (RFC 9421), which proves that the member holds the private key.
 */
export const joinRequestSchema = z.object({
  joinToken: z.string().min(JOIN_TOKEN_LENGTH.min).max(JOIN_TOKEN_LENGTH.max),
  /** Ed25519 public key, raw 32 bytes in base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export const joinResponseSchema = z.object({
  role: z.enum(['site', 'tracker']),
  id: z.string(),
  name: z.string(),
  baseUrl: z.string(),
  /** The Ed25519 public key with which central signs its requests to gateways. */
  centralPublicKey: z.string(),
  /** URLs of the trackers that a site may call, best first. */
  trackers: z.array(z.string()),
});
export type JoinResponse = z.infer<typeof joinResponseSchema>;

/** `POST /api/signals` (site, signed): needs no payload, because the signature identifies the site. */
export const signalResponseSchema = z.object({
  signal: z.string(),
  receivedAt: timestampSchema,
  /** The epoch whose records central accepts; absent if the site must repeat the handshake. */
  epoch: epochSchema.optional(),
});

export type SignalResponse = z.infer<typeof signalResponseSchema>;

/** `POST /api/refusals` (site, signed): the site rejected a request that central had signed. */
export const refusalReportSchema = z.object({
  code: z.enum(['signature-replayed', 'clock-off']),
  detail: z.string().min(1).max(500),
});

/** `GET /api/signals` (admin): newest first. */
export const signalSchema = z.strictObject({
  id: z.string(),
  site: z.strictObject({ id: siteIdSchema, name: z.string() }),
  receivedAt: timestampSchema,
  handledAt: timestampSchema.optional(),
  attempts: z.int().nonnegative(),
  /** The number of records that central accepted when it handled the signal. */
  records: z.int().nonnegative().optional(),
  lastError: z.string().optional(),
  /** The problem code of `lastError`. */
  errorCode: z.string().optional(),
});
export const signalListSchema = z.strictObject({
  signals: z.array(signalSchema),
  next: z.string().optional(),
});
export type Signal = z.infer<typeof signalSchema>;

/** `GET /api/member` (site or tracker, signed): information for this member. An earlier version asks without `settings`. */
export const memberInfoQuery = z.object({ settings: z.literal('true').optional() });
export const memberInfoSchema = z.object({
  trackers: z.array(z.string()),
  /** For a site: the epoch whose records central accepts; absent if the site must repeat the handshake. */
  epoch: epochSchema.optional(),
  /** For a site: central could not connect to it at its last attempt, so the site should open a link. */
  unreachable: z.boolean().optional(),
  /** With `?settings=true`: the name and base URL of this member, which operators edit at central. */
  settings: z.object({ name: z.string(), baseUrl: z.string() }).optional(),
});

/** `POST /api/registrations/query` (site, signed): which of these versions a tracker has registered. */
export const registrationQuerySchema = z.object({ videos: z.array(videoIdSchema).min(1).max(500) });
export const registrationResponseSchema = z.object({
  registered: z.array(z.object({ video: videoIdSchema, version: versionSchema })),
});

/**
 * `GET /api/changes?after=N&limit=&wait=` (tracker, signed): the changes after position N, oldest first. This request also
 * confirms that everything up to N has been registered, which completes its publication. With `wait` (seconds, at most 25),
 * central holds an empty response until there is a change. An earlier version asks without `audiences`.
 */
export const changeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('video'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
    revision: revisionIdSchema,
    name: z.string(),
    bitrateBps: z.int().positive(),
    durationMs: z.int().positive(),
    renditions: z.array(renditionSchema),
    isGrowing: z.literal(true).optional(),
    isPrivate: z.literal(true).optional(),
    /** With `?audiences=true`: viewers in house networks may watch this private video. */
    isInternal: z.literal(true).optional(),
    /** With `?schedules=true`: before and after these times, trackers play the video for nobody. */
    publishAt: timestampSchema.optional(),
    withdrawAt: timestampSchema.optional(),
    /** With `?downloads=true`: what viewers may download. Absent: nothing. */
    downloads: z.enum(['source', 'renditions']).optional(),
    /** The video belonged to a lost site before; from now on it belongs to this site. */
    promoted: z.literal(true).optional(),
  }),
  /** The site holds a complete copy of another site's video. */
  z.object({
    kind: z.literal('copy'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
    revision: revisionIdSchema,
  }),
  /** The site no longer holds the video or its copy. Other sites may still hold it. */
  z.object({
    kind: z.literal('gone'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
  }),
  z.object({
    kind: z.literal('withdrawn'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
  }),
  z.object({
    kind: z.literal('site'),
    position: z.int().positive(),
    site: siteIdSchema,
    name: z.string(),
    baseUrl: z.string(),
    coordinates: coordinatesSchema.optional(),
    zone: z.array(z.string()),
    /** True if the site has joined and is not revoked. */
    active: z.boolean(),
    ...sitePolicySchema.partial().shape,
    /** The Ed25519 key with which the site signs its reports to trackers and the bytes of its videos. */
    publicKey: z.string().optional(),
  }),
]);
export type Change = z.infer<typeof changeSchema>;
const MAX_HOUSE_NETWORKS = 1_000;
export const changePageSchema = z.object({
  changes: z.array(changeSchema),
  /** The value of `after` for the next request. */
  position: z.int().nonnegative(),
  more: z.boolean(),
  /** With `?audiences=true`: the networks whose viewers may watch internal videos without signing in. */
  houseNetworks: z.array(prefixSchema).max(MAX_HOUSE_NETWORKS).optional(),
});
export type ChangePage = z.infer<typeof changePageSchema>;

/** `POST /api/site-states` (tracker, signed): the results of its probes, sent after a change and every 10 s. */
export const siteStatesSchema = z.object({
  sites: z.array(z.object({ site: siteIdSchema, up: z.boolean() })).max(10_000),
});

/** `GET /api/info`: information for the pages. */
export const centralInfoSchema = z.strictObject({
  trackers: z.array(z.string()),
  /** Places from which a viewer of the demo can watch, each with a network address. */
  demoViewers: z.array(z.strictObject({ name: z.string(), address: z.string() })),
});

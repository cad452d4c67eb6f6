/** Central's calls (contract: Central), its change feed, and the enrolment of members. */
import * as z from 'zod';
import { regionSchema } from './copies.ts';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './ids.ts';
import { picturesSchema, renditionSchema } from './media/media.ts';
import { epochSchema } from './publication/epoch.ts';
import { addressSchema, privateSchema, timestampSchema, versionSchema } from './publication/record.ts';
import { siteConversionSchema } from './site.ts';
import { nameSchema } from './text.ts';

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
  visibility: privateSchema,
  createdAt: timestampSchema,
  publishedAt: timestampSchema,
  registeredAt: timestampSchema.optional(),
});
export type Video = z.infer<typeof videoSchema>;

/** `GET /api/videos`: newest first. */
export const videoListSchema = z.strictObject({ videos: z.array(videoSchema), next: z.string().optional() });

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
  .refine(url => {
    const { pathname, search, hash, username, password } = new URL(url);
    return pathname === '/' && search === '' && hash === '' && username === '' && password === '';
  }, 'expected scheme, host and port alone, e.g. https://video.example.edu')
  .transform(url => new URL(url).origin);
/** Scheme, host and port of a part, without a trailing slash. */
export const baseUrlSchema = httpUrl;

/** `192.0.2.0/24` or `2001:db8::/32`: viewers that a site covers. */
export const prefixSchema = z
  .union([z.cidrv4(), z.cidrv6()])
  .describe('network prefix in CIDR notation, e.g. 10.1.0.0/16 or 2001:db8::/32');

export const coordinatesSchema = z.strictObject({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
});
export type Coordinates = z.infer<typeof coordinatesSchema>;

/** How an administrator has a site count in the trackers' choice. */
export const sitePolicySchema = z.strictObject({
  /** 1 is usual; a site of 2 counts as twice as good; 0: viewers only where no other site is left. */
  weight: z.number().min(0).max(100),
  /** Gets no more viewers, and those it has are moved, as long as any other site is left. */
  drained: z.boolean(),
  /** Among equally good sites the lowest comes first. */
  failoverOrder: z.int().min(-1_000).max(1_000),
  /** What may leave the site, bits a second. */
  egressLimitBps: z.int().positive().max(1e13),
});

export type SitePolicy = z.infer<typeof sitePolicySchema>;
/** `null` takes back what was set. */
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
  /** Coverage zone: viewers in these networks are this site's first. */
  zone: z.array(prefixSchema).max(10_000).default([]),
  region: regionSchema.optional(),
});

/** How far publication has come with a site. */
export const sitePublicationSchema = z.strictObject({
  /** Number of its current epoch; 0 before its first handshake. */
  epoch: z.int().nonnegative(),
  handshakeAt: timestampSchema.optional(),
  /** Why central accepts no records of this site until its next handshake. */
  waitsBecause: z.string().optional(),
  /** When its digest was last found to be the centre's, and of how many records. */
  completeAt: timestampSchema.optional(),
  completeRecords: z.int().nonnegative().optional(),
  /** When the digests were found to differ; gone once they are the same again. */
  differedAt: timestampSchema.optional(),
});

export const siteSchema = z.strictObject({
  id: siteIdSchema,
  name: z.string(),
  baseUrl: z.string(),
  coordinates: coordinatesSchema.optional(),
  zone: z.array(z.string()),
  /** What was set; the rest is as usual. */
  policy: sitePolicySchema.partial(),
  /** `invited`: has not joined yet. `up`/`down`: as the tracker's probes see it; `unknown`: no tracker has said. */
  state: z.enum(['invited', 'up', 'down', 'unknown', 'revoked']),
  createdAt: timestampSchema,
  joinedAt: timestampSchema.optional(),
  lastSignalAt: timestampSchema.optional(),
  lastCollectedAt: timestampSchema.optional(),
  lastError: z.string().optional(),
  /** Its stable code. */
  lastErrorCode: z.string().optional(),
  publication: sitePublicationSchema.optional(),
  /** As the site said at its last start. Told to the operator alone: it says where an attack would pay. */
  conversion: siteConversionSchema.optional(),
  /** Signals received and not handled yet. */
  pendingSignals: z.int().nonnegative(),
  /** How far the centre is behind this site, in milliseconds: the age of the oldest signal not handled; 0 if none. */
  lagMs: z.int().nonnegative(),
  /** Videos of this site, and its whole copies of others' videos, as the centre knows them. */
  videos: z.int().nonnegative(),
  copies: z.int().nonnegative(),
  /** Copies can be told to stand in different ones (docs/copies.md). */
  region: z.string().optional(),
  /** How central reads its database; `link` where the site has one open to this central. */
  readBy: z.enum(['gateway', 'sql', 'link']),
});
export type Site = z.infer<typeof siteSchema>;

export const siteListSchema = z.strictObject({ sites: z.array(siteSchema) });
export const newSiteAnswerSchema = z.strictObject({
  site: siteSchema,
  /** Shown once; valid for 30 minutes; kept hashed. */
  joinToken: z.string(),
});

/** `POST /api/trackers` (admin) */
export const newTrackerSchema = z.strictObject({ name: nameSchema, baseUrl: baseUrlSchema });
export const trackerSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  baseUrl: z.string(),
  createdAt: timestampSchema,
  joinedAt: timestampSchema.optional(),
  /** Change-feed position that it has registered. */
  position: z.int().nonnegative(),
  lastSeenAt: timestampSchema.optional(),
});
export const newTrackerAnswerSchema = z.strictObject({ tracker: trackerSchema, joinToken: z.string() });
export const trackerListSchema = z.strictObject({ trackers: z.array(trackerSchema) });

/**
 * `POST /api/join`: a member (site or tracker) enrols the public key that it made itself. The request is signed with that
 * key (RFC 9421), which is the proof that the member holds the private half.
 */
export const joinRequestSchema = z.strictObject({
  joinToken: z.string().min(16).max(200),
  /** Ed25519 public key, raw 32 bytes in base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export const joinAnswerSchema = z.strictObject({
  role: z.enum(['site', 'tracker']),
  id: z.string(),
  name: z.string(),
  baseUrl: z.string(),
  /** Central's own Ed25519 public key: its reads of the gateway are signed with it. */
  centralPublicKey: z.string(),
  /** Trackers that a site may ask, best first. */
  trackers: z.array(z.string()),
});
export type JoinAnswer = z.infer<typeof joinAnswerSchema>;

/** `POST /api/signals` (site, signed): no payload needed; the site is who signed. */
export const signalAnswerSchema = z.strictObject({
  signal: z.string(),
  receivedAt: timestampSchema,
  /** The epoch of which central accepts records; absent if the site has to repeat the handshake. */
  epoch: epochSchema.optional(),
});

export type SignalAnswer = z.infer<typeof signalAnswerSchema>;

/** `POST /api/refusals` (site, signed): somebody sent the site what central had signed, and the site refused it. */
export const refusalReportSchema = z.strictObject({
  code: z.enum(['signature-replayed', 'clock-off']),
  detail: z.string().min(1).max(500),
});
export type RefusalReport = z.infer<typeof refusalReportSchema>;

/** `GET /api/signals` (admin): newest first. */
export const signalSchema = z.strictObject({
  id: z.string(),
  site: z.strictObject({ id: siteIdSchema, name: z.string() }),
  receivedAt: timestampSchema,
  handledAt: timestampSchema.optional(),
  attempts: z.int().nonnegative(),
  /** Records taken in when it was handled. */
  records: z.int().nonnegative().optional(),
  lastError: z.string().optional(),
  /** Its stable code. */
  errorCode: z.string().optional(),
});
export const signalListSchema = z.strictObject({
  signals: z.array(signalSchema),
  next: z.string().optional(),
});
export type Signal = z.infer<typeof signalSchema>;

/** `GET /api/member` (site or tracker, signed): what the centre would have it know. */
export const memberInfoSchema = z.strictObject({
  trackers: z.array(z.string()),
  /** For a site: the epoch of which central accepts records; absent if the site has to repeat the handshake. */
  epoch: epochSchema.optional(),
  /** Of a site: central could not connect to it when it last tried. A link would help. */
  unreachable: z.boolean().optional(),
});

/** `POST /api/registrations/query` (site, signed): which of these versions has a tracker registered? */
export const registrationQuerySchema = z.strictObject({ videos: z.array(videoIdSchema).min(1).max(500) });
export const registrationAnswerSchema = z.strictObject({
  registered: z.array(z.strictObject({ video: videoIdSchema, version: versionSchema })),
});

/**
 * `GET /api/changes?after=N&limit=&wait=` (tracker, signed): what has changed since position N, oldest first. Asking for
 * what follows N says that everything up to N has been registered: that completes its publication. With `wait` (seconds,
 * at most 25) and nothing to tell, the answer comes as soon as there is something.
 */
export const changeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
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
    /** It was another site's before, which is lost: from now on it is this site's. */
    promoted: z.literal(true).optional(),
  }),
  /** The site holds another site's video whole. */
  z.strictObject({
    kind: z.literal('copy'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
    revision: revisionIdSchema,
  }),
  /** The site holds it no more; of the video itself this says nothing. */
  z.strictObject({
    kind: z.literal('gone'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
  }),
  z.strictObject({
    kind: z.literal('withdrawn'),
    position: z.int().positive(),
    site: siteIdSchema,
    video: videoIdSchema,
    version: versionSchema,
  }),
  z.strictObject({
    kind: z.literal('site'),
    position: z.int().positive(),
    site: siteIdSchema,
    name: z.string(),
    baseUrl: z.string(),
    coordinates: coordinatesSchema.optional(),
    zone: z.array(z.string()),
    /** Joined and not revoked. */
    active: z.boolean(),
    ...sitePolicySchema.partial().shape,
    /** The site's own Ed25519 key: its reports to trackers and its videos' bytes are signed with it. */
    publicKey: z.string().optional(),
  }),
]);
export type Change = z.infer<typeof changeSchema>;
export const changePageSchema = z.strictObject({
  changes: z.array(changeSchema),
  /** Ask for what follows this next. */
  position: z.int().nonnegative(),
  more: z.boolean(),
});

/** `POST /api/site-states` (tracker, signed): what its probes see, told when it changes and every 10 s. */
export const siteStatesSchema = z.strictObject({
  sites: z.array(z.strictObject({ site: siteIdSchema, up: z.boolean() })).max(10_000),
});

/** `GET /api/info`: what the pages need. */
export const centralInfoSchema = z.strictObject({
  trackers: z.array(z.string()),
  /** The demo's viewers may choose where they are: network addresses by place name. */
  demoViewers: z.array(z.strictObject({ name: z.string(), address: z.string() })),
});

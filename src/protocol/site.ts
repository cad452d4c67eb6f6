/** What the studio shows: a site's own videos, step by step (contract: Site). */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './ids.ts';
import { picturesSchema, trackNameSchema } from './media/media.ts';
import { privateSchema, timestampSchema, versionSchema, visibilitySchema } from './publication/record.ts';
import { rightTextSchema } from './rights.ts';
import { descriptionSchema, languageSchema, nameSchema } from './text.ts';

export const VIDEO_STATES = ['uploading', 'checking', 'preparing', 'ready', 'failed', 'withdrawn'] as const;
export const videoStateSchema = z.enum(VIDEO_STATES);
export type VideoState = z.infer<typeof videoStateSchema>;

/** One track of captions of a video. */
export const siteCaptionsSchema = z.strictObject({
  /** Folder below the revision. */
  id: z.string(),
  language: z.string().optional(),
  name: z.string().optional(),
  /** Out of the source, or a file that somebody uploaded. */
  from: z.enum(['source', 'upload']),
});
export type SiteCaptions = z.infer<typeof siteCaptionsSchema>;

/** `POST /api/videos/{id}/captions?language=&name=` of a site; the body is the file. */
export const newCaptionsQuerySchema = z.object({
  language: languageSchema,
  name: trackNameSchema.optional(),
});

/** `GET /api/videos/{id}` of a site. */
export const siteVideoSchema = z.strictObject({
  id: videoIdSchema,
  name: z.string(),
  description: z.string(),
  language: z.string().optional(),
  fileName: z.string().optional(),
  state: videoStateSchema,
  /** 0–1 within the state: bytes received while `uploading`, work done while `checking` or `preparing`. */
  progress: z.number().min(0).max(1),
  /** Why it failed, in a sentence for the person who uploaded it, and its stable code. */
  error: z.strictObject({ code: z.string(), detail: z.string() }).optional(),
  sizeBytes: z.int().nonnegative(),
  receivedBytes: z.int().nonnegative(),
  durationMs: z.int().positive().optional(),
  bitrateBps: z.int().positive().optional(),
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
  codecs: z.array(z.string()),
  revision: revisionIdSchema.optional(),
  hasPoster: z.boolean(),
  hasStoryboard: z.boolean(),
  captions: z.array(siteCaptionsSchema),
  visibility: privateSchema,
  /** Of a private video: with it an operator may watch at this site, below `/t/{token}/v/…`. */
  token: rightTextSchema.optional(),
  /** Version of the record, once there is one. */
  version: versionSchema.optional(),
  /** The patent's signal flag: nothing of this video is left to be signalled. */
  signalSent: z.boolean(),
  /** The patent's published flag of the record in its present version. */
  published: z.boolean(),
  /** A tracker knows the record in its present version. */
  registered: z.boolean(),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type SiteVideo = z.infer<typeof siteVideoSchema>;

/** `GET /api/videos` of a site: newest first. */
export const siteVideoListSchema = z.strictObject({
  videos: z.array(siteVideoSchema),
  next: z.string().optional(),
});

/** `PATCH /api/videos/{id}` of a site. */
export const siteVideoEditSchema = z
  .strictObject({
    name: nameSchema,
    description: descriptionSchema,
    language: languageSchema,
    visibility: visibilitySchema,
  })
  .partial();

/** How strangers' films are read at a site (docs/untrusted-media.md). */
export const siteConversionSchema = z.strictObject({
  /** What keeps ffmpeg apart from everything else on this machine. */
  isolation: z.enum(['bubblewrap', 'unshare', 'none']),
  /** Memory, time and size are limited. */
  hasLimits: z.boolean(),
});
export type SiteConversion = z.infer<typeof siteConversionSchema>;

/** `GET /api/site`: what the studio page says about where it is. */
export const siteInfoSchema = z.strictObject({
  id: siteIdSchema.optional(),
  name: z.string(),
  baseUrl: z.string(),
  centralUrl: z.string().optional(),
  /** Trackers that this site knows, best first. */
  trackers: z.array(z.string()),
  /** Joined the centre: until then uploads are taken and played here, and published later. */
  joined: z.boolean(),
  /** True where this client's network is trusted, so that no token is asked for. */
  tokenNeeded: z.boolean(),
  maxUploadBytes: z.int().positive(),
  freeBytes: z.int().nonnegative(),
  /** Signal flag of the site database: `not-sent` while the centre has still to be told. */
  signal: z.enum(['sent', 'not-sent']),
  unpublished: z.int().nonnegative(),
  /** How films are converted here: absent where there is no ffmpeg, and for those who may not use the studio. */
  conversion: siteConversionSchema.optional(),
});
export type SiteInfo = z.infer<typeof siteInfoSchema>;

/** `GET /api/library?q=&limit=&cursor=` of a site: what can be played from it with nobody else to be asked, newest first. */
export const libraryPageSchema = z.strictObject({
  site: z.string(),
  /** False: it is cut off from the centre. */
  connected: z.boolean(),
  videos: z.array(
    z.strictObject({
      id: videoIdSchema,
      revision: revisionIdSchema,
      name: z.string(),
      description: z.string(),
      durationMs: z.int().positive(),
      pictures: picturesSchema,
      /** Its own; another site's, whole; or as much of it as is in the buffer. */
      holding: z.enum(['own', 'copy', 'partly']),
    }),
  ),
  next: z.string().optional(),
});
export type LibraryPage = z.infer<typeof libraryPageSchema>;

/** `GET /probe`: what a tracker asks of a site every second. */
export const siteProbeSchema = z.strictObject({
  site: siteIdSchema.optional(),
  nonce: z.string().max(64),
  activeResponses: z.int().nonnegative(),
  /** To viewers and to other sites' fills, on the wire. */
  egressBps: z.number().nonnegative(),
  /** What may leave this site for viewers, bits a second, by its own configuration. Absent: no limit. */
  egressLimitBps: z.number().positive().optional(),
  /** False: viewers are to go elsewhere (a site for uploads alone, or its budget for today is used up). Absent: true. */
  servesViewers: z.boolean().optional(),
});
export type SiteProbe = z.infer<typeof siteProbeSchema>;

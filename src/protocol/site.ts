/** The calls of a site: its videos with their state, its information for pages, its library and its probe. */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from './base/ids.ts';
import { descriptionSchema, languageSchema, nameSchema } from './base/text.ts';
import { timestampSchema } from './base/timestamp.ts';
import { siteCaptionsSchema } from './captions.ts';
import { hitsSchema } from './catalogue/search.ts';
import { picturesSchema } from './media/media.ts';
import {
  type AudienceChoice,
  audienceSchema,
  findContradiction,
  groupIdSchema,
  MAX_GROUPS_PER_VIDEO,
} from './people/audience.ts';
import { detailsEditShape, detailsInputShape, detailsShape } from './publication/details.ts';
import { siteConversionSchema } from './publication/handshake.ts';
import {
  inSeriesSchema,
  privateSchema,
  recordedOwnerSchema,
  recordedSeriesSchema,
  versionSchema,
  visibilitySchema,
} from './publication/record.ts';
import { rightTextSchema } from './rights.ts';

const VIDEO_STATES = ['uploading', 'checking', 'preparing', 'ready', 'failed', 'withdrawn'] as const;
export const videoStateSchema = z.enum(VIDEO_STATES);
export type VideoState = z.infer<typeof videoStateSchema>;

/** `awaiting`: until somebody publishes it or sends it back. `sent-back`: until its owner has changed it and submits it again. */
export const videoApprovalSchema = z.enum(['awaiting', 'sent-back']);

/** `GET /api/videos/{id}` of a site. */
/** `POST /api/videos/{id}/trim`: the marks on the present timeline, or `whole` to restore the whole video. */
export const trimRequestSchema = z.union([
  z
    .strictObject({ startMs: z.int().nonnegative(), endMs: z.int().positive() })
    .refine(({ startMs, endMs }) => startMs < endMs, 'The start must be before the end.'),
  z.strictObject({ whole: z.literal(true) }),
]);

export const siteVideoSchema = z.strictObject({
  id: videoIdSchema,
  name: z.string(),
  description: z.string(),
  language: z.string().optional(),
  fileName: z.string().optional(),
  state: videoStateSchema,
  /** 0–1 within the state: bytes received while `uploading`, work done while `checking` or `preparing`. */
  progress: z.number().min(0).max(1),
  /** Why the video failed: a problem code, and a sentence for the person who uploaded it. */
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
  /** An alias: absent for a public video, `private` for every other audience. */
  visibility: privateSchema,
  audience: audienceSchema,
  /** The groups that may watch it, if `audience` is `groups`. */
  groups: z.array(groupIdSchema).optional(),
  /** Absent: uploaded without an account. */
  owner: recordedOwnerSchema.optional(),
  series: recordedSeriesSchema.optional(),
  ...detailsShape,
  /** Absent if the video needs no approval, or has it. Until then, it is not published. */
  approval: videoApprovalSchema.optional(),
  /** Why it was sent back. */
  approvalComment: z.string().optional(),
  /** Of a trimmed video: where it begins in the untrimmed one, and how long that is. */
  trim: z.strictObject({ startMs: z.int().nonnegative(), fullDurationMs: z.int().positive() }).optional(),
  /** Unless the video is public and approved: a token with which this person can watch it at this site, under `/t/{token}/v/…`. */
  token: rightTextSchema.optional(),
  /** The version of the record, if there is one. */
  version: versionSchema.optional(),
  /** The signal flag: true if no change of this video is left to signal. */
  signalSent: z.boolean(),
  /** The published flag of the current version of the record. */
  published: z.boolean(),
  /** True if a tracker has registered the current version of the record. */
  registered: z.boolean(),
  /** Another one after each edit. With `If-Match: {edition}`, `PATCH` refuses to overwrite an edit that its caller has not seen. */
  edition: z.string(),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type SiteVideo = z.infer<typeof siteVideoSchema>;

/** The person who owns a video. The name is for information: the site gets it from central. */
const ownerChoiceSchema = z.strictObject({ id: z.uuid(), name: z.string().max(400).optional() });

/** What a person says of a video, in the metadata of an upload and in `PATCH /api/videos/{id}`. */
export const videoChoicesSchema = z
  .strictObject({
    language: languageSchema,
    visibility: visibilitySchema,
    audience: audienceSchema,
    groups: z.array(groupIdSchema).max(MAX_GROUPS_PER_VIDEO),
    owner: ownerChoiceSchema,
    series: inSeriesSchema,
    ...detailsInputShape,
  })
  .partial();
export type VideoChoices = z.infer<typeof videoChoicesSchema>;

/** Refuses an audience and an alias that contradict each other. */
export const checkChoices = (choices: AudienceChoice, context: z.RefinementCtx): void => {
  const message = findContradiction(choices);
  if (message !== undefined) context.addIssue({ code: 'custom', message, path: ['audience'] });
};

/** `PATCH /api/videos/{id}` of a site. `series`: null removes the video from its series. */
export const siteVideoEditSchema = z
  .strictObject({
    ...videoChoicesSchema.shape,
    ...detailsEditShape,
    name: nameSchema.optional(),
    description: descriptionSchema.optional(),
    series: inSeriesSchema.nullable().optional(),
  })
  .superRefine(checkChoices);
export type SiteVideoEdit = z.infer<typeof siteVideoEditSchema>;

const MAX_COMMENT_CHARACTERS = 1_000;
/** `POST /api/videos/{id}/send-back` of a site. */
export const sendBackSchema = z.strictObject({
  comment: descriptionSchema.refine(
    text => text.length > 0 && text.length <= MAX_COMMENT_CHARACTERS,
    `Say what to change, in at most ${MAX_COMMENT_CHARACTERS} characters.`,
  ),
});

/** `GET /api/site`: information about the site for the studio. */
export const siteInfoSchema = z.strictObject({
  id: siteIdSchema.optional(),
  name: z.string(),
  baseUrl: z.string(),
  centralUrl: z.string().optional(),
  /** URLs of the trackers that this site knows, best first. */
  trackers: z.array(z.string()),
  /** True if the site has joined central. Before that, uploads are accepted and played here, and published later. */
  joined: z.boolean(),
  /** Why this site cannot join until an operator acts: there is no join token, or central refused it. */
  joinProblem: z.strictObject({ code: z.string(), detail: z.string() }).optional(),
  /** Whether central responded to the last request, and if not, since when it has not (absent: not since this start). */
  central: z.strictObject({ connected: z.boolean(), since: timestampSchema.optional() }).optional(),
  /** The background check of stored files (docs/copies.md). Only for clients that may use the studio. */
  fileChecks: z
    .strictObject({
      checked: z.int().nonnegative(),
      damaged: z.int().nonnegative(),
      repaired: z.int().nonnegative(),
    })
    .optional(),
  /** False if this client's network is trusted, so that it needs no token. */
  tokenNeeded: z.boolean(),
  maxUploadBytes: z.int().positive(),
  /** Largest request of an upload that the proxies in front of the site accept. Absent for no limit. */
  chunkBytes: z.int().positive().optional(),
  freeBytes: z.int().nonnegative(),
  /** The signal flag of the site database. */
  signal: z.enum(['sent', 'not-sent']),
  unpublished: z.int().nonnegative(),
  /** Why this process publishes nothing: another one runs with the key of this site. Absent for clients that may not use the studio. */
  stoppedBecause: z.string().optional(),
  /** Absent if there is no ffmpeg, and for clients that may not use the studio. */
  conversion: siteConversionSchema.optional(),
});
export type SiteInfo = z.infer<typeof siteInfoSchema>;

/** `GET /api/library?q=&limit=&cursor=` of a site: the videos that it can play without any other part, newest first. */
export const libraryPageSchema = z.strictObject({
  site: z.string(),
  /** False if the site cannot reach central. */
  connected: z.boolean(),
  videos: z.array(
    z.strictObject({
      id: videoIdSchema,
      revision: revisionIdSchema,
      name: z.string(),
      description: z.string(),
      durationMs: z.int().positive(),
      pictures: picturesSchema,
      /** `own`: uploaded here. `copy`: a complete copy. `partly`: only the segments in the buffer. */
      holding: z.enum(['own', 'copy', 'partly']),
      /** Absent: public. */
      audience: audienceSchema.optional(),
      /** For a video that is not public: a token with which this viewer can watch it here, under `/t/{token}/v/…`. */
      token: rightTextSchema.optional(),
      /** In the response to a search: where the video matches. */
      hits: hitsSchema,
    }),
  ),
  next: z.string().optional(),
});
export type LibraryPage = z.infer<typeof libraryPageSchema>;

/** `GET /probe`: the state that a tracker reads from a site every second. */
export const siteProbeSchema = z.strictObject({
  site: siteIdSchema.optional(),
  nonce: z.string().max(64),
  activeResponses: z.int().nonnegative(),
  /** Bytes sent to viewers and to fills of other sites, in bits per second on the wire. */
  egressBps: z.number().nonnegative(),
  /** The configured limit of the uplink for viewers, in bits per second. Absent: no limit. */
  egressLimitBps: z.number().positive().optional(),
  /** False if viewers must use another site (the site only takes uploads, or its daily budget is used up). Absent: true. */
  servesViewers: z.boolean().optional(),
});
export type SiteProbe = z.infer<typeof siteProbeSchema>;

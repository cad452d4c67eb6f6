/**
 * The record that a site publishes to central: of a video, of its withdrawal (a tombstone), or of a copy. The site assigns the
 * version, which increases with every change. A version never names two contents.
 */
import * as z from 'zod';
import { canonicalObject, openObject } from '../base/canonical.ts';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from '../base/ids.ts';
import { MAX_RECORD_RENDITIONS } from '../base/limits.ts';
import { languageSchema, storedDescriptionSchema, storedNameSchema } from '../base/text.ts';
import { timestampSchema } from '../base/timestamp.ts';
import { picturesSchema, renditionSchema } from '../media/media.ts';
import { audienceSchema, videoGroupsSchema } from '../people/audience.ts';
import { seriesIdSchema } from '../people/permissions.ts';
import { DETAILS, detailsShape, type VideoDetails } from './details.ts';

export const versionSchema = z.int().positive();
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
/** An IP address and port such as `192.0.2.7:8090` or `[2001:db8::7]:8090`. */
export const addressSchema = z
  .string()
  .max(64)
  .regex(
    /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}$/i,
    'must be an IP address and port, e.g. 192.0.2.7:8090 or [2001:db8::7]:8090',
  );

/**
 * When this content was written, by the clock of the site, and later than all content that the site knew then. If two histories
 * of a site meet after a restore, the later content wins. Absent: as old as the video.
 */
const writtenAtSchema = timestampSchema.optional();

/**
 * An alias for two audiences. Public: everyone can find and watch the video. Private: only viewers with a grant
 * (docs/private-videos.md).
 */
export const visibilitySchema = z.enum(['public', 'private']);
/** The visibility in records and responses: absent for a public video, `private` for every other audience. */
export const privateSchema = z.literal('private').optional();

/** The person who owns a video. */
const ownerShape = { id: z.uuid(), name: storedNameSchema };
export const ownerSchema = canonicalObject(ownerShape);
export type Owner = z.infer<typeof ownerSchema>;
/** In records and responses: with members of newer versions. */
export const recordedOwnerSchema = openObject(ownerShape);

/** The series of a video, and its place in it. */
const inSeriesShape = { id: seriesIdSchema, position: z.int().nonnegative().optional() };
export const inSeriesSchema = canonicalObject(inSeriesShape);
/** In records and responses: with members of newer versions. */
export const recordedSeriesSchema = openObject(inSeriesShape);

export const videoRecordSchema = openObject({
  kind: z.literal('video'),
  video: videoIdSchema,
  version: versionSchema,
  revision: revisionIdSchema,
  name: storedNameSchema,
  description: storedDescriptionSchema,
  language: languageSchema.optional(),
  /** The storage path of the source, relative to the data directory of the site. */
  path: z.string().min(1).max(1_024),
  /** The IP address and port of the source server, for information only: no part connects to an address from a record. */
  sourceAddress: addressSchema,
  sizeBytes: z.int().positive(),
  bitrateBps: z.int().positive(),
  durationMs: z.int().positive(),
  /** Absent if the video has only audio. */
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
  /** The SHA-256 of the uploaded source. */
  sha256: sha256Schema,
  container: z.string().min(1).max(40),
  renditions: z.array(renditionSchema).min(1).max(MAX_RECORD_RENDITIONS),
  pictures: picturesSchema.optional(),
  /** True if only the beginning can be played so far: the conversion continues, and a later revision will have more. */
  isGrowing: z.literal(true).optional(),
  visibility: privateSchema,
  /** Absent: as `visibility` says. With `internal` and `groups`, `visibility` is `private`. */
  audience: audienceSchema.extract(['internal', 'groups']).optional(),
  groups: videoGroupsSchema.optional(),
  owner: recordedOwnerSchema.optional(),
  series: recordedSeriesSchema.optional(),
  ...detailsShape,
  createdAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type VideoRecord = z.infer<typeof videoRecordSchema>;

const NO_DETAILS = new Set(
  Object.keys(videoRecordSchema.shape).filter(name => !DETAILS.some(each => each === name)),
);
/** Details as a site stores them, with members that this version does not know. */
export type StoredDetails = VideoDetails & {
  /** Those of `series` in the record. */
  readonly series?: Readonly<Record<string, unknown>>;
};

/** What people say about the video, and all members that this version does not know. */
export function detailsOf(record: VideoRecord): StoredDetails {
  const { id: _, position: __, ...series }: Partial<VideoRecord['series']> & object = record.series ?? {};
  return {
    ...Object.fromEntries(
      Object.entries(record).filter(([name, value]) => value !== undefined && !NO_DETAILS.has(name)),
    ),
    ...(Object.keys(series).length === 0 ? {} : { series }),
  };
}

/** The record of a withdrawal (publication rule R5). */
export const tombstoneSchema = openObject({
  kind: z.literal('tombstone'),
  video: videoIdSchema,
  version: versionSchema,
  withdrawnAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type Tombstone = z.infer<typeof tombstoneSchema>;

/** The record of a copy: a site holds every file of a revision of another site's video (docs/copies.md). */
export const copyRecordSchema = openObject({
  kind: z.literal('copy'),
  video: videoIdSchema,
  version: versionSchema,
  revision: revisionIdSchema,
  /** The site whose publication was copied. */
  origin: siteIdSchema,
  /** The storage path at the copying site, relative to its data directory. */
  path: z.string().min(1).max(1_024),
  sourceAddress: addressSchema,
  sizeBytes: z.int().positive(),
  files: z.int().positive(),
  copiedAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type CopyRecord = z.infer<typeof copyRecordSchema>;

/** The site no longer holds its copy. Unlike a withdrawal, this does not affect the video, and the site may hold a copy again. */
export const goneRecordSchema = openObject({
  kind: z.literal('gone'),
  video: videoIdSchema,
  version: versionSchema,
  because: z.string().min(1).max(200),
  goneAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type GoneRecord = z.infer<typeof goneRecordSchema>;

export const recordSchema = z.discriminatedUnion('kind', [
  videoRecordSchema,
  tombstoneSchema,
  copyRecordSchema,
  goneRecordSchema,
]);
export type PublicationRecord = z.infer<typeof recordSchema>;

type Unnumbered<Kind extends PublicationRecord> = Omit<Kind, 'version' | 'writtenAt'>;
/** A record before it is stored: its version and its time are not known yet. */
export type RecordDraft =
  | Unnumbered<VideoRecord>
  | Unnumbered<Tombstone>
  | Unnumbered<CopyRecord>
  | Unnumbered<GoneRecord>;

export function writtenAtOf(record: PublicationRecord): string {
  if (record.writtenAt !== undefined) return record.writtenAt;
  switch (record.kind) {
    case 'video':
      return record.createdAt;
    case 'tombstone':
      return record.withdrawnAt;
    case 'copy':
      return record.copiedAt;
    case 'gone':
      return record.goneAt;
  }
}

/** True for records about the video itself, which only its home site may publish. The others describe what a site holds. */
export const isOfOwner = ({ kind }: Pick<PublicationRecord, 'kind'>): boolean =>
  kind === 'video' || kind === 'tombstone';

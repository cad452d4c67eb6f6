/**
 * The record: what the centre learns of one video (mission, requirement 10), its tombstone, and what a site holds a copy of.
 * A version is given by the site, rises with every change, and never names two contents.
 */
import * as z from 'zod';
import { revisionIdSchema, siteIdSchema, videoIdSchema } from '../ids.ts';
import { MAX_RECORD_RENDITIONS } from '../limits.ts';
import { picturesSchema, renditionSchema } from '../media/media.ts';
import { languageSchema, storedDescriptionSchema, storedNameSchema } from '../text.ts';
import { canonicalObject } from './canonical.ts';

export const versionSchema = z.int().positive();
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
/** RFC 3339, UTC, milliseconds. */
export const timestampSchema = z.iso.datetime({ precision: 3 });
/** `192.0.2.7:8090` or `[2001:db8::7]:8090`. */
export const addressSchema = z
  .string()
  .max(64)
  .regex(
    /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d{1,5}$/i,
    'expected IP:port, e.g. 192.0.2.7:8090 or [2001:db8::7]:8090',
  );

/**
 * When this content was written, by the site's own clock, and later than everything that the site knew then. Where two
 * histories of a site meet after a restore, the later one wins. Absent: as old as the video.
 */
const writtenAtSchema = timestampSchema.optional();

/** Public: everybody finds and watches it. Private: who has a right (docs/private-videos.md). */
export const visibilitySchema = z.enum(['public', 'private']);
export type Visibility = z.infer<typeof visibilitySchema>;
/** As records and answers tell it: absent of a public video. */
export const privateSchema = z.literal('private').optional();

export const videoRecordSchema = canonicalObject({
  kind: z.literal('video'),
  video: videoIdSchema,
  version: versionSchema,
  revision: revisionIdSchema,
  name: storedNameSchema,
  description: storedDescriptionSchema,
  language: languageSchema.optional(),
  /** Storage path of the source, relative to the site's data directory. */
  path: z.string().min(1).max(1_024),
  /** The source server's IP address and port. Told for information: nobody connects to what a record says. */
  sourceAddress: addressSchema,
  sizeBytes: z.int().positive(),
  bitrateBps: z.int().positive(),
  durationMs: z.int().positive(),
  /** Absent for audio alone. */
  width: z.int().positive().optional(),
  height: z.int().positive().optional(),
  /** SHA-256 of the source as it was uploaded. */
  sha256: sha256Schema,
  container: z.string().min(1).max(40),
  renditions: z.array(renditionSchema).min(1).max(MAX_RECORD_RENDITIONS),
  pictures: picturesSchema.optional(),
  /** Its beginning alone can be played: it is still being converted, and another revision will hold more of it. */
  isGrowing: z.literal(true).optional(),
  visibility: privateSchema,
  createdAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type VideoRecord = z.infer<typeof videoRecordSchema>;

/** A withdrawal is a record too (publication rule R5). */
export const tombstoneSchema = canonicalObject({
  kind: z.literal('tombstone'),
  video: videoIdSchema,
  version: versionSchema,
  withdrawnAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type Tombstone = z.infer<typeof tombstoneSchema>;

/** A site holds every file of a revision of another site's video: it plays from there with no origin (docs/copies.md). */
export const copyRecordSchema = canonicalObject({
  kind: z.literal('copy'),
  video: videoIdSchema,
  version: versionSchema,
  revision: revisionIdSchema,
  /** The site that it was copied from the publication of. */
  origin: siteIdSchema,
  /** Storage path at the copying site, relative to its data directory. */
  path: z.string().min(1).max(1_024),
  sourceAddress: addressSchema,
  sizeBytes: z.int().positive(),
  files: z.int().positive(),
  copiedAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type CopyRecord = z.infer<typeof copyRecordSchema>;

/** What this site held of a video it holds no more. Unlike a withdrawal it says nothing of the video, and may be taken back. */
export const goneRecordSchema = canonicalObject({
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
/** A record before it is written down: its version and its time are not known yet. */
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

/** It is about the video itself, which only its own site may speak of; the others are about what a site holds. */
export const isOfOwner = ({ kind }: Pick<PublicationRecord, 'kind'>): boolean =>
  kind === 'video' || kind === 'tombstone';

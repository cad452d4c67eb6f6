/**
 * The record: what the centre learns of one video (mission, requirement 10), and its tombstone.
 * A version is given by the site, rises with every change, and never names two contents.
 */
import { z } from 'zod';
import { revisionIdSchema, videoIdSchema } from './ids.ts';
import { MAX_RECORD_RENDITIONS } from './limits.ts';
import { picturesSchema, renditionSchema } from './media.ts';
import { languageSchema, storedDescriptionSchema, storedNameSchema } from './text.ts';

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

export const videoRecordSchema = z.strictObject({
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
  createdAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type VideoRecord = z.infer<typeof videoRecordSchema>;

/** A withdrawal is a record too (publication rule R5). */
export const tombstoneSchema = z.strictObject({
  kind: z.literal('tombstone'),
  video: videoIdSchema,
  version: versionSchema,
  withdrawnAt: timestampSchema,
  writtenAt: writtenAtSchema,
});
export type Tombstone = z.infer<typeof tombstoneSchema>;

export const recordSchema = z.discriminatedUnion('kind', [videoRecordSchema, tombstoneSchema]);
export type PublicationRecord = z.infer<typeof recordSchema>;

type Unnumbered<Kind extends PublicationRecord> = Omit<Kind, 'version' | 'writtenAt'>;
/** A record before it is written down: its version and its time are not known yet. */
export type RecordDraft = Unnumbered<VideoRecord> | Unnumbered<Tombstone>;

export const writtenAtOf = (record: PublicationRecord): string =>
  record.writtenAt ?? (record.kind === 'tombstone' ? record.withdrawnAt : record.createdAt);

/**
 * The one spelling of a record that is hashed: members sorted by name, no white space, undefined left out
 * (the JSON Canonicalization Scheme, RFC 8785, for the strings, integers and plain numbers that records hold).
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

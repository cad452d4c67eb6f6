/** Identifiers that cross between parts: UUIDv7 (RFC 9562, section 5.7), branded so that one kind cannot pass for another. */
import { v7 as uuidv7 } from 'uuid';
import * as z from 'zod';

const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'expected a UUID in lower case');

export const siteIdSchema = uuid.brand<'SiteId'>();
export type SiteId = z.infer<typeof siteIdSchema>;

export const videoIdSchema = uuid.brand<'VideoId'>();
export type VideoId = z.infer<typeof videoIdSchema>;

/** One immutable set of renditions of a video: `/v/{video}/{revision}/…` never changes its bytes. */
export const revisionIdSchema = uuid.brand<'RevisionId'>();
export type RevisionId = z.infer<typeof revisionIdSchema>;

export const newSiteId = (): SiteId => uuidv7() as SiteId;
export const newVideoId = (): VideoId => uuidv7() as VideoId;
export const newRevisionId = (): RevisionId => uuidv7() as RevisionId;
/** An id for what needs no brand of its own: signals, nonces, sessions. */
export const newId = (): string => uuidv7();

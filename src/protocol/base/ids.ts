/** Identifiers that parts exchange: UUIDv7 (RFC 9562, section 5.7), branded so that the types of ids cannot be confused. */
import { v7 as uuidv7 } from 'uuid';
import * as z from 'zod';

const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a UUID in lower case');

export const siteIdSchema = uuid.brand<'SiteId'>();
export type SiteId = z.infer<typeof siteIdSchema>;

export const videoIdSchema = uuid.brand<'VideoId'>();
export type VideoId = z.infer<typeof videoIdSchema>;

/** One immutable set of renditions of a video: the bytes under `/v/{video}/{revision}/…` never change. */
export const revisionIdSchema = uuid.brand<'RevisionId'>();
export type RevisionId = z.infer<typeof revisionIdSchema>;

export const newSiteId = (): SiteId => uuidv7() as SiteId;
export const newVideoId = (): VideoId => uuidv7() as VideoId;
export const newRevisionId = (): RevisionId => uuidv7() as RevisionId;
/** The key id of requests that central signs. */
export const CENTRAL_KEY_ID = 'central';

/** Creates an id without a brand, for signals, nonces and sessions. */
export const newId = (): string => uuidv7();

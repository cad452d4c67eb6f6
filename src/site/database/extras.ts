/**
 * Extras are the pictures and captions of a video. The row of the video has the current ones. Each revision keeps those that
 * it was made with, so a revision never changes. A change of the extras makes a new revision of the same renditions.
 */
import type { Transaction } from 'kysely';
import * as z from 'zod';
import { newRevisionId, type RevisionId, type VideoId } from '../../protocol/base/ids.ts';
import { MAX_CAPTION_TRACKS } from '../../protocol/base/limits.ts';
import { captionsOriginSchema } from '../../protocol/captions.ts';
import { captionsRenditionSchema } from '../../protocol/media/media.ts';
import type { RecordDraft } from '../../protocol/publication/record.ts';
import { reopenOffload, writeDraft } from './publication/records.ts';
import type { SiteSchema, VideoRow } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

/** A name in the directory of the video. */
const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9/._-]{0,120}$/);
const positiveInt = z.int().positive();

export const storyboardSchema = z.strictObject({
  file: nameSchema,
  everyMs: positiveInt,
  columns: positiveInt,
  count: positiveInt,
  tileWidth: positiveInt,
  tileHeight: positiveInt,
  /** The time in the images at which the trimmed video begins. Absent: 0. */
  fromMs: z.int().nonnegative().optional(),
});
export type Storyboard = z.infer<typeof storyboardSchema>;

export const captionsTrackSchema = z.strictObject({
  rendition: captionsRenditionSchema,
  file: nameSchema,
  from: captionsOriginSchema,
});
export type CaptionsTrack = z.infer<typeof captionsTrackSchema>;

export const extrasSchema = z.strictObject({
  poster: nameSchema.optional(),
  /** The time of the poster, if somebody has chosen it. */
  posterAtMs: z.int().nonnegative().optional(),
  storyboard: storyboardSchema.optional(),
  captions: z.array(captionsTrackSchema).max(MAX_CAPTION_TRACKS),
});
export type Extras = z.infer<typeof extrasSchema>;

const NO_EXTRAS: Extras = { captions: [] };

export const parseExtras = (text: string | null | undefined): Extras =>
  text ? extrasSchema.parse(JSON.parse(text)) : NO_EXTRAS;

export type SiteTransaction = Transaction<SiteSchema>;

export interface ExtrasChange {
  /** Returns undefined if there is nothing to change. */
  readonly change: (before: Extras) => Extras | undefined;
  readonly record: (video: VideoRow) => RecordDraft;
  /** Further writes in the same transaction. */
  readonly also?: ((transaction: SiteTransaction) => Promise<void>) | undefined;
  readonly alsoSet?: Partial<Pick<VideoRow, 'extras_made'>>;
  readonly nowMs?: number;
}

/** Changes the extras of a published video. Their files must be durable. @returns false if the video cannot be changed */
export function changeExtras(
  db: SiteDatabase,
  id: VideoId,
  { change, record, also, alsoSet = {}, nowMs = Date.now() }: ExtrasChange,
): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    const now = new Date(nowMs).toISOString();
    // This locks the row before anything is read, so that two changes run one after the other.
    const before = await transaction
      .updateTable('videos')
      .set({ updated_at: now })
      .where('id', '=', id)
      .where('state', '=', 'ready')
      .returningAll()
      .executeTakeFirst();
    if (!before?.revision) return false;
    const present = await transaction
      .selectFrom('revisions')
      .select('indexes')
      .where('id', '=', before.revision)
      .executeTakeFirst();
    // The video was taken over from a lost site, and is played as it was copied.
    if (!present) return false;
    const { indexes } = present;
    const extras = change(parseExtras(before.extras));
    if (!extras) return true;
    const revision: RevisionId = newRevisionId();
    const text = JSON.stringify(extrasSchema.parse(extras));
    await transaction
      .insertInto('revisions')
      .values({ id: revision, video_id: id, indexes, extras: text, created_at: now })
      .execute();
    const video = await transaction
      .updateTable('videos')
      .set({ extras: text, revision, ...alsoSet })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await also?.(transaction);
    await reopenOffload(transaction, id);
    if (video.approval === null) await writeDraft(transaction, id, record(video), nowMs);
    return true;
  });
}

/** Lists published videos whose extras have not been made yet, oldest first. */
export const listWithoutExtras = (
  db: SiteDatabase,
  maxAttempts: number,
  limit: number,
): Promise<VideoRow[]> =>
  db
    .selectFrom('videos')
    .selectAll()
    .where('state', '=', 'ready')
    .where('extras_made', '=', 0)
    .where('extras_attempts', '<', maxAttempts)
    .orderBy('extras_attempts')
    .orderBy('id')
    .limit(limit)
    .execute();

/** Counts an attempt before it runs, so that a source that kills the process is set aside. With -1, subtracts an attempt that the site itself stopped. */
export async function countExtrasAttempt(db: SiteDatabase, id: VideoId, by = 1): Promise<void> {
  await db
    .updateTable('videos')
    .set(({ eb }) => ({ extras_attempts: eb('extras_attempts', '+', by) }))
    .where('id', '=', id)
    .execute();
}

export async function markExtrasMade(db: SiteDatabase, id: VideoId): Promise<void> {
  await db.updateTable('videos').set({ extras_made: 1 }).where('id', '=', id).execute();
}

/** The extras are made again, because somebody has chosen another poster. */
export async function reopenExtras(db: SiteDatabase, id: VideoId): Promise<void> {
  await db.updateTable('videos').set({ extras_made: 0, extras_attempts: 0 }).where('id', '=', id).execute();
}

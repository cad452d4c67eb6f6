/**
 * Drafts of captions: tracks that are not published. They are part of no revision, so neither playlists nor records nor searches have
 * them. A person publishes a draft, which moves it to the extras of the video.
 */

import type { Transaction } from 'kysely';
import { newId, type VideoId } from '../../protocol/base/ids.ts';
import type { CaptionsOrigin } from '../../protocol/captions.ts';
import type { CaptionDraftRow, SiteSchema } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

export interface NewDraft {
  readonly video: VideoId;
  readonly language: string | undefined;
  readonly name: string | undefined;
  readonly from: CaptionsOrigin;
  /** WebVTT. */
  readonly text: string;
}

const now = (): string => new Date().toISOString();

/** Inserts a draft, unless the video was withdrawn or has `max` drafts. @returns its id; undefined if it was not inserted */
export async function insertDraft(
  db: SiteDatabase,
  { video, language, name, from, text }: NewDraft,
  max: number,
): Promise<string | undefined> {
  const id = newId();
  return db.transaction().execute(async tx => {
    // This locks the row, so that a withdrawal deletes the draft, or prevents it.
    const row = await tx
      .updateTable('videos')
      .set({ updated_at: now() })
      .where('id', '=', video)
      .where('state', '=', 'ready')
      .returning('id')
      .executeTakeFirst();
    if (!row || (await listDrafts(tx, video)).length >= max) return undefined;
    await tx
      .insertInto('caption_drafts')
      .values({
        id,
        video_id: video,
        language: language ?? null,
        name: name ?? null,
        origin: from,
        vtt: text,
        tag: newId(),
        created_at: now(),
      })
      .execute();
    return id;
  });
}

/** Without their texts, oldest first. */
export const listDrafts = (db: SiteDatabase, video: VideoId): Promise<Omit<CaptionDraftRow, 'vtt'>[]> =>
  db
    .selectFrom('caption_drafts')
    .select(['id', 'video_id', 'language', 'name', 'origin', 'tag', 'created_at'])
    .where('video_id', '=', video)
    .orderBy('id')
    .execute();

export const findDraft = (
  db: SiteDatabase,
  video: VideoId,
  id: string,
): Promise<CaptionDraftRow | undefined> =>
  db
    .selectFrom('caption_drafts')
    .selectAll()
    .where('video_id', '=', video)
    .where('id', '=', id)
    .executeTakeFirst();

/** @returns the new tag; undefined if the draft has another one than `tag` by now, or does not exist any more */
export async function changeDraft(
  db: SiteDatabase,
  { id, tag }: Pick<CaptionDraftRow, 'id' | 'tag'>,
  changes: Partial<Pick<CaptionDraftRow, 'vtt' | 'language' | 'name'>>,
): Promise<string | undefined> {
  const next = newId();
  const { numUpdatedRows } = await db
    .updateTable('caption_drafts')
    .set({ ...changes, tag: next })
    .where('id', '=', id)
    .where('tag', '=', tag)
    .executeTakeFirst();
  return Number(numUpdatedRows) === 1 ? next : undefined;
}

/** @returns false if the draft has another tag than `tag` by now, or does not exist any more */
export async function deleteDraft(
  db: SiteDatabase | Transaction<SiteSchema>,
  id: string,
  tag?: string,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('caption_drafts')
    .where('id', '=', id)
    .$if(tag !== undefined, query => query.where('tag', '=', tag ?? ''))
    .executeTakeFirst();
  return Number(numDeletedRows) === 1;
}

export async function deleteDrafts(db: SiteDatabase, video: VideoId): Promise<void> {
  await db.deleteFrom('caption_drafts').where('video_id', '=', video).execute();
}

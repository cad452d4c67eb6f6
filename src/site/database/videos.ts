/** The site's videos, from the first byte of an upload on. */
import type { Kysely } from 'kysely';
import type { VideoId } from '../../protocol/ids.ts';
import type { VideoState } from '../../protocol/site.ts';
import type { RecordRow, SiteSchema, VideoRow } from './schema.ts';

export type SiteDatabase = Kysely<SiteSchema>;

/** Another site has the video now: what is stored here is kept until somebody deletes it. */
export const SUPERSEDED = 'superseded';
/** Failures after which the source is kept, because its conversion may be tried again. */
export const RETRIABLE: ReadonlySet<string> = new Set(['conversion-failed', 'conversion-cancelled']);

export interface NewVideo {
  readonly id: VideoId;
  readonly name: string;
  readonly description: string;
  readonly language: string | undefined;
  readonly fileName: string | undefined;
  readonly isPrivate?: boolean;
  readonly sizeBytes: number;
}

/** A video and, once it has one, its record's publication state. */
export type VideoWithRecord = VideoRow & {
  readonly version: RecordRow['version'] | null;
  readonly change: RecordRow['change'] | null;
  readonly published: RecordRow['published'] | null;
  readonly registered_version: RecordRow['registered_version'] | null;
};

const now = (): string => new Date().toISOString();

export async function insertVideo(db: SiteDatabase, video: NewVideo): Promise<void> {
  await db
    .insertInto('videos')
    .values({
      id: video.id,
      name: video.name,
      description: video.description,
      language: video.language ?? null,
      file_name: video.fileName ?? null,
      private: video.isPrivate ? 1 : 0,
      state: 'uploading',
      error_code: null,
      error_detail: null,
      size_bytes: video.sizeBytes,
      sha256: null,
      revision: null,
      prepared: null,
      extras: null,
      extras_made: 0,
      extras_attempts: 0,
      offloaded: 0,
      attempts: 0,
      created_at: now(),
      updated_at: now(),
    })
    .execute();
}

const withRecords = (db: SiteDatabase) =>
  db
    .selectFrom('videos')
    .leftJoin('records', 'records.video_id', 'videos.id')
    .selectAll('videos')
    .select(['records.version', 'records.change', 'records.published', 'records.registered_version']);

export const findVideo = (db: SiteDatabase, id: VideoId): Promise<VideoWithRecord | undefined> =>
  withRecords(db).where('videos.id', '=', id).executeTakeFirst();

/** Newest first (UUIDv7 sorts by time); `before` is the last id of the page before. */
export const listVideos = (
  db: SiteDatabase,
  limit: number,
  before: VideoId | undefined,
): Promise<VideoWithRecord[]> =>
  withRecords(db)
    .$if(before !== undefined, query => query.where('videos.id', '<', before as VideoId))
    .orderBy('videos.id', 'desc')
    .limit(limit)
    .execute();

export const listVideosInState = (db: SiteDatabase, states: readonly VideoState[]): Promise<VideoRow[]> =>
  db.selectFrom('videos').selectAll().where('state', 'in', states).orderBy('id').execute();

/** Uploads that are still under way, and how many bytes each has announced. */
export async function listUploading(
  db: SiteDatabase,
): Promise<readonly { readonly video: VideoId; readonly sizeBytes: number }[]> {
  const rows = await db
    .selectFrom('videos')
    .select(['id', 'size_bytes'])
    .where('state', '=', 'uploading')
    .execute();
  return rows.map(row => ({ video: row.id, sizeBytes: Number(row.size_bytes) }));
}

/** The bytes are safe: what follows is the check. False where the upload was called off meanwhile. */
export async function markChecking(db: SiteDatabase, id: VideoId, sha256: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('videos')
    .set({ state: 'checking', sha256, updated_at: now() })
    .where('id', '=', id)
    .where('state', '=', 'uploading')
    .executeTakeFirst();
  return Number(numUpdatedRows) === 1;
}

/** Counts an attempt before it runs, and says which one it is. */
export async function claimCheck(db: SiteDatabase, id: VideoId): Promise<number | undefined> {
  const row = await db
    .updateTable('videos')
    .set(({ eb }) => ({ attempts: eb('attempts', '+', 1), updated_at: now() }))
    .where('id', '=', id)
    .where('state', '=', 'checking')
    .returning('attempts')
    .executeTakeFirst();
  return row?.attempts;
}

/** The attempt that was begun does not count. */
export async function releaseCheck(db: SiteDatabase, id: VideoId): Promise<void> {
  await db
    .updateTable('videos')
    .set(({ eb }) => ({ attempts: eb('attempts', '-', 1) }))
    .where('id', '=', id)
    .where('state', '=', 'checking')
    .execute();
}

export async function markFailed(db: SiteDatabase, id: VideoId, code: string, detail: string): Promise<void> {
  await db
    .updateTable('videos')
    .set({ state: 'failed', error_code: code, error_detail: detail, updated_at: now() })
    .where('id', '=', id)
    .where('state', 'in', ['uploading', 'checking', 'preparing'])
    .execute();
}

/** False where all of it has arrived meanwhile, or it is not there. */
export async function deleteUploading(db: SiteDatabase, id: VideoId): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('videos')
    .where('id', '=', id)
    .where('state', '=', 'uploading')
    .executeTakeFirst();
  return Number(numDeletedRows) === 1;
}

/** Uploads as tus sees them. An upload that becomes a video has the id of its video; a partial upload has no video. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { UploadRow } from './schema.ts';
import type { SiteDatabase } from './videos.ts';

export const PARTIAL = 'partial';

export interface NewUpload {
  readonly id: VideoId;
  readonly metadata: string | undefined;
  readonly concat: string | undefined;
  /** Undefined if the client declares the length later. */
  readonly sizeBytes: number | undefined;
  /** The person who starts it. */
  readonly owner?: string | undefined;
}

export interface UploadInProgress {
  readonly video: VideoId;
  /** 0 if it is not known yet. */
  readonly sizeBytes: number;
  readonly createdMs: number;
}

export async function insertUpload(db: SiteDatabase, upload: NewUpload): Promise<void> {
  await db
    .insertInto('uploads')
    .values({
      id: upload.id,
      metadata: upload.metadata ?? null,
      concat: upload.concat ?? null,
      length_bytes: upload.sizeBytes ?? null,
      owner_id: upload.owner ?? null,
      created_at: new Date().toISOString(),
    })
    .execute();
}

export const findUpload = (db: SiteDatabase, id: VideoId): Promise<UploadRow | undefined> =>
  db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst();

/** Sets the length of an upload that was created without one. */
export const declareLength = (db: SiteDatabase, id: VideoId, sizeBytes: number): Promise<void> =>
  db.transaction().execute(async transaction => {
    await transaction
      .updateTable('uploads')
      .set({ length_bytes: sizeBytes })
      .where('id', '=', id)
      .where('length_bytes', 'is', null)
      .execute();
    await transaction
      .updateTable('videos')
      .set({ size_bytes: sizeBytes })
      .where('id', '=', id)
      .where('state', '=', 'uploading')
      .execute();
  });

export async function deleteUpload(db: SiteDatabase, id: VideoId): Promise<void> {
  await db.deleteFrom('uploads').where('id', '=', id).execute();
}

/** Deletes the rows of uploads that have become videos, or whose videos were deleted. */
export async function deleteEndedUploads(db: SiteDatabase, createdBefore: string): Promise<void> {
  await db
    .deleteFrom('uploads')
    .where('created_at', '<', createdBefore)
    .where(({ and, or, eb, not, exists, selectFrom }) =>
      and([
        or([eb('concat', 'is', null), eb('concat', '<>', PARTIAL)]),
        not(
          exists(
            selectFrom('videos')
              .select('videos.id')
              .whereRef('videos.id', '=', 'uploads.id')
              .where('videos.state', '=', 'uploading'),
          ),
        ),
      ]),
    )
    .execute();
}

/** Lists the uploads in progress, partial ones included. */
export async function listUploading(db: SiteDatabase): Promise<readonly UploadInProgress[]> {
  const videos = await db
    .selectFrom('videos')
    .select(['id', 'size_bytes', 'created_at'])
    .where('state', '=', 'uploading')
    .execute();
  const parts = await db
    .selectFrom('uploads')
    .select(['id', 'length_bytes as size_bytes', 'created_at'])
    .where('concat', '=', PARTIAL)
    .execute();
  return [...videos, ...parts].map(row => ({
    video: row.id,
    sizeBytes: Number(row.size_bytes ?? 0),
    createdMs: Date.parse(row.created_at),
  }));
}

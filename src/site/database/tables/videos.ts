/** The videos of a site, from the start of their upload. */
import type { Kysely } from 'kysely';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { AudienceOfVideo } from '../../../protocol/people/audience.ts';
import type { SeriesId } from '../../../protocol/people/permissions.ts';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import type { Owner } from '../../../protocol/publication/record.ts';
import type { VideoState } from '../../../protocol/site.ts';
import { detailsColumns } from './details.ts';
import { audienceColumns, ownerColumns, type Series, seriesColumns } from './people-columns.ts';
import type { RecordRow, SiteSchema, VideoRow } from './schema.ts';

export type SiteDatabase = Kysely<SiteSchema>;

/** Error code of a video that another site has taken over. Its files are kept until somebody deletes them. */
export const SUPERSEDED = 'superseded';
/** Error codes after which the source is kept, because the conversion can be retried. */
export const RETRIABLE: ReadonlySet<string> = new Set(['conversion-failed', 'conversion-cancelled']);

export interface NewVideo {
  readonly id: VideoId;
  readonly name: string;
  readonly description: string;
  readonly language: string | undefined;
  readonly fileName: string | undefined;
  readonly audience?: AudienceOfVideo;
  readonly owner?: Owner | undefined;
  readonly series?: Series | undefined;
  /** The uploader may not publish. */
  readonly needsApproval?: boolean;
  readonly details?: VideoDetails;
  readonly sizeBytes: number;
}

/** A video, and the publication state of its record if it has one. */
export type VideoWithRecord = VideoRow & {
  readonly version: RecordRow['version'] | null;
  readonly change: RecordRow['change'] | null;
  readonly published: RecordRow['published'] | null;
  readonly registered_version: RecordRow['registered_version'] | null;
};

const EVERYONE: AudienceOfVideo = { audience: 'public', groups: [] };
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
      ...audienceColumns(video.audience ?? EVERYONE),
      ...ownerColumns(video.owner),
      ...seriesColumns(video.series),
      approval: video.needsApproval ? 'awaiting' : null,
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
      ...detailsColumns(video.details ?? {}),
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

/** In no particular order. */
export const listVideosWithRecords = (
  db: SiteDatabase,
  ids: readonly VideoId[],
): Promise<VideoWithRecord[]> => withRecords(db).where('videos.id', 'in', ids).execute();

/** The videos that match at least one of these; an empty object matches every video. */
export type VisibleVideos = readonly { readonly owner?: string; readonly series?: SeriesId }[];

export const listVideosInState = (db: SiteDatabase, states: readonly VideoState[]): Promise<VideoRow[]> =>
  db.selectFrom('videos').selectAll().where('state', 'in', states).orderBy('id').execute();

/** Marks a video whose source is durable as ready for the check. @returns false if the upload was cancelled meanwhile */
export async function markChecking(db: SiteDatabase, id: VideoId, sha256: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('videos')
    .set({ state: 'checking', sha256, updated_at: now() })
    .where('id', '=', id)
    .where('state', '=', 'uploading')
    .executeTakeFirst();
  return Number(numUpdatedRows) === 1;
}

/** Counts an attempt before it runs. @returns its number, or undefined if there is nothing to check */
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

/** Subtracts the attempt in progress. */
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

/** Deletes the row of an upload. @returns false if the upload is complete or does not exist */
export async function deleteUploading(db: SiteDatabase, id: VideoId): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('videos')
    .where('id', '=', id)
    .where('state', '=', 'uploading')
    .executeTakeFirst();
  return Number(numDeletedRows) === 1;
}

/**
 * Revisions: immutable sets of renditions. A video's newest is in its row and its record; the others stay for those who are
 * watching them. They share their media files and differ in small index files, so they are kept as long as the video is.
 */
import * as z from 'zod';
import type { RevisionId, VideoId } from '../../protocol/ids.ts';
import { type Extras, parseExtras } from './extras.ts';
import type { SiteDatabase } from './videos.ts';

const indexesSchema = z.array(z.string().min(1)).min(1);

export interface RevisionParts {
  readonly indexes: readonly string[];
  readonly extras: Extras;
}

/** Once its index files are durable, and before any record names it. */
export async function insertRevision(
  db: SiteDatabase,
  id: RevisionId,
  video: VideoId,
  indexes: readonly string[],
): Promise<void> {
  const created_at = new Date().toISOString();
  await db
    .insertInto('revisions')
    .values({ id, video_id: video, indexes: JSON.stringify(indexes), extras: null, created_at })
    .execute();
}

/** Within the transaction that names it: other renditions of a video beside which pictures and captions stand already. */
export async function insertRevisionWithExtras(
  transaction: SiteDatabase,
  id: RevisionId,
  video: VideoId,
  indexes: readonly string[],
): Promise<void> {
  await insertRevision(transaction, id, video, indexes);
  const { extras } = await transaction
    .selectFrom('videos')
    .select('extras')
    .where('id', '=', video)
    .executeTakeFirstOrThrow();
  await transaction.updateTable('revisions').set({ extras }).where('id', '=', id).execute();
}

/** Of a video that a viewer asks for: what its revision is made of, or that it is withdrawn. */
export async function locateRevision(
  db: SiteDatabase,
  id: VideoId,
  revision: RevisionId,
): Promise<RevisionParts | 'withdrawn' | undefined> {
  const row = await db
    .selectFrom('videos')
    .leftJoin('revisions', join =>
      join.onRef('revisions.video_id', '=', 'videos.id').on('revisions.id', '=', revision),
    )
    .select(['videos.state', 'revisions.indexes', 'revisions.extras'])
    .where('videos.id', '=', id)
    .executeTakeFirst();
  if (row?.state === 'withdrawn') return 'withdrawn';
  if (!row?.indexes) return undefined;
  return { indexes: indexesSchema.parse(JSON.parse(row.indexes)), extras: parseExtras(row.extras) };
}

export async function deleteRevisions(db: SiteDatabase, video: VideoId): Promise<void> {
  await db.deleteFrom('revisions').where('video_id', '=', video).execute();
}

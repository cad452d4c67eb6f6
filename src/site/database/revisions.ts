/**
 * Revisions are immutable sets of renditions. The newest one is in the video's row and record; the others are kept for current
 * viewers. They share the media files and differ only in small index files, so they are kept as long as the video.
 */
import * as z from 'zod';
import type { RevisionId, VideoId } from '../../protocol/base/ids.ts';
import { type Extras, parseExtras } from './extras.ts';
import type { SiteDatabase } from './tables/videos.ts';

const indexesSchema = z.array(z.string().min(1)).min(1);

export interface RevisionParts {
  readonly indexes: readonly string[];
  readonly extras: Extras;
}

/** Inserts a revision after its index files are durable, and before a record names it. */
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

/** Inserts a revision with the current extras of the video, in the transaction that makes it current. */
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

/** Finds the files of a revision, for a request of a viewer. */
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

/** Lists the index files of all revisions of a video. */
export async function listRevisionIndexes(db: SiteDatabase, video: VideoId): Promise<readonly string[]> {
  const rows = await db.selectFrom('revisions').select('indexes').where('video_id', '=', video).execute();
  return [...new Set(rows.flatMap(({ indexes }) => indexesSchema.parse(JSON.parse(indexes))))];
}

export async function deleteRevisions(db: SiteDatabase, video: VideoId): Promise<void> {
  await db.deleteFrom('revisions').where('video_id', '=', video).execute();
}

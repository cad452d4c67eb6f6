/**
 * The columns `publish_at` and `withdraw_at` of own videos and of copies: times of their records, as text in UTC, which sorts by
 * time.
 */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { SiteDatabase } from './videos.ts';

/** Own videos whose `withdrawAt` has passed and that are not withdrawn yet. An upload in progress is withdrawn when it has ended. */
export async function listDueWithdrawals(db: SiteDatabase, nowMs: number, limit: number): Promise<VideoId[]> {
  const rows = await db
    .selectFrom('videos')
    .select('id')
    .where('withdraw_at', '<=', new Date(nowMs).toISOString())
    .where('state', 'not in', ['withdrawn', 'uploading'])
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** What became visible or ended after `sinceMs`, up to `nowMs`. */
export async function listTurned(
  db: SiteDatabase,
  sinceMs: number,
  nowMs: number,
): Promise<{ readonly own: readonly VideoId[]; readonly copies: readonly VideoId[] }> {
  const [since, now] = [sinceMs, nowMs].map(ms => new Date(ms).toISOString()) as [string, string];
  const own = await db
    .selectFrom('videos')
    .select('id')
    .where('publish_at', '>', since)
    .where('publish_at', '<=', now)
    .execute();
  const copies = await db
    .selectFrom('copies')
    .select('video_id')
    .where(({ eb, and, or }) =>
      or(
        (['publish_at', 'withdraw_at'] as const).map(column =>
          and([eb(column, '>', since), eb(column, '<=', now)]),
        ),
      ),
    )
    .execute();
  return { own: own.map(({ id }) => id), copies: copies.map(({ video_id }) => video_id) };
}

/** Copies whose `withdrawAt` has passed. Their files are kept until the withdrawal arrives, because the time may have been moved. */
export async function listExpiredCopies(db: SiteDatabase, nowMs: number): Promise<ReadonlySet<VideoId>> {
  const rows = await db
    .selectFrom('copies')
    .select('video_id')
    .where('withdraw_at', '<=', new Date(nowMs).toISOString())
    .execute();
  return new Set(rows.map(({ video_id }) => video_id));
}

/** Own public videos that became visible after `sinceMs`, up to `nowMs`. */
export async function listPublished(db: SiteDatabase, sinceMs: number, nowMs: number): Promise<VideoId[]> {
  const rows = await db
    .selectFrom('videos')
    .select('id')
    .where('publish_at', '>', new Date(sinceMs).toISOString())
    .where('publish_at', '<=', new Date(nowMs).toISOString())
    .where('private', '=', 0)
    .where('approval', 'is', null)
    .execute();
  return rows.map(({ id }) => id);
}

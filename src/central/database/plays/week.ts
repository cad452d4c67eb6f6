/** Keeps the sums of the last week correct as days pass, and deletes old plays. In small steps; several centrals may do so at once. */
import { isAmong } from '../../../kernel/sql/rows.ts';
import type { CentralDatabase } from '../schema.ts';
import { DAY_MS, dayOf, KEPT_DAYS, lockCounts, sumWeek, VIDEOS_PER_STEP } from './count.ts';

/** An epoch of which nothing was received for this time belongs to a start of a tracker that has ended. */
const KEPT_DELIVERIES_MS = 92 * DAY_MS;

/** Corrects the sums of a few videos whose week has moved on. @returns false if there are none */
export async function moveWeek(db: CentralDatabase, nowMs: number): Promise<boolean> {
  const due = await db
    .selectFrom('play_counts')
    .select('video_id')
    .where('due_day', '<=', dayOf(nowMs))
    .orderBy('due_day')
    .limit(VIDEOS_PER_STEP)
    .execute();
  if (due.length === 0) return false;
  const videos = due.map(({ video_id }) => video_id).sort();
  await db.transaction().execute(async tx => {
    await lockCounts(tx, videos);
    await sumWeek(tx, videos, nowMs);
  });
  return true;
}

/** Deletes a few plays that are too old, and the deliveries of ended starts. @returns false if none is left */
export async function deleteOldPlays(db: CentralDatabase, nowMs: number): Promise<boolean> {
  const firstDay = dayOf(nowMs) - KEPT_DAYS + 1;
  await db
    .deleteFrom('play_deliveries')
    .where('received_at', '<', nowMs - KEPT_DELIVERIES_MS)
    .execute();
  const old = await db
    .selectFrom('plays')
    .select(['video_id', 'day'])
    .where('day', '<', firstDay)
    .orderBy('day')
    .limit(VIDEOS_PER_STEP)
    .execute();
  if (old.length === 0) return false;
  const videos = [...new Set(old.map(({ video_id }) => video_id))];
  await db
    .deleteFrom('plays')
    .where('day', '<', firstDay)
    .where(isAmong(db, 'video_id', videos))
    .execute();
  return true;
}

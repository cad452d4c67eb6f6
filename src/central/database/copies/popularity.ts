/** How popular videos are now: their plays, decaying by half per day. Copies follow it. */
import { isAmong } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';

/** Plays decay by half per day, so the sum for a constant number of plays per day converges to this multiple of that number. */
const HALF_LIFE_MS = 86_400_000;
const SUM_PER_DAILY_PLAY = 1 / Math.LN2;

const decayPlays = (plays: number, sinceMs: number): number =>
  plays * 0.5 ** (Math.max(0, sinceMs) / HALF_LIFE_MS);

/** Each video occurs once. */
export async function countPopularity(
  tx: CentralTransaction,
  plays: readonly { readonly video: VideoId; readonly count: number }[],
  nowMs: number,
): Promise<void> {
  const rows = await tx
    .selectFrom('popularity')
    .selectAll()
    .where(
      isAmong(
        tx,
        'video_id',
        plays.map(({ video }) => video),
      ),
    )
    .execute();
  const known = new Map(rows.map(row => [row.video_id, row]));
  await tx
    .insertInto('popularity')
    .values(
      plays.map(({ video, count }) => {
        const before = known.get(video);
        const rest = before ? decayPlays(before.plays, nowMs - Number(before.counted_at)) : 0;
        return { video_id: video, plays: rest + count, counted_at: nowMs };
      }),
    )
    .onConflict(conflict =>
      conflict.column('video_id').doUpdateSet({
        plays: sql<number>`excluded.plays`,
        counted_at: sql<number>`excluded.counted_at`,
      }),
    )
    .execute();
}

/** Lists the plays per day, by video. */
export async function listPlays(db: CentralDatabase, nowMs: number): Promise<ReadonlyMap<VideoId, number>> {
  const rows = await db.selectFrom('popularity').selectAll().execute();
  return new Map(
    rows.map(row => [
      row.video_id,
      decayPlays(row.plays, nowMs - Number(row.counted_at)) / SUM_PER_DAILY_PLAY,
    ]),
  );
}

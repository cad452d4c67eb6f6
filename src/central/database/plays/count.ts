/**
 * Counts the plays that trackers deliver, once each: a tracker repeats a delivery until it is confirmed. The sums of the last week
 * are part of the same transaction.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import { isPostgres } from '../../../kernel/sql/postgres.ts';
import { selectRows } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import { inTransaction } from '../../../kernel/sql/transaction.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { countPopularity } from '../copies/popularity.ts';
import type { CentralDatabase, CentralSchema, CentralTransaction } from '../schema.ts';

export const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
/** Plays are kept for a quarter of a year. */
export const KEPT_DAYS = 92;
/** Videos that one transaction changes, so that it takes a few milliseconds. */
export const VIDEOS_PER_STEP = 200;

export interface PlayCount {
  readonly video: VideoId;
  readonly count: number;
}

/** The delivery of a tracker that has this number since the tracker's start `epoch`. */
export interface PlayDelivery {
  readonly tracker: string;
  readonly epoch: string;
  readonly sequence: number;
  /** The day of the plays by the tracker's clock, which may be wrong. */
  readonly day: number;
}

export const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS);

/**
 * Counts plays, once each even if the delivery is repeated. Plays without a delivery come from an older tracker and count as often
 * as they are received. @returns false if this delivery was counted before
 */
export async function countPlays(
  db: CentralDatabase,
  { plays, delivery }: { readonly plays: readonly PlayCount[]; readonly delivery: PlayDelivery | undefined },
  nowMs: number,
): Promise<boolean> {
  const day = chooseDay(delivery?.day, nowMs);
  const sorted = sumByVideo(plays);
  return inTransaction(db, async tx => {
    if (delivery && !(await noteDelivery(tx, delivery, nowMs))) return false;
    for (let at = 0; at < sorted.length; at += VIDEOS_PER_STEP) {
      const step = sorted.slice(at, at + VIDEOS_PER_STEP);
      const videos = step.map(({ video }) => video);
      await lockCounts(tx, videos);
      await addPlays(tx, step, day);
      await sumWeek(tx, videos, nowMs);
      await countPopularity(tx, step, nowMs);
      await nextTick();
    }
    return true;
  });
}

/** Plays of tomorrow count for today, and those of long ago for the oldest day that is kept. */
function chooseDay(day: number | undefined, nowMs: number): number {
  const today = dayOf(nowMs);
  return Math.min(Math.max(day ?? today, today - KEPT_DAYS + 1), today);
}

/** In the order in which transactions lock the rows, so that no two wait for each other. */
function sumByVideo(plays: readonly PlayCount[]): PlayCount[] {
  const sums = new Map<VideoId, number>();
  for (const { video, count } of plays) sums.set(video, (sums.get(video) ?? 0) + count);
  return [...sums].map(([video, count]) => ({ video, count })).sort((a, b) => (a.video < b.video ? -1 : 1));
}

/** @returns false if it was noted before. A repetition that arrives at the same time waits until the first one is committed. */
async function noteDelivery(
  tx: CentralTransaction,
  { tracker, epoch, sequence }: PlayDelivery,
  nowMs: number,
): Promise<boolean> {
  const row = { sequence, received_at: nowMs };
  const { numInsertedOrUpdatedRows: noted } = await tx
    .insertInto('play_deliveries')
    .values({ tracker_id: tracker, epoch, ...row })
    .onConflict(conflict =>
      conflict
        .columns(['tracker_id', 'epoch'])
        .doUpdateSet(row)
        .where('play_deliveries.sequence', '<', sequence),
    )
    .executeTakeFirstOrThrow();
  return Number(noted) > 0;
}

/** Until the transaction ends, no other one changes the sums of these videos. In SQLite there is only one at a time. */
export async function lockCounts(tx: CentralTransaction, videos: readonly VideoId[]): Promise<void> {
  if (!isPostgres(tx)) return;
  const zeros = videos.map(() => 0);
  await tx
    .insertInto('play_counts')
    .columns(['video_id', 'week_plays', 'due_day'])
    .expression(selectRows(tx, { video_id: videos, week_plays: zeros, due_day: zeros }))
    .onConflict(conflict => conflict.doNothing())
    .execute();
  await tx
    .selectFrom('play_counts')
    .select('video_id')
    .where('video_id', 'in', videos)
    .orderBy('video_id')
    .forUpdate()
    .execute();
}

async function addPlays(tx: CentralTransaction, plays: readonly PlayCount[], day: number): Promise<void> {
  await tx
    .insertInto('plays')
    .columns(['video_id', 'day', 'plays'])
    .expression(
      selectRows<CentralSchema, { video_id: string; day: number; plays: number }>(tx, {
        video_id: plays.map(({ video }) => video),
        day: plays.map(() => day),
        plays: plays.map(({ count }) => count),
      }),
    )
    .onConflict(conflict =>
      conflict.columns(['video_id', 'day']).doUpdateSet({ plays: sql<number>`plays.plays + excluded.plays` }),
    )
    .execute();
}

/** Sums the plays of the last week again. The caller has locked the counts. */
export async function sumWeek(
  tx: CentralTransaction,
  videos: readonly VideoId[],
  nowMs: number,
): Promise<void> {
  const today = dayOf(nowMs);
  const sums = await tx
    .selectFrom('plays')
    .where('video_id', 'in', videos)
    .where('day', '>', today - WEEK_DAYS)
    .where('day', '<=', today)
    .groupBy('video_id')
    .select(['video_id', sql<number>`sum(plays)`.as('week_plays'), sql<number>`min(day)`.as('first_day')])
    .execute();
  if (sums.length > 0) {
    await tx
      .insertInto('play_counts')
      .values(
        sums.map(({ video_id, week_plays, first_day }) => ({
          video_id,
          week_plays: Number(week_plays),
          due_day: Number(first_day) + WEEK_DAYS,
        })),
      )
      .onConflict(conflict =>
        conflict.column('video_id').doUpdateSet({
          week_plays: sql<number>`excluded.week_plays`,
          due_day: sql<number>`excluded.due_day`,
        }),
      )
      .execute();
  }
  const counted = new Set(sums.map(sum => sum.video_id));
  const others = videos.filter(video => !counted.has(video));
  if (others.length > 0) await tx.deleteFrom('play_counts').where('video_id', 'in', others).execute();
}

/** The plays of the last week, for those of these videos that were played. */
export async function listWeekPlays(
  db: CentralDatabase,
  videos: readonly VideoId[],
): Promise<ReadonlyMap<VideoId, number>> {
  if (videos.length === 0) return new Map();
  const rows = await db
    .selectFrom('play_counts')
    .select(['video_id', 'week_plays'])
    .where('video_id', 'in', videos)
    .execute();
  return new Map(rows.map(({ video_id, week_plays }) => [video_id, Number(week_plays)]));
}

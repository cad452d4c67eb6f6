/** Plays are counted once each, on the right day, and the sums of the week follow the days, on both engines. */
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import { type CentralSchema, migrations } from '../schema.ts';
import { countPlays, DAY_MS, KEPT_DAYS, listWeekPlays, type PlayDelivery } from './count.ts';
import { deleteOldPlays, moveWeek } from './week.ts';

let test: TestDatabase;
let db: Kysely<CentralSchema>;
beforeEach(async () => {
  test = await makeDatabase();
  db = await openDatabase<CentralSchema>(test.place, migrations);
});
afterEach(async () => {
  await db.destroy();
  await test.drop();
});

const TODAY = 20_000;
const at = (day: number): number => day * DAY_MS + 5_000;
const deliver = (
  video: VideoId,
  count: number,
  { nowMs = at(TODAY), ...given }: Partial<PlayDelivery> & { readonly nowMs?: number } = {},
): Promise<boolean> => {
  const delivery = { tracker: 'a', epoch: 'epoch-01', sequence: 1, day: TODAY, ...given };
  return countPlays(db, { plays: [{ video, count }], delivery }, nowMs);
};
const weekOf = async (...videos: VideoId[]) => {
  const plays = await listWeekPlays(db, videos);
  return videos.map(video => plays.get(video) ?? 0);
};
const daysOf = async (video: VideoId) => {
  const rows = await db
    .selectFrom('plays')
    .selectAll()
    .where('video_id', '=', video)
    .orderBy('day')
    .execute();
  return rows.map(({ day, plays }) => [Number(day) - TODAY, Number(plays)]);
};
async function moveTo(nowMs: number): Promise<void> {
  while (await moveWeek(db, nowMs));
}

it('counts a repeated delivery once, also if it is late, or repeated at the same time', async () => {
  const video = newVideoId();
  expect(await deliver(video, 3)).toBe(true);
  expect(await deliver(video, 3)).toBe(false);
  expect(await deliver(video, 4, { sequence: 2 })).toBe(true);
  expect(await deliver(video, 3)).toBe(false);
  const together = await Promise.all(Array.from({ length: 4 }, () => deliver(video, 10, { sequence: 3 })));
  expect(together.filter(Boolean)).toHaveLength(1);
  // Another start of the tracker, and another tracker, have their own numbers.
  expect(await deliver(video, 100, { epoch: 'epoch-02' })).toBe(true);
  expect(await deliver(video, 1_000, { tracker: 'b' })).toBe(true);
  expect(await weekOf(video)).toEqual([1_117]);
});

it('loses no play of trackers that deliver for the same videos at the same time', async () => {
  const videos = Array.from({ length: 300 }, () => newVideoId());
  const plays = videos.map(video => ({ video, count: 1 }));
  await Promise.all(
    [0, 1, 2].flatMap(tracker =>
      [1, 2].map(sequence =>
        countPlays(
          db,
          {
            plays: sequence === 1 ? plays : plays.toReversed(),
            delivery: { tracker: `${tracker}`, epoch: `epoch-${sequence}`, sequence, day: TODAY - tracker },
          },
          at(TODAY),
        ),
      ),
    ),
  );
  expect(new Set(await weekOf(...videos))).toEqual(new Set([6]));
});

it('assigns plays to the day of the tracker within limits, whatever its clock says', async () => {
  const video = newVideoId();
  await deliver(video, 1, { sequence: 1, day: TODAY });
  await deliver(video, 2, { sequence: 2, day: TODAY - 1 });
  await deliver(video, 4, { sequence: 3, day: TODAY + 300 });
  await deliver(video, 8, { sequence: 4, day: 0 });
  await countPlays(db, { plays: [{ video, count: 16 }], delivery: undefined }, at(TODAY));
  expect(await daysOf(video)).toEqual([
    [1 - KEPT_DAYS, 8],
    [-1, 2],
    [0, 21],
  ]);
  expect(await weekOf(video)).toEqual([23]);
});

it('moves the week with the days, in steps, and deletes old plays', async () => {
  const [often, once] = [newVideoId(), newVideoId()];
  const others = Array.from({ length: 450 }, () => newVideoId());
  await deliver(once, 5, { sequence: 1 });
  for (const [n, day] of [TODAY, TODAY + 2, TODAY + 6].entries())
    await deliver(often, 10 ** n, { sequence: n + 2, day, nowMs: at(day) });
  const plays = others.map(video => ({ video, count: 1 }));
  await countPlays(db, { plays, delivery: undefined }, at(TODAY));
  await moveTo(at(TODAY + 6));
  expect(await weekOf(often, once)).toEqual([111, 5]);
  expect(await moveWeek(db, at(TODAY + 7))).toBe(true);
  // The first step does not reach all of them.
  expect((await weekOf(...others)).some(count => count > 0)).toBe(true);
  await moveTo(at(TODAY + 7));
  expect(await weekOf(often, once, ...others)).toEqual([110, 0, ...others.map(() => 0)]);
  await moveTo(at(TODAY + 12));
  expect(await weekOf(often)).toEqual([100]);
  await moveTo(at(TODAY + 13));
  expect(await db.selectFrom('play_counts').selectAll().execute()).toEqual([]);

  while (await deleteOldPlays(db, at(TODAY + KEPT_DAYS)));
  expect(await daysOf(often)).toEqual([
    [2, 10],
    [6, 100],
  ]);
  expect(await daysOf(once)).toEqual([]);
  // Late plays of a day within the week count again.
  await deliver(once, 7, { sequence: 9, day: TODAY + KEPT_DAYS - 6, nowMs: at(TODAY + KEPT_DAYS) });
  expect(await weekOf(once)).toEqual([7]);
});

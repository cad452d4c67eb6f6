import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { newVideoId, type VideoId } from '../../protocol/base/ids.ts';
import type { WithdrawalFeed } from '../../protocol/publication/withdrawals.ts';
import { readSignal } from '../database/publication/signal.ts';
import { type SiteSchema, siteMigrations } from '../database/tables/schema.ts';
import { insertVideo } from '../database/tables/videos.ts';
import type { Central } from './central-client.ts';
import { startWithdrawals } from './withdrawals.ts';

it('deletes videos, then stores the position, then reads on; own videos stay', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-withdrawals-'));
  const db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  const [foreign, own] = [newVideoId(), newVideoId()];
  const about = { name: 'x', description: '', language: undefined, fileName: undefined, sizeBytes: 1 };
  await insertVideo(db, { id: own, ...about });
  const events: string[] = [];
  let diskFails = true;
  let tellEnd = (): void => {};
  const end = new Promise<void>(resolve => {
    tellEnd = resolve;
  });
  const central: Pick<Central, 'awaitWithdrawals'> = {
    async awaitWithdrawals(after): Promise<WithdrawalFeed> {
      events.push(`reads after ${after}`);
      if (after === 0) return { videos: [foreign, own], position: 7 };
      tellEnd();
      return new Promise(() => {});
    },
  };
  const drop = async (video: VideoId): Promise<void> => {
    events.push(video === foreign ? 'deletes the other site’s video' : 'deletes its own');
    if (diskFails) {
      diskFails = false;
      throw new Error('the disk fails');
    }
  };
  const watch = startWithdrawals({ db, central: () => central, drop, log: silentLog });
  // A failure confirms nothing, and is retried.
  for (let tries = 0; diskFails && tries < 200; tries++)
    await new Promise(resolve => setTimeout(resolve, 10));
  expect((await readSignal(db)).withdrawals).toBe(0);
  watch.wake();
  await end;
  expect(events).toEqual([
    'reads after 0',
    'deletes the other site’s video',
    'reads after 0',
    'deletes the other site’s video',
    'reads after 7',
  ]);
  await db.destroy();
  await rm(directory, { recursive: true });
});

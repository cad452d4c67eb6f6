import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../kernel/log.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newRevisionId, newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import { listNotOffloaded } from '../../database/tables/offloading.ts';
import { type SiteSchema, siteMigrations } from '../../database/tables/schema.ts';
import { insertVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import { createStorage } from './create-storage.ts';
import { startOffload } from './offload.ts';

let directory: string;
let db: SiteDatabase;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-offload-'));
  db = await openDatabase<SiteSchema>(':memory:', siteMigrations);
});
afterEach(async () => {
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
});

async function insertReady(): Promise<VideoId> {
  const id = newVideoId();
  await insertVideo(db, {
    id,
    name: 'A video',
    description: '',
    language: undefined,
    fileName: undefined,
    sizeBytes: 1,
  });
  await db
    .updateTable('videos')
    .set({ state: 'ready', revision: newRevisionId(), extras_made: 1 })
    .where('id', '=', id)
    .execute();
  return id;
}

it('keeps a video on the disk if the object store fails, and continues with it later', async () => {
  const video = await insertReady();
  const onOffloaded = vi.fn(async () => undefined);
  const offload = vi.fn(async (_video: VideoId) => {
    throw new Error('connection refused');
  });
  const deps = {
    db,
    extrasAttempts: 0,
    onOffloaded,
    log: silentLog,
  };
  const storage = createStorage(directory);
  const failing = startOffload({ ...deps, storage: { ...storage, offload } });
  await vi.waitUntil(() => offload.mock.calls.length > 0);
  await failing.stop();
  expect(onOffloaded).not.toHaveBeenCalled();
  expect((await listNotOffloaded(db, 10, 0)).map(({ id }) => id)).toEqual([video]);

  const working = startOffload({ ...deps, storage });
  await vi.waitUntil(() => onOffloaded.mock.calls.length > 0);
  await working.stop();
  expect(await listNotOffloaded(db, 10, 0)).toEqual([]);
});

it('finishes the current video after a stop, and moves no other', async () => {
  await insertReady();
  await insertReady();
  let finish = (): void => {};
  const offload = vi.fn((_video: VideoId) => new Promise<void>(resolve => (finish = resolve)));
  const onOffloaded = vi.fn(async () => undefined);
  const storage = { ...createStorage(directory), offload };
  const loop = startOffload({ db, storage, extrasAttempts: 0, onOffloaded, log: silentLog });
  await vi.waitUntil(() => offload.mock.calls.length === 1);
  const stopped = loop.stop();
  finish();
  await stopped;
  expect(offload).toHaveBeenCalledOnce();
  expect(onOffloaded).toHaveBeenCalledOnce();
  expect(await listNotOffloaded(db, 10, 0)).toHaveLength(1);
});

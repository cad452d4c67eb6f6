import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { silentLog } from '../../../kernel/log.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import { type SiteSchema, siteMigrations } from '../../database/tables/schema.ts';
import { findVideo, insertVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import { UploadStore } from '../../http/uploads/upload-store.ts';
import { FfmpegFailed } from '../ffmpeg/ffmpeg.ts';
import { prepareSource } from '../index/source-index.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { createIntake, type Intake, type IntakeDeps } from './create-intake.ts';

let directory: string;
let db: SiteDatabase;
let storage: Storage;
let store: UploadStore;
let prepare: IntakeDeps['prepare'];
let intake: Intake;

const hashFile = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-intake-'));
  db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  storage = createStorage(directory);
  store = new UploadStore(db, storage);
  prepare = prepareSource;
  intake = createIntake({
    db,
    storage,
    sourceAddress: '192.0.2.1:80',
    prepare: (...input) => prepare(...input),
    hashFile,
    onRecord() {},
    onJob() {},
    log: silentLog,
  });
});
afterEach(async () => {
  await intake.stop();
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
});

/** An upload of which all bytes have arrived, and which intake has not accepted. */
async function uploadWhole(): Promise<VideoId> {
  const id = newVideoId();
  const source = await makeVideo(recipes.mp4);
  const { size } = await stat(source);
  await insertVideo(db, {
    id,
    name: 'A video',
    description: '',
    language: undefined,
    fileName: undefined,
    sizeBytes: size,
  });
  await copyFile(source, storage.upload(id));
  return id;
}
const accept = (video: VideoId): Promise<void> => intake.accept(video, () => hashFile(storage.upload(video)));
const stateOf = async (video: VideoId): Promise<string | undefined> => (await findVideo(db, video))?.state;
const untilState = (video: VideoId, state: string): Promise<boolean> =>
  vi.waitUntil(async () => (await stateOf(video)) === state, { timeout: 10_000 });

describe('a check that fails although the file is good', () => {
  it.each([
    ['the disk is full', Object.assign(new Error('write'), { code: 'ENOSPC' })],
    [
      'too many files are open',
      new Error('ffmpeg', { cause: Object.assign(new Error('spawn'), { code: 'EMFILE' }) }),
    ],
    ['the database goes down', Object.assign(new Error('shutting down'), { code: '57P01' })],
    ['the database connection is lost', new Error('Connection terminated unexpectedly')],
  ])('because %s is repeated until it succeeds, and the upload is kept', async (_, fault) => {
    const prepared = vi.fn(async () => {
      throw fault;
    });
    prepare = prepared;
    const video = await uploadWhole();
    await accept(video);
    for (let times = 1; times <= 5; times++) {
      await vi.waitUntil(
        async () => prepared.mock.calls.length === times && (await findVideo(db, video))?.attempts === 0,
      );
      await intake.resume();
    }
    expect(await stateOf(video)).toBe('checking');
    prepare = prepareSource;
    await vi.waitUntil(async () => {
      await intake.resume();
      return (await stateOf(video)) === 'ready';
    });
  });

  it('is distinguished from one that fails because of the file', async () => {
    prepare = async () => {
      throw new Error('cannot read properties of undefined');
    };
    const video = await uploadWhole();
    await accept(video);
    await untilState(video, 'failed');
    const row = await findVideo(db, video);
    // It would fail again, so it is tried once. Its reason is for developers, and is in the log.
    expect(row?.attempts).toBe(1);
    expect(row?.error_code).toBe('check-failed');
    expect(row?.error_detail).toMatch(
      /^This file could not be checked .*which its log describes\. Upload the file again/,
    );
  });

  it.each([
    ['time-exceeded', 3],
    ['unavailable', 3],
  ] as const)('because ffmpeg failed (%s) is tried %i times, and explained', async (fault, attempts) => {
    prepare = async () => {
      throw new FfmpegFailed(fault, 'av_interleaved_write_frame(): /var/lib/tributary/source');
    };
    const video = await uploadWhole();
    await accept(video);
    await untilState(video, 'failed');
    const row = await findVideo(db, video);
    expect(row?.attempts).toBe(attempts);
    expect(row?.error_detail).toMatch(/^This file could not be checked: the \w+ .*\. Export the video again/);
    expect(row?.error_detail).not.toMatch(/ffmpeg|av_|var/);
  });
});

describe('a stop', () => {
  it('waits for the checks in progress and starts no other', async () => {
    const finish: (() => void)[] = [];
    prepare = (source, index) =>
      new Promise<void>(resolve => finish.push(resolve)).then(() => prepareSource(source, index));
    const videos = [await uploadWhole(), await uploadWhole(), await uploadWhole()];
    for (const video of videos) await accept(video);
    await vi.waitUntil(() => finish.length === 2);
    const stopped = intake.stop();
    for (const each of finish) each();
    await stopped;
    const states = await Promise.all(videos.map(stateOf));
    expect(states.sort()).toEqual(['checking', 'ready', 'ready']);
    expect(finish).toHaveLength(2);
  });
});

describe('an upload that was complete while the database was unavailable', () => {
  it('is accepted without another byte or a restart, once nobody has written to it for a while', async () => {
    const video = await uploadWhole();
    await intake.resume(60_000);
    expect(await stateOf(video)).toBe('uploading');
    const then = new Date(Date.now() - 61_000);
    await utimes(storage.upload(video), then, then);
    await intake.resume(60_000);
    await untilState(video, 'ready');
  });

  it('and was moved into place is reported as complete, and accepted', async () => {
    const video = await uploadWhole();
    await accept(video);
    await untilState(video, 'ready');
    await db.updateTable('videos').set({ state: 'uploading' }).where('id', '=', video).execute();
    const { offset, size } = await store.getUpload(video);
    expect(offset).toBe(size);
    await intake.resume(60_000);
    expect(await stateOf(video)).not.toBe('uploading');
  });

  it('is accepted once although it is requested several times', async () => {
    const video = await uploadWhole();
    await Promise.all([accept(video), accept(video), intake.resume()]);
    await untilState(video, 'ready');
    expect((await findVideo(db, video))?.attempts).toBe(1);
  });
});

describe('a cancelled upload', () => {
  it('is deleted, and unknown the second time', async () => {
    const video = await uploadWhole();
    await store.remove(video);
    expect(await findVideo(db, video)).toBeUndefined();
    expect(existsSync(storage.upload(video))).toBe(false);
    await expect(store.remove(video)).rejects.toMatchObject({ status_code: 404 });
  });

  it('leaves nothing if it is cancelled while it is moved into place', async () => {
    const video = await uploadWhole();
    await expect(
      intake.accept(video, async () => {
        const hash = await hashFile(storage.upload(video));
        await db.deleteFrom('videos').where('id', '=', video).execute();
        return hash;
      }),
    ).rejects.toMatchObject({ code: 'upload-cancelled' });
    expect(await readdir(join(directory, 'videos'))).toEqual([]);
    expect(await readdir(join(directory, 'uploads'))).toEqual([]);
  });

  it('cannot be cancelled after all of it has arrived, because it is a video then', async () => {
    const video = await uploadWhole();
    await accept(video);
    await untilState(video, 'ready');
    await expect(store.remove(video)).rejects.toMatchObject({ status_code: 403 });
    expect(await stateOf(video)).toBe('ready');
    expect(existsSync(storage.source(video))).toBe(true);
  });
});

/** Bit rot in the files of a video: every altered, missing or truncated byte is found, and never leaves the storage. */
import { copyFile, mkdir, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { newVideoId } from '../../../protocol/base/ids.ts';
import { Presentation } from '../cut/cut.ts';
import { prepareSource } from '../index/source-index.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { BLOCK_BYTES, checkFiles, DamagedFile, openChecked } from './integrity.ts';

const video = newVideoId();
let directory: string;
let storage: Storage;
let sha256: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-integrity-'));
  storage = createStorage(directory);
  await mkdir(dirname(storage.source(video)), { recursive: true });
  await copyFile(await makeVideo(recipes.mp4), storage.source(video));
  await prepareSource(storage.source(video), storage.index(video));
  sha256 = sha256Hex(await readFile(storage.source(video)));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const check = (changes: { sha256?: string; isOffloaded?: boolean } = {}) =>
  checkFiles({
    ...{ storage, video, sha256, isOffloaded: false },
    indexes: [storage.indexName],
    afterBytes: async () => {},
    ...changes,
  });
async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, position);
  await file.close();
}
async function readAll(name: string): Promise<Buffer> {
  const file = await openChecked(storage, video, name);
  const { size } = await file.stat();
  const bytes = Buffer.alloc(size);
  await file.read(bytes, 0, size, 0).finally(() => file.close());
  return bytes;
}

it('an intact video has no damage, and is read as it is', async () => {
  expect(await check()).toEqual([]);
  expect(await check()).toEqual([]);
  expect(await readAll('source')).toEqual(await readFile(storage.source(video)));
  const whole = await readFile(storage.source(video));
  const file = await openChecked(storage, video, 'source');
  for (const [position, length] of [
    [0, 1],
    [BLOCK_BYTES - 1, 2],
    [whole.length - 3, 3],
  ] as const) {
    const vectors = [Buffer.alloc(1), Buffer.alloc(length - 1)];
    expect((await file.readv(vectors, position)).bytesRead).toBe(length);
    expect(Buffer.concat(vectors)).toEqual(whole.subarray(position, position + length));
  }
  const past = Buffer.alloc(4);
  expect((await file.read(past, 0, 4, whole.length)).bytesRead).toBe(0);
  await file.close();
});

it.each([0, 0.5, 1])(
  'one altered bit at %d of the source is found, and its block cannot be read',
  async part => {
    await check();
    const path = storage.source(video);
    await flip(path, Math.floor(part * ((await stat(path)).size - 1)));
    expect(await check()).toMatchObject([{ file: 'source' }]);
    await expect(readAll('source')).rejects.toThrow(DamagedFile);
  },
);

it('bits that were altered before the first check are found, because the upload was hashed', async () => {
  await flip(storage.source(video), 5_000);
  expect(await check()).toMatchObject([{ file: 'source' }]);
  expect(await check()).toMatchObject([{ file: 'source' }]);
});

it.each(['source', 'source.index'])('a %s that is shorter, longer or missing is found', async name => {
  await check();
  const path = join(storage.directory(video), name);
  const whole = await readFile(path);
  await truncate(path, whole.length - 1);
  expect((await check()).map(({ file }) => file)).toContain(name);
  await expect(openChecked(storage, video, name)).rejects.toThrow(DamagedFile);
  await writeFile(path, Buffer.concat([whole, Buffer.alloc(1)]));
  expect((await check()).map(({ file }) => file)).toContain(name);
  await rm(path);
  expect((await check()).map(({ file }) => file)).toContain(name);
  await writeFile(path, whole);
  expect(await check()).toEqual([]);
});

it('a damaged index is found', async () => {
  await check();
  await flip(storage.index(video), (await stat(storage.index(video))).size - 10);
  expect((await check()).map(({ file }) => file)).toContain('source.index');
});

it('damaged hashes are made again, and are no damage of the video', async () => {
  await check();
  const path = `${storage.source(video)}.hashes`;
  await flip(path, 30);
  expect(await readAll('source')).toEqual(await readFile(storage.source(video)));
  const before = await readFile(path);
  expect(await check()).toEqual([]);
  expect(await readFile(path)).not.toEqual(before);
});

it('a source in the object store is not missing', async () => {
  await rm(storage.source(video));
  expect(await check({ isOffloaded: true })).toEqual([]);
  expect(await check()).toMatchObject([{ file: 'source' }]);
});

describe('a segment', () => {
  const cut = async (name: string): Promise<Buffer | undefined> => {
    const presentation = await Presentation.open({
      directory: storage.directory(video),
      indexes: [storage.indexName],
      open: each => openChecked(storage, video, each),
    });
    return presentation
      .file(name)
      .then(file => file?.body)
      .finally(() => presentation.close());
  };

  it('with altered bytes is never made, and the others are', async () => {
    const before = await cut('source-video/0.m4s');
    await check();
    expect(await cut('source-video/0.m4s')).toEqual(before);
    // The media of this sample begins after the index; its last bytes are in the last segment.
    const path = storage.source(video);
    await flip(path, (await stat(path)).size - 50);
    const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const results = await Promise.allSettled(numbers.map(number => cut(`source-video/${number}.m4s`)));
    const audio = await Promise.allSettled(numbers.map(number => cut(`source-audio/${number}.m4s`)));
    const refused = [...results, ...audio].filter(result => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const result of refused) expect(result).toMatchObject({ reason: expect.any(DamagedFile) });
    const size = (await stat(path)).size;
    if (size > 2 * BLOCK_BYTES) expect(await cut('source-video/0.m4s')).toEqual(before);
  });
});

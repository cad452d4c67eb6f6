/** One test suite for all kinds of storage: a disk, several disks, and a disk with an object store. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import S3rver from 's3rver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import { Presentation } from '../cut/cut.ts';
import { prepareSource } from '../index/source-index.ts';
import { openStorage, type StorageSettings } from './open-storage.ts';
import { readScattered } from './scattered-read.ts';
import type { Storage } from './storage.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-storage-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Setup {
  readonly settings: StorageSettings;
  readonly stop?: () => Promise<void>;
  /** Names of the objects in the store. */
  readonly objects?: () => Promise<readonly string[]>;
}

const setups: Readonly<Record<string, () => Promise<Setup>>> = {
  'a disk': async () => ({ settings: { dataDirectory: directory, disks: [] } }),
  'several disks': async () => ({
    settings: {
      dataDirectory: join(directory, 'data'),
      disks: ['a', 'b', 'c'].map(name => join(directory, name)),
    },
  }),
  'an object store': async () => {
    const folder = join(directory, 'objects');
    const server = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      directory: folder,
      configureBuckets: [{ name: 'media', configs: [] }],
    });
    const { port } = (await server.run()) as AddressInfo;
    return {
      settings: {
        dataDirectory: join(directory, 'data'),
        disks: [],
        s3: {
          endpoint: `http://127.0.0.1:${port}`,
          region: 'us-east-1',
          bucket: 'media',
          prefix: 'hangzhou/',
          accessKeyId: 'S3RVER',
          secretAccessKey: 'S3RVER',
        },
      },
      stop: () => server.close(),
      objects: async () =>
        (await readdir(join(folder, 'media'), { recursive: true }).catch(() => [])).filter(name =>
          name.endsWith('_object'),
        ),
    };
  },
};

describe.each(Object.keys(setups))('media on %s', kind => {
  let setup: Setup;
  let storage: Storage;
  let video: VideoId;
  beforeEach(async () => {
    setup = await setups[kind]!();
    storage = await openStorage(setup.settings);
    video = newVideoId();
  });
  afterEach(() => setup.stop?.());

  const put = async (name: string, bytes: Buffer): Promise<void> => {
    const path = join(storage.directory(video), name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  };
  const readAll = async (name: string, from: Storage = storage): Promise<Buffer> => {
    const file = await from.open(video, name);
    try {
      const bytes = Buffer.alloc((await file.stat()).size);
      await readScattered(file, bytes, [{ position: 0, length: bytes.length, target: 0 }]);
      return bytes;
    } finally {
      await file.close();
    }
  };

  it('turns an upload into a source by a rename on one disk', async () => {
    await writeFile(storage.upload(video), 'bytes');
    await mkdir(storage.directory(video), { recursive: true });
    await rename(storage.upload(video), storage.source(video));
    expect((await readAll('source')).toString()).toBe('bytes');
    expect(storage.recordPath(video)).toBe(`videos/${video}/source`);
  });

  it('returns the same bytes before and after they are offloaded, whole and by ranges, also to another process', async () => {
    // Larger than one part of a multipart upload.
    const large = randomBytes(33 * 2 ** 20 + 7);
    await put('source', large);
    await put('source.index', Buffer.from('index'));
    await put('captions/en.vtt', Buffer.from('WEBVTT'));
    expect((await readAll('source')).equals(large)).toBe(true);
    await storage.offload(video);
    await storage.offload(video);
    const other = await openStorage(setup.settings);
    for (const reader of [storage, other]) {
      expect(
        createHash('sha1')
          .update(await readAll('source', reader))
          .digest('hex'),
      ).toBe(createHash('sha1').update(large).digest('hex'));
      expect((await readAll('captions/en.vtt', reader)).toString()).toBe('WEBVTT');
      const file = await reader.open(video, 'source');
      const into = Buffer.alloc(3_000);
      await readScattered(file, into, [
        { position: 17_000_000, length: 1_000, target: 0 },
        { position: 17_100_000, length: 1_000, target: 1_000 },
        { position: 5, length: 1_000, target: 2_000 },
      ]);
      await file.close();
      expect(
        into.equals(Buffer.concat([17_000_000, 17_100_000, 5].map(at => large.subarray(at, at + 1_000)))),
      ).toBe(true);
      const beyond = await reader.open(video, 'source');
      await expect(
        readScattered(beyond, into, [{ position: large.length - 10, length: 1_000, target: 0 }]),
      ).rejects.toThrow('ends before');
      await beyond.close();
    }
  });

  it('fetches a file to a local path for programs that need one', async () => {
    await put('source', Buffer.from('a whole video'));
    await storage.offload(video);
    const path = await storage.fetch(video, 'source');
    expect(await readFile(path, 'utf8')).toBe('a whole video');
    expect(await readdir(dirname(path))).not.toContain('source.new');
  });

  it('reports missing files as missing', async () => {
    await put('source', Buffer.from('x'));
    await storage.offload(video);
    await expect(storage.open(video, 'other')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(storage.open(newVideoId(), 'source')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lists the videos, and removes all files of one video and of no other', async () => {
    await put('source', Buffer.from('x'));
    await put('captions/en.vtt', Buffer.from('x'));
    const kept = newVideoId();
    await mkdir(storage.directory(kept), { recursive: true });
    await writeFile(storage.source(kept), 'kept');
    await storage.offload(video);
    await storage.offload(kept);
    expect([...(await storage.list())].sort()).toEqual([video, kept].sort());
    await storage.remove(video);
    expect(await storage.list()).toEqual([kept]);
    await expect(storage.open(video, 'source')).rejects.toMatchObject({ code: 'ENOENT' });
    const left = await storage.open(kept, 'source');
    expect((await left.stat()).size).toBe(4);
    await left.close();
    expect((await setup.objects?.())?.filter(name => name.includes(video)) ?? []).toEqual([]);
    await storage.remove(video);
  });

  it('removes a video although another process is still writing its files', async () => {
    const jobs = join(storage.directory(video), 'jobs');
    await mkdir(jobs, { recursive: true });
    // It stops by itself, when its directory is gone.
    const program = `const { writeFileSync } = require('node:fs');
      process.stdout.write('writing');
      for (let n = 0, end = Date.now() + 700; Date.now() < end; n++) writeFileSync(process.argv[1] + '/' + n, '');`;
    const writer = spawn(process.execPath, ['-e', program, jobs], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(writer, 'exit');
    await once(writer.stdout, 'data');
    await storage.remove(video);
    expect(existsSync(storage.directory(video))).toBe(false);
    await ended;
  });

  it('is a source of segments like a plain file', async () => {
    await mkdir(storage.directory(video), { recursive: true });
    await writeFile(storage.source(video), await readFile(await makeVideo(recipes.mp4)));
    const { renditions } = await prepareSource(storage.source(video), storage.index(video));
    const read = async (): Promise<readonly string[]> => {
      const presentation = await Presentation.open({
        directory: storage.directory(video),
        indexes: [storage.indexName],
        open: name => storage.open(video, name),
      });
      try {
        const paths = renditions.flatMap(({ id }) =>
          ['init.mp4', '0.m4s', '1.m4s'].map(name => `${id}/${name}`),
        );
        const files = await Promise.all(paths.map(async path => (await presentation.file(path))?.body));
        return files.map(body => (body ? createHash('sha1').update(body).digest('hex') : 'none'));
      } finally {
        await presentation.close();
      }
    };
    const before = await read();
    expect(before[0]).not.toBe('none');
    await storage.offload(video);
    expect(await read()).toEqual(before);
    // With an object store, the source no longer occupies space on the disk.
    expect(existsSync(storage.source(video))).toBe(!storage.hasObjectStore);
  });
});

describe('an object store that breaks off', () => {
  it('leaves no part of the file on the disk', async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      if (request.method === 'HEAD') response.end();
      else response.write('only the start', () => response.destroy());
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const storage = await openStorage({
        dataDirectory: directory,
        disks: [],
        s3: {
          endpoint: `http://127.0.0.1:${port}`,
          region: 'us-east-1',
          bucket: 'media',
          prefix: '',
          accessKeyId: 'any',
          secretAccessKey: 'any',
        },
      });
      const video = newVideoId();
      await expect(storage.fetch(video, 'source')).rejects.toThrow();
      expect(await readdir(storage.directory(video))).toEqual([]);
    } finally {
      server.close();
    }
  });
});

describe('several disks', () => {
  const open = () =>
    openStorage({
      dataDirectory: join(directory, 'data'),
      disks: [join(directory, 'a'), join(directory, 'b')],
    });
  const storeVideo = async (storage: Storage): Promise<VideoId> => {
    const video = newVideoId();
    await mkdir(storage.directory(video), { recursive: true });
    await writeFile(storage.source(video), video);
    return video;
  };

  it('only the videos on a lost disk are unavailable, until it is back', async () => {
    const first = await open();
    expect(first.disks.present()).toHaveLength(2);
    const video = await storeVideo(first);
    const itsDisk = first.disks.diskOf(video);
    const otherDisk = first.disks.all.find(disk => disk !== itsDisk)!;
    const other = newVideoId();
    await mkdir(join(otherDisk, 'videos', other), { recursive: true });
    await writeFile(join(otherDisk, 'videos', other, 'source'), other);
    // As if unmounted: the directory exists and is empty.
    await rename(itsDisk, `${itsDisk}.unmounted`);
    await mkdir(itsDisk);

    const without = await open();
    expect(without.disks.present()).toEqual([otherDisk]);
    await expect(without.open(video, 'source')).rejects.toMatchObject({ code: 'ENOENT' });
    const file = await without.open(other, 'source');
    expect((await file.stat()).size).toBe(other.length);
    await file.close();
    // New videos go to the other disk. Nothing is written under the mount point.
    expect(without.disks.diskOf(await storeVideo(without))).toBe(otherDisk);
    expect(await readdir(itsDisk)).toEqual([]);

    await rm(itsDisk, { recursive: true });
    await rename(`${itsDisk}.unmounted`, itsDisk);
    expect(without.disks.present()).toHaveLength(2);
    await (await without.open(video, 'source')).close();
  });

  it('a lost disk is not mistaken for a new one if the list of disks is truncated', async () => {
    const { disks } = await open();
    const list = join(directory, 'data', 'disks.json');
    const [lost] = disks.all as [string];
    await rename(lost, `${lost}.unmounted`);
    await mkdir(lost);
    await truncate(list, 20);
    await expect(open()).rejects.toThrow(`The list of this site's disks, ${list}, cannot be read`);
    expect(await readdir(lost)).toEqual([]);

    await rm(lost, { recursive: true });
    await rename(`${lost}.unmounted`, lost);
    await rm(list);
    expect((await open()).disks.present()).toHaveLength(2);
  });

  it('a start with unchanged disks writes nothing to the data directory, which may be full', async () => {
    await open();
    const list = join(directory, 'data', 'disks.json');
    const { mtimeMs, ino } = await stat(list);
    await open();
    expect(await stat(list)).toMatchObject({ mtimeMs, ino });
  });
});

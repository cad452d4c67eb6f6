/**
 * A site on two disks. They are separate file systems where this machine allows mounts, so that one can be full; otherwise they
 * are two directories, of which one can at least be missing.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { getJson } from '../../support/json-requests.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { announceUpload, createUpload, patchUpload, upload } from '../../support/uploads.ts';

const TOKEN = 'a-token-of-this-test';
const MB = 2 ** 20;
/** The size of a mounted disk. */
const DISK_MB = 64;

const run = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;

class Disk {
  readonly path: string;
  /** The disk is always mounted here; it is mounted at `path` while it is present. */
  readonly #behind: string;
  readonly isMounted: boolean;

  private constructor(path: string, behind: string, isMounted: boolean) {
    this.path = path;
    this.#behind = behind;
    this.isMounted = isMounted;
  }

  static async make(path: string): Promise<Disk> {
    const behind = `${path}.behind`;
    await mkdir(path);
    await mkdir(behind);
    const isMounted =
      run('mount', '-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', behind) &&
      run('mount', '--bind', behind, path);
    return new Disk(path, behind, isMounted);
  }

  /** Unmounts the disk. The mount point stays, and is empty. */
  async remove(): Promise<void> {
    if (this.isMounted) {
      if (!run('umount', '-l', this.path)) throw new Error(`${this.path} could not be unmounted`);
      return;
    }
    await rename(this.path, `${this.path}.removed`);
    await mkdir(this.path);
  }

  async restore(): Promise<void> {
    if (this.isMounted) {
      if (!run('mount', '--bind', this.#behind, this.path))
        throw new Error(`${this.path} could not be mounted`);
      return;
    }
    await rm(this.path, { recursive: true });
    await rename(`${this.path}.removed`, this.path);
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  /** Fills the disk until about `leaveBytes` are free. */
  async fill(leaveBytes: number): Promise<void> {
    const bytes = (await this.freeBytes()) - leaveBytes;
    await writeFile(join(this.path, 'filler'), Buffer.alloc(bytes));
  }

  videos = (): Promise<string[]> => readdir(join(this.path, 'videos')).catch(() => []);
  uploads = (): Promise<string[]> => readdir(join(this.path, 'uploads'));

  async drop(): Promise<void> {
    for (const path of [this.path, this.#behind]) run('umount', '-l', path);
  }
}

let directory: string;
let disks: readonly [Disk, Disk];
let site: ChildProcess | undefined;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-disks-'));
  disks = [await Disk.make(join(directory, 'a')), await Disk.make(join(directory, 'b'))];
  await start();
});
afterEach(async () => {
  await stop();
  for (const disk of disks) await disk.drop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

async function start(): Promise<void> {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const config = join(directory, 'site.toml');
  const paths = disks.map(({ path }) => `"${path}"`).join(', ');
  await writeFile(
    config,
    `[site]\nname = "Disks"\nlisten = "127.0.0.1:${port}"\nbaseUrl = "${url}"\nsourceAddress = "127.0.0.1:${port}"
dataDirectory = "${directory}/data"\ndisks = [${paths}]\noperatorToken = "${TOKEN}"\nkeepFree = "4 MiB"\nbufferDisk = "1 MiB"\nbufferMemory = "1 MiB"\nworkers = 0\n`,
  );
  site = spawn(process.execPath, [COMMAND, 'site', '--config', config], { stdio: 'ignore' });
  await eventually('the site is up', async () => (await fetch(`${url}/readyz`)).ok || undefined, 60_000);
}

async function stop(): Promise<void> {
  if (!site || site.exitCode !== null || site.signalCode !== null) return;
  const ended = new Promise(done => site?.once('exit', done));
  site.kill('SIGTERM');
  await ended;
}

const find = (id: string): Promise<SiteVideo> => getJson<SiteVideo>(`${url}/api/videos/${id}`, TOKEN);
const publish = async (name: string): Promise<SiteVideo> => {
  const { id } = await upload(url, TOKEN, readVideo(shortVideo()), { name });
  return eventually(`${name} is ready`, async () => {
    const found = await find(id);
    return found.state === 'ready' ? found : undefined;
  });
};
const announce = (bytes: number): Promise<Response> => announceUpload(url, TOKEN, bytes);
const segment = ({ id, revision }: SiteVideo, number: number): Promise<Response> =>
  fetch(`${url}/v/${id}/${revision}/source-video/${number}.m4s`);
const diskOf = async (id: string): Promise<Disk> => {
  for (const disk of disks) if ((await disk.videos()).includes(id)) return disk;
  throw new Error(`${id} is on no disk`);
};

describe('a site on two disks', () => {
  it('a missing disk makes only its own videos unavailable, and they play again when it is back', async () => {
    const [a, b] = disks;
    const second = await publish('On the disk that stays');
    // Directories share one free space, so the site cannot prefer one: the test moves the video itself.
    const stays = b.isMounted ? await diskOf(second.id) : b;
    const removed = stays === a ? b : a;
    if (stays.isMounted) await stays.fill(8 * MB);
    else await rename(join(a.path, 'videos', second.id), join(b.path, 'videos', second.id));
    const first = await publish('On the disk that goes');
    expect(await diskOf(first.id)).toBe(removed);

    // A restart closes the files that are open on the disk.
    await stop();
    await removed.remove();
    await start();
    expect((await segment(second, 0)).status).toBe(200);
    const missing = await segment(first, 1);
    expect(missing.status).toBe(502);
    expect(await missing.json()).toMatchObject({ detail: expect.stringContaining('disk-unavailable') });
    expect((await find(first.id)).error).toMatchObject({ code: 'disk-unavailable' });
    expect((await find(second.id)).error).toBeUndefined();
    // New videos go to the other disk, and nothing is written to the empty mount point.
    const third = await publish('Third');
    expect(await diskOf(third.id)).toBe(stays);
    expect(await readdir(removed.path)).toEqual([]);

    await removed.restore();
    await eventually('it plays again', async () => (await segment(first, 1)).status === 200 || undefined);
    expect((await find(first.id)).error).toBeUndefined();
    expect((await segment(second, 1)).status).toBe(200);
  });

  it('uploads go to the disk with enough space; if both are full, they are refused before they start', async ({
    skip,
  }) => {
    const [a, b] = disks;
    if (!a.isMounted || !b.isMounted) skip('file systems cannot be mounted here');
    // Two uploads of this size do not fit on one disk.
    const bytes = Math.floor((await a.freeBytes()) * 0.6);
    for (const name of ['First', 'Second']) {
      const created = await createUpload(url, TOKEN, bytes, name);
      // The first byte reserves the space.
      expect((await patchUpload(created, TOKEN, 0, Buffer.alloc(1))).status).toBe(204);
    }
    expect([(await a.uploads()).length, (await b.uploads()).length]).toEqual([1, 1]);
    const third = await announce(bytes);
    expect(third.status).toBe(507);
    expect(await third.json()).toMatchObject({ code: 'disk-full' });
    // The refused upload leaves nothing behind.
    expect((await a.uploads()).length + (await b.uploads()).length).toBe(2);
  });

  it('a full disk is not used for new videos, and its videos still play', async ({ skip }) => {
    const [a, b] = disks;
    if (!a.isMounted || !b.isMounted) skip('file systems cannot be mounted here');
    const first = await publish('First');
    const full = await diskOf(first.id);
    const other = full === a ? b : a;
    await full.fill(MB);
    const second = await publish('Second');
    expect(await diskOf(second.id)).toBe(other);
    expect((await segment(first, 0)).status).toBe(200);
    expect((await segment(second, 0)).status).toBe(200);
    await other.fill(MB);
    expect((await announce(5 * MB)).status).toBe(507);
    expect((await segment(second, 1)).status).toBe(200);
  });
});

import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeTemporaryDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { makeDataDirectory } from './data-directory.ts';
import { findMount, requireLocalFileSystem, requireRealFileSystem } from './file-systems.ts';
import { StartupError } from './startup-error.ts';

let directory: string;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('data-directory');
});
afterEach(() => removeDirectory(directory));

const MOUNTS = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '23 22 0:21 / /proc rw,nosuid - proc proc rw',
  '24 22 0:44 / /srv/video rw - nfs4 files.example:/export rw,vers=4.2',
  '25 24 8:2 / /srv/video/fast rw - xfs /dev/sdb1 rw',
  '26 22 0:50 / /mnt/with\\040space rw - cifs //nas/share rw',
  '27 22 0:51 / /mnt/ssh rw - fuse.sshfs user@host:/ rw',
  '28 22 0:52 / /mnt/ntfs rw - fuseblk /dev/sdc1 rw',
  '29 22 0:53 / /mnt/twice rw - nfs old:/ rw',
  '30 22 8:3 / /mnt/twice rw - ext4 /dev/sdd1 rw',
].join('\n');

describe('the file system of a path', () => {
  it.each([
    ['/srv/video/site.sqlite', 'nfs4'],
    ['/srv/videos/site.sqlite', 'ext4'],
    ['/srv/video/fast/site.sqlite', 'xfs'],
    ['/mnt/with space/a', 'cifs'],
    ['/mnt/twice/a', 'ext4'],
  ])('%s is %s', (path, type) => expect(findMount(path, MOUNTS)?.type).toBe(type));

  it.each(['/srv/video/a.sqlite', '/mnt/with space/a.sqlite', '/mnt/ssh/a.sqlite'])(
    'a database at %s is refused with the reason',
    path => {
      expect(() => requireLocalFileSystem(path, MOUNTS)).toThrow(StartupError);
      expect(() => requireLocalFileSystem(path, MOUNTS)).toThrow(
        /network file system \((nfs4, files\.example:\/export|cifs, \/\/nas\/share|fuse\.sshfs, user@host:\/)\).*PostgreSQL/,
      );
    },
  );

  it.each(['/var/lib/a.sqlite', '/srv/video/fast/a.sqlite', '/mnt/ntfs/a.sqlite', '/mnt/twice/a.sqlite'])(
    'a database at %s is accepted',
    path => expect(() => requireLocalFileSystem(path, MOUNTS)).not.toThrow(),
  );

  it('is unknown on systems without a list of mounts, and then accepted', () => {
    expect(findMount('/proc/x', '')).toBeUndefined();
    expect(() => requireRealFileSystem('/proc/x', '')).not.toThrow();
  });
});

describe('a data directory', () => {
  it('is created with its parents, only for its owner, and may exist', async () => {
    const path = join(directory, 'a/b/c');
    for (let times = 1; times <= 2; times++) await makeDataDirectory(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it.skipIf(!existsSync('/proc/self/mountinfo'))(
    'in a file system of the kernel is refused at once, also behind a link',
    async () => {
      symlinkSync('/proc', join(directory, 'link'));
      for (const path of ['/proc/tributary/data', '/sys/tributary', join(directory, 'link/data')])
        await expect(makeDataDirectory(path), path).rejects.toThrow(/where no files can be stored/);
    },
  );

  it('that is a file, or below one, is refused with the reason', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(makeDataDirectory(join(directory, 'file/a'))).rejects.toThrow(
      /cannot be used: a part of the path .* is a file/,
    );
  });

  it('that does not respond is refused after a while', async () => {
    const hangs = { limitMs: 20, makeDirectory: () => new Promise<void>(() => {}) };
    await expect(makeDataDirectory(directory, hangs)).rejects.toThrow(/did not respond within 0.02 s/);
  });
});

/** Acknowledged bytes survive a kill, and a finished upload is on the disk before it is acknowledged. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cluster,
  type Part,
  startCluster,
  TOKEN,
  untilRegistered,
  uploadTo,
} from '../../support/cluster.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { createUpload, findUploadOffset, patchUpload, videoIdOf } from '../../support/uploads.ts';

const TWENTIETHS = 20;

let cluster: Cluster;
let site: Part;
let body: Buffer;
beforeAll(async () => {
  body = readVideo(shortVideo());
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());

describe('kill -9 at every twentieth of an upload', () => {
  it('loses no acknowledged byte, and publishes exactly the bytes that were sent', async () => {
    site = await cluster.addSite('Interrupted');
    await site.start();
    const url = await createUpload(site.url, TOKEN, body.length, 'In twenty parts');
    for (let part = 1; part <= TWENTIETHS; part++) {
      const offset = (await findUploadOffset(url, TOKEN)) ?? -1;
      const end = Math.floor((body.length * part) / TWENTIETHS);
      const response = await patchUpload(url, TOKEN, offset, body.subarray(offset, end));
      expect(response.headers.get('upload-offset')).toBe(String(end));
      await site.kill('SIGKILL');
      await site.start();
      expect(await findUploadOffset(url, TOKEN)).toBe(end);
    }
    await untilRegistered(site, videoIdOf(url));
    const kept = readFileSync(join(site.directory, 'videos', videoIdOf(url), 'source'));
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(digest(kept)).toBe(digest(body));
  });
});

describe('the order of a commit', () => {
  it('is: sync the bytes, rename, sync the directories, sync the database, respond', async () => {
    const trace = join(cluster.directory, 'trace.txt');
    site = await cluster.addSite('Traced', {
      wrapper: [
        ...['strace', '--follow-forks', '--decode-fds=path', '--string-limit=200', '--output', trace],
        '--trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64,write,writev,sendto,sendmsg',
      ],
    });
    await site.start();
    const id = await uploadTo(site, body, 'Traced');
    await untilRegistered(site, id);
    await site.kill();

    const calls = readFileSync(trace, 'utf8').split('\n');
    /** Finds the end of the first call after `from` whose line matches `name` and contains `what`. */
    const find = (from: number, name: RegExp, what: string): number => {
      const start = calls.findIndex((line, index) => index > from && name.test(line) && line.includes(what));
      expect(start, `${name} of ${what} after line ${from}`).toBeGreaterThan(from);
      if (!calls[start]?.includes('<unfinished')) return start;
      const thread = calls[start]?.split(' ', 1)[0];
      return calls.findIndex(
        (line, index) => index > start && line.startsWith(`${thread} `) && line.includes('resumed>'),
      );
    };
    const root = site.directory;
    const sync = /fsync|fdatasync/;
    const lastWrite = calls.findLastIndex(
      line => /pwrite64|write\(/.test(line) && line.includes(`${root}/uploads/${id}>`),
    );
    expect(lastWrite).toBeGreaterThan(0);
    const steps: readonly (readonly [RegExp, string])[] = [
      [sync, `${root}/uploads/${id}>`],
      [/rename/, `"${root}/uploads/${id}", "${root}/videos/${id}/source"`],
      [sync, `${root}/videos/${id}>`],
      [sync, `${root}/uploads>`],
      [sync, `${root}/site.sqlite-wal>`],
      [/write|send/, 'HTTP/1.1 204 '],
    ];
    let at = lastWrite;
    for (const [name, what] of steps) at = find(at, name, what);
  });
});

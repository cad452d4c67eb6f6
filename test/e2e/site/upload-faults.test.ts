/** Uploads while the storage of the site fails: the client gets a status after which it tries again, and then completes. */

import { existsSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { DetailedError, Upload } from 'tus-js-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { SITE_TOKEN, type SingleSite, startSingleSite } from '../../support/single-site.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../support/temporary-directory.ts';
import { createUpload, findUploadOffset, videoIdOf } from '../../support/uploads.ts';

const MB = 2 ** 20;

let directory: string;
let site: SingleSite;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('upload-faults');
});
afterEach(async () => {
  await site?.stop('SIGKILL');
  await removeDirectory(directory);
});

/** Sends `body` to an upload with a real client, which tries again as it does by default. @returns the statuses of its failures */
function sendWithRetries(url: string, body: Buffer): Promise<readonly number[]> {
  const statuses: number[] = [];
  return new Promise((done, fail) => {
    const client = new Upload(body, {
      uploadUrl: url,
      headers: { authorization: `Bearer ${SITE_TOKEN}` },
      retryDelays: [100, 100, 100, 100],
      onAfterResponse: (_request, response) => {
        if (response.getStatus() >= 400) statuses.push(response.getStatus());
      },
      onError: error => fail(error instanceof DetailedError ? new Error(`${error} ${statuses}`) : error),
      onSuccess: () => done(statuses),
    });
    client.start();
  });
}

const untilReady = (url: string): Promise<SiteVideo> =>
  eventually('the video is ready', async () => {
    const video = await getJson<SiteVideo>(`${site.url}/api/videos/${videoIdOf(url)}`, SITE_TOKEN);
    return video.state === 'ready' ? video : undefined;
  });

describe('a file system that fails', () => {
  it('when a file is opened, written or moved makes the client try again until the video is published', async () => {
    const body = readVideo(shortVideo());
    site = await startSingleSite(directory);
    const { pathname } = new URL(await createUpload(site.url, SITE_TOKEN, body.length, 'Faults'));
    await site.stop();
    const file = join(directory, 'data', 'uploads', videoIdOf(pathname));
    site = await startSingleSite(directory, {
      wrapper: [
        // strace counts calls by thread.
        ...[
          'env',
          'UV_THREADPOOL_SIZE=1',
          'strace',
          '--follow-forks',
          '--seccomp-bpf',
          '--output',
          join(directory, 'trace'),
          '-P',
          file,
        ],
        ...['-e', 'trace=openat,pwrite64,rename'],
        // The system reports each fault once.
        ...['-e', 'inject=openat:error=EMFILE:when=1', '-e', 'inject=pwrite64:error=EIO:when=1'],
        ...['-e', 'inject=rename:error=EROFS:when=1'],
      ],
    });
    const url = new URL(pathname, site.url).href;
    expect(await sendWithRetries(url, body)).toEqual([503, 503, 503]);
    // The site tries again to move a complete file that nobody has written to for a while.
    const before = new Date(Date.now() - 60_000);
    utimesSync(file, before, before);
    await untilReady(url);
  });
});

describe('a disk that becomes full during an upload', () => {
  it('is reported as 507, keeps the received bytes, and lets the client complete the upload later', async () => {
    site = await startSingleSite(directory, {
      settings: 'keepFree = "1 MB"\n',
      wrapper: [
        'unshare',
        ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
        ...['--mount', 'sh', '-c'],
        `mkdir -p "${directory}/data" && mount -t tmpfs -o size=32m tmpfs "${directory}/data" && exec "$@"`,
        'sh',
      ],
    });
    const disk = `/proc/${site.pid}/root${directory}/data`;
    await eventually('the disk reserve exists', () => existsSync(join(disk, 'disk-reserve')) || undefined);
    const body = Buffer.alloc(12 * MB, 7);
    const url = await createUpload(site.url, SITE_TOKEN, body.length, 'Does not fit');
    const filler = join(disk, 'filler');
    const sent = patchInTwoParts(url, body, MB, async () => {
      await eventually(
        'the first part is stored',
        async () => existsSync(join(disk, 'uploads')) || undefined,
      );
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - 2 * MB));
    });
    expect(await sent).toMatchObject({ status: 507, body: expect.stringContaining('"code":"disk-full"') });
    const offset = (await findUploadOffset(url, SITE_TOKEN)) ?? 0;
    expect(offset).toBeGreaterThan(MB);
    // The next attempt is refused before it starts.
    await expect(sendWithRetries(url, body)).rejects.toThrow(/507,507/);
    rmSync(filler);
    expect(await sendWithRetries(url, body)).toEqual([]);
    expect(await eventually('it was checked', () => findState(url))).toBe('failed');
  });
});

async function findState(url: string): Promise<string | undefined> {
  const { state } = await getJson<SiteVideo>(`${site.url}/api/videos/${videoIdOf(url)}`, SITE_TOKEN);
  return state === 'checking' ? undefined : state;
}

/** Sends a PATCH and runs `between` after the first part of its body. */
function patchInTwoParts(
  url: string,
  body: Buffer,
  firstBytes: number,
  between: () => Promise<void>,
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((done, fail) => {
    const sending = request(url, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${SITE_TOKEN}`,
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
        'content-length': body.length,
      },
    });
    sending.once('error', fail);
    sending.once('response', async response => {
      let text = '';
      for await (const chunk of response) text += chunk;
      done({ status: response.statusCode, body: text });
    });
    sending.write(body.subarray(0, firstBytes), () =>
      between().then(() => sending.end(body.subarray(firstBytes)), fail),
    );
  });
}

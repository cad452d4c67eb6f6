/** Kill what you like: nothing is lost, nothing is doubled. */
import { createReadStream, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Video } from '../../../src/protocol/central.ts';
import { makeVideoSync } from '../../media/video-cache.ts';
import { type Demo, findAtSite, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readMemory } from '../../support/programs.ts';
import { minuteVideo, readVideo, shortVideo } from '../../support/sample-videos.ts';
import { createUpload, findUploadOffset, patchUpload, upload, videoIdOf } from '../../support/uploads.ts';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo();
});
afterAll(() => demo?.stop());

const siteUrl = (index: number): string => demo.sites[index]?.url ?? '';
/** What the site has acknowledged; -1 if it does not know the upload. */
const offsetOf = async (url: string): Promise<number> => (await findUploadOffset(url, demo.token)) ?? -1;

const registered = (id: string, timeoutMs = 20_000): Promise<Video> =>
  eventually(
    `${id} is registered`,
    async () => {
      const video = await findVideo(demo, id);
      return video.state === 'registered' ? video : undefined;
    },
    timeoutMs,
  );
const countNamed = async (name: string): Promise<number> =>
  (await getJson<{ videos: Video[] }>(`${demo.central}/api/videos?q=${encodeURIComponent(name)}`)).videos
    .length;

/** The running process of site 1: the demo's own at first, then whichever was started last. */
let sitePid: number;
async function killSite(): Promise<void> {
  process.kill(sitePid, 'SIGKILL');
  await eventually(
    'it is gone',
    async () =>
      await fetch(`${siteUrl(0)}/healthz`).then(
        () => undefined,
        () => true,
      ),
  );
}
async function restartSite(): Promise<void> {
  sitePid = (await demo.restart('site-1')).pid ?? 0;
  await eventually('the site is back', async () => (await fetch(`${siteUrl(0)}/readyz`)).ok || undefined);
}

describe('kill -9 of the site', () => {
  beforeAll(() => {
    sitePid = demo.sites[0]?.pid ?? 0;
  });

  it('during an upload: what was acknowledged is there, and the upload goes on', async () => {
    const film = readVideo(minuteVideo());
    const url = await createUpload(siteUrl(0), demo.token, film.length, 'Interrupted');
    for (let part = 1; part <= 4; part++) {
      const offset = await offsetOf(url);
      const end = Math.floor((film.length * part) / 5);
      const answer = await patchUpload(url, demo.token, offset, film.subarray(offset, end));
      expect(answer.headers.get('upload-offset')).toBe(String(end));
      await killSite();
      await restartSite();
      expect(await offsetOf(url)).toBe(end);
    }
    const offset = await offsetOf(url);
    expect((await patchUpload(url, demo.token, offset, film.subarray(offset))).status).toBe(204);
    expect((await registered(videoIdOf(url))).sizeBytes).toBe(film.length);
    expect(await countNamed('Interrupted')).toBe(1);
  });

  it('right after the last byte, at many moments: the video completes, once', async () => {
    const film = readVideo(shortVideo());
    for (const delayMs of [0, 5, 15, 30, 60, 120, 250]) {
      const name = `Moment ${delayMs}`;
      const url = await createUpload(siteUrl(0), demo.token, film.length, name);
      await patchUpload(url, demo.token, 0, film);
      await sleep(delayMs);
      await killSite();
      await restartSite();
      await registered(videoIdOf(url));
      const atSite = await eventually('the site sees it', async () => {
        const found = await findAtSite(demo, 0, videoIdOf(url));
        return found.registered ? found : undefined;
      });
      expect(atSite).toMatchObject({ state: 'ready', published: true });
      expect(await countNamed(name)).toBe(1);
    }
  });

  it('before the answer to the last byte: the client resumes or finds it done', async () => {
    const film = readVideo(shortVideo());
    const url = await createUpload(siteUrl(0), demo.token, film.length, 'Unanswered');
    const sending = patchUpload(url, demo.token, 0, film).catch(() => undefined);
    await sleep(8);
    await killSite();
    await sending;
    await restartSite();
    const offset = await offsetOf(url);
    if (offset < film.length) await patchUpload(url, demo.token, offset, film.subarray(offset));
    await registered(videoIdOf(url));
    expect(await countNamed('Unanswered')).toBe(1);
  });
});

describe('kill -9 of central', () => {
  it('uploads and local playback go on, and everything is published when it is back', async () => {
    process.kill(demo.pids.central, 'SIGKILL');
    const film = readVideo(shortVideo());
    const ids: string[] = [];
    for (const index of [0, 1, 2]) {
      const { id } = await upload(siteUrl(index), demo.token, film, { name: `Offline ${index}` });
      ids.push(id);
      const ready = await eventually('it is ready', async () => {
        const found = await findAtSite(demo, index, id);
        return found.state === 'ready' ? found : undefined;
      });
      expect(ready).toMatchObject({ signalSent: false, published: false, registered: false });
      const path = `/v/${id}/${ready.revision}/source-video/1.m4s`;
      expect((await fetch(siteUrl(index) + path)).status).toBe(200);
    }
    await demo.restart('central');
    for (const id of ids) await registered(id);
    for (const index of [0, 1, 2]) expect(await countNamed(`Offline ${index}`)).toBe(1);
  });
});

describe('kill -9 of the tracker', () => {
  it('is back with all videos within a second of its start', async () => {
    const before = await getJson<{ videos: number }>(`${demo.tracker}/status`);
    process.kill(demo.pids.tracker, 'SIGKILL');
    const { videos } = await getJson<{ videos: Video[] }>(`${demo.central}/api/videos?limit=100`);
    await demo.restart('tracker');
    await eventually('it answers', async () => (await fetch(`${demo.tracker}/healthz`)).ok || undefined);
    const startedMs = Date.now();
    await eventually('all videos', async () => {
      const status = await getJson<{ videos: number }>(`${demo.tracker}/status`);
      return status.videos === before.videos || undefined;
    });
    for (const { id } of videos) {
      await eventually('it plays', async () => (await play(demo, id)).sources.length > 0 || undefined, 3_000);
    }
    expect(Date.now() - startedMs).toBeLessThan(1_000);
  });
});

describe('a long film', () => {
  it('of two hours and more than 1 GB plays within two seconds of its last byte, in less than 400 MB of memory', async () => {
    const minute = makeVideoSync('noisy.mp4', [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=30:duration=60',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=330:sample_rate=48000:duration=60',
      '-vf',
      'noise=alls=20:allf=t',
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '60',
      '-b:v',
      '1300k',
      '-maxrate',
      '1500k',
      '-bufsize',
      '1500k',
      '-c:a',
      'aac',
      '-b:a',
      '96k',
      '-f',
      'mp4',
    ]);
    const path = makeVideoSync('two-hours.mp4', [
      '-stream_loop',
      '119',
      '-i',
      minute,
      '-c',
      'copy',
      '-t',
      '7200',
      '-f',
      'mp4',
    ]);
    const { size } = statSync(path);
    expect(size).toBeGreaterThan(1e9);
    const { id, finishedMs } = await upload(
      siteUrl(1),
      demo.token,
      createReadStream(path),
      { name: 'Two hours' },
      size,
    );
    const ready = await eventually('it is ready', async () => {
      const found = await findAtSite(demo, 1, id);
      return found.state === 'ready' ? found : undefined;
    });
    const base = `${siteUrl(1)}/v/${id}/${ready.revision}`;
    for (const file of [
      'multivariant.m3u8',
      'source-video/media.m3u8',
      'source-video/init.mp4',
      'source-video/900.m4s',
    ]) {
      expect((await fetch(`${base}/${file}`)).status).toBe(200);
    }
    expect(Date.now() - finishedMs).toBeLessThan(2_000);
    const pid = demo.sites[1]?.pid ?? 0;
    for (let number = 0; number < 1_500; number += 5) {
      await (await fetch(`${base}/source-video/${number}.m4s`)).arrayBuffer();
    }
    expect(readMemory(pid).peak).toBeLessThan(400 * 2 ** 20);
    await registered(id);
    await rm(path);
  });
});

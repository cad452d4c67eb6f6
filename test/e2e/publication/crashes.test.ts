/** Sites and central are killed while videos are uploaded: nothing is lost, and nothing is published twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Video } from '../../../src/protocol/central.ts';
import { type Demo, findAtSite, findVideo, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
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

/** The running process of site 1: at first the demo's, then the one started last. */
let sitePid: number;
async function killSite(): Promise<void> {
  process.kill(sitePid, 'SIGKILL');
  await eventually(
    'the site has ended',
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

  it('during an upload: acknowledged bytes are kept, and the upload resumes', async () => {
    const body = readVideo(minuteVideo());
    const url = await createUpload(siteUrl(0), demo.token, body.length, 'Interrupted');
    for (let part = 1; part <= 4; part++) {
      const offset = await offsetOf(url);
      const end = Math.floor((body.length * part) / 5);
      const response = await patchUpload(url, demo.token, offset, body.subarray(offset, end));
      expect(response.headers.get('upload-offset')).toBe(String(end));
      await killSite();
      await restartSite();
      expect(await offsetOf(url)).toBe(end);
    }
    const offset = await offsetOf(url);
    expect((await patchUpload(url, demo.token, offset, body.subarray(offset))).status).toBe(204);
    expect((await registered(videoIdOf(url))).sizeBytes).toBe(body.length);
    expect(await countNamed('Interrupted')).toBe(1);
  });

  it('right after the last byte, at many moments: the video is published once', async () => {
    const body = readVideo(shortVideo());
    for (const delayMs of [0, 5, 15, 30, 60, 120, 250]) {
      const name = `Moment ${delayMs}`;
      const url = await createUpload(siteUrl(0), demo.token, body.length, name);
      await patchUpload(url, demo.token, 0, body);
      await sleep(delayMs);
      await killSite();
      await restartSite();
      await registered(videoIdOf(url));
      const atSite = await eventually('the site knows that it is registered', async () => {
        const found = await findAtSite(demo, 0, videoIdOf(url));
        return found.registered ? found : undefined;
      });
      expect(atSite).toMatchObject({ state: 'ready', published: true });
      expect(await countNamed(name)).toBe(1);
    }
  });

  it('before the response to the last byte: the client resumes, or finds the upload complete', async () => {
    const body = readVideo(shortVideo());
    const url = await createUpload(siteUrl(0), demo.token, body.length, 'Unacknowledged');
    const sending = patchUpload(url, demo.token, 0, body).catch(() => undefined);
    await sleep(8);
    await killSite();
    await sending;
    await restartSite();
    const offset = await offsetOf(url);
    if (offset < body.length) await patchUpload(url, demo.token, offset, body.subarray(offset));
    await registered(videoIdOf(url));
    expect(await countNamed('Unacknowledged')).toBe(1);
  });
});

describe('kill -9 of central', () => {
  it('uploads and local playback continue, and everything is published when it is back', async () => {
    process.kill(demo.pids.central, 'SIGKILL');
    const body = readVideo(shortVideo());
    const ids: string[] = [];
    for (const index of [0, 1, 2]) {
      const { id } = await upload(siteUrl(index), demo.token, body, { name: `Offline ${index}` });
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

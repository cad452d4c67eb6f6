/** The limits in seconds that an installation keeps: they are measured on a machine that does nothing else. */
import { createReadStream, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Video } from '../../../src/protocol/central.ts';
import type { SiteJobList } from '../../../src/protocol/job.ts';
import { makeVideoSync } from '../../media/video-cache.ts';
import { type Demo, findAtSite, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readMemory } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo();
  await eventually(
    'the sample video is converted',
    async () => {
      const { jobs } = await getJson<SiteJobList>(`${site(0).url}/api/jobs`, demo.token);
      return !jobs.some(({ state }) => state === 'waiting' || state === 'running');
    },
    120_000,
  );
});
afterAll(() => demo?.stop());

const site = (index: number) => {
  const found = demo.sites[index];
  if (!found) throw new Error(`the demo has no site ${index}`);
  return found;
};

const untilRegistered = (id: string): Promise<Video> =>
  eventually(`${id} is registered`, async () => {
    const video = await findVideo(demo, id);
    return video.state === 'registered' ? video : undefined;
  });

it('an upload is in the catalogue within a second of its last byte, and plays', async () => {
  const elapsedMs: number[] = [];
  // Other work on the machine only adds to the time, so the best of several uploads counts.
  for (const name of ['One', 'Two', 'Three', 'Four', 'Five']) {
    const { id, finishedMs } = await upload(site(0).url, demo.token, readVideo(shortVideo()), { name });
    const video = await eventually('the catalogue has it', () => findVideo(demo, id).catch(() => undefined));
    elapsedMs.push(Date.now() - finishedMs);
    const playlist = await fetch(`${site(0).url}/v/${id}/${video.revision}/multivariant.m3u8`);
    expect(playlist.status).toBe(200);
    await untilRegistered(id);
  }
  expect(Math.min(...elapsedMs), `of ${elapsedMs.join(', ')} ms`).toBeLessThan(1_000);
});

it('a site that stops is offered to nobody after three seconds, and is offered again when it is back', async () => {
  const { id } = await upload(site(1).url, demo.token, readVideo(shortVideo()), { name: 'Survivor' });
  await untilRegistered(id);
  process.kill(site(2).pid, 'SIGKILL');
  const killedMs = Date.now();
  await eventually(
    'it is left out',
    async () => !(await play(demo, id, site(2).viewer)).sources.some(source => source.site === site(2).id),
    6_000,
  );
  expect(Date.now() - killedMs).toBeLessThan(3_000);
  await demo.restart('site-3');
  await eventually(
    'it is back',
    async () => (await play(demo, id, site(2).viewer)).sources[0]?.site === site(2).id,
  );
});

it('a tracker that was killed has all videos within a second of its start', async () => {
  const before = await getJson<{ videos: number }>(`${demo.tracker}/status`);
  process.kill(demo.pids.tracker, 'SIGKILL');
  const { videos } = await getJson<{ videos: Video[] }>(`${demo.central}/api/videos?limit=100`);
  await demo.restart('tracker');
  await eventually('it responds', async () => (await fetch(`${demo.tracker}/healthz`)).ok);
  const startedMs = Date.now();
  await eventually('it has all videos', async () => {
    const status = await getJson<{ videos: number }>(`${demo.tracker}/status`);
    return status.videos === before.videos;
  });
  for (const { id } of videos) {
    await eventually('it plays', async () => (await play(demo, id)).sources.length > 0, 3_000);
  }
  expect(Date.now() - startedMs).toBeLessThan(1_000);
});

/** Two hours and more than 1 GB, of one minute that is repeated. */
function makeTwoHours(): string {
  const minute = makeVideoSync('noisy.mp4', [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30:duration=60'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=330:sample_rate=48000:duration=60'],
    ...['-vf', 'noise=alls=20:allf=t', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
    ...['-g', '60', '-b:v', '1300k', '-maxrate', '1500k', '-bufsize', '1500k'],
    ...['-c:a', 'aac', '-b:a', '96k', '-f', 'mp4'],
  ]);
  return makeVideoSync('two-hours.mp4', [
    ...['-stream_loop', '119', '-i', minute, '-c', 'copy', '-t', '7200', '-f', 'mp4'],
  ]);
}

it('two hours and more than 1 GB play within two seconds of the last byte, with less than 400 MB of memory', async () => {
  const path = makeTwoHours();
  const { size } = statSync(path);
  expect(size).toBeGreaterThan(1e9);
  const { id, finishedMs } = await upload(
    site(1).url,
    demo.token,
    createReadStream(path),
    { name: 'Two hours' },
    size,
  );
  const ready = await eventually('it is ready', async () => {
    const found = await findAtSite(demo, 1, id);
    return found.state === 'ready' ? found : undefined;
  });
  const base = `${site(1).url}/v/${id}/${ready.revision}`;
  for (const file of [
    'multivariant.m3u8',
    'source-video/media.m3u8',
    'source-video/init.mp4',
    'source-video/900.m4s',
  ]) {
    expect((await fetch(`${base}/${file}`)).status).toBe(200);
  }
  expect(Date.now() - finishedMs).toBeLessThan(2_000);
  for (let number = 0; number < 1_500; number += 5) {
    await (await fetch(`${base}/source-video/${number}.m4s`)).arrayBuffer();
  }
  expect(readMemory(site(1).pid).peak).toBeLessThan(400 * 2 ** 20);
  await untilRegistered(id);
  await rm(path);
});

/** A site with a slow uplink reports its load and refuses requests beyond it, and the tracker sends viewers elsewhere. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SiteProbe } from '../../../src/protocol/site.ts';
import { type Demo, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo();
});
afterAll(() => demo?.stop());

it('viewers beyond the budget are sent elsewhere, and return when the uplink has headroom', async () => {
  const [slow] = demo.sites;
  if (!slow) throw new Error('the demo has no sites');
  const { id } = await upload(slow.url, demo.token, readVideo(shortVideo()), {
    name: 'Behind a slow uplink',
  });
  const video = await eventually('it is registered', async () => {
    const found = await findVideo(demo, id);
    return found.state === 'registered' ? found : undefined;
  });
  process.kill(slow.pid, 'SIGTERM');
  await eventually('the site is gone', () =>
    fetch(`${slow.url}/healthz`).then(
      () => undefined,
      () => true,
    ),
  );
  appendFileSync(slow.config, '\nuplink = "2 Mbit/s"\n');
  await demo.restart('site-1');
  await eventually('it is up again', async () => (await fetch(`${slow.url}/readyz`)).ok || undefined);
  const firstSite = async (): Promise<string | undefined> =>
    (await play(demo, id, slow.viewer)).sources[0]?.site;
  await eventually('its own viewers are sent to it', async () => (await firstSite()) === slow.id, 20_000);

  const segment = `${slow.url}/v/${id}/${video.revision}/source-video/0.m4s`;
  const codes = new Map<string, number>();
  let isWanted = true;
  const viewers = Array.from({ length: 12 }, async () => {
    while (isWanted) {
      const response = await fetch(segment);
      const body = await response.arrayBuffer();
      const code =
        response.status === 200 ? 'ok' : (JSON.parse(Buffer.from(body).toString()) as { code: string }).code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code !== 'ok') {
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        await sleep(300);
      }
    }
  });
  try {
    await eventually('new viewers are sent elsewhere', async () => (await firstSite()) !== slow.id, 20_000);
    const probe = await getJson<SiteProbe>(`${slow.url}/probe`);
    expect(probe.egressLimitBps).toBeLessThanOrEqual(2e6);
    expect(probe.egressBps).toBeLessThan(2.2e6);
    await eventually(
      'some requests are served and others refused',
      () => codes.has('ok') && codes.has('link-full'),
      30_000,
    );
    expect([...codes.keys()].sort()).toEqual(['link-full', 'ok']);
  } finally {
    isWanted = false;
    await Promise.all(viewers);
  }
  await eventually('viewers are sent to it again', async () => (await firstSite()) === slow.id, 20_000);
});

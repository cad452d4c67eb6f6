/** A site with a thin uplink: it says so, refuses what it cannot carry, and the tracker sends viewers elsewhere meanwhile. */
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

it('viewers beyond the budget are sent elsewhere, and come back when there is room', async () => {
  const [thin] = demo.sites;
  if (!thin) throw new Error('the demo has sites');
  const { id } = await upload(thin.url, demo.token, readVideo(shortVideo()), { name: 'Behind a thin line' });
  const video = await eventually('it is registered', async () => {
    const found = await findVideo(demo, id);
    return found.state === 'registered' ? found : undefined;
  });
  process.kill(thin.pid, 'SIGTERM');
  await eventually('the site is gone', () =>
    fetch(`${thin.url}/healthz`).then(
      () => undefined,
      () => true,
    ),
  );
  appendFileSync(thin.config, '\nuplink = "2 Mbit/s"\n');
  await demo.restart('site-1');
  await eventually('it is up again', async () => (await fetch(`${thin.url}/readyz`)).ok || undefined);
  const firstSite = async (): Promise<string | undefined> =>
    (await play(demo, id, thin.viewer)).sources[0]?.site;
  await eventually('its own viewers are sent to it', async () => (await firstSite()) === thin.id, 20_000);

  const segment = `${thin.url}/v/${id}/${video.revision}/source-video/0.m4s`;
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
    await eventually('new viewers are sent elsewhere', async () => (await firstSite()) !== thin.id, 20_000);
    const probe = await getJson<SiteProbe>(`${thin.url}/probe`);
    expect(probe.egressLimitBps).toBeLessThanOrEqual(2e6);
    expect(probe.egressBps).toBeLessThan(2.2e6);
    await eventually(
      'some are served, and what is too much is refused',
      () => codes.has('ok') && codes.has('link-full'),
      30_000,
    );
    expect([...codes.keys()].sort()).toEqual(['link-full', 'ok']);
  } finally {
    isWanted = false;
    await Promise.all(viewers);
  }
  await eventually('they come back', async () => (await firstSite()) === thin.id, 20_000);
});

/** The id of a video belongs to the site that made it (docs/decisions/0017-ids-belong-to-their-site.md). */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { idOwnerOf, makeVideoId } from '../../src/kernel/identity/video-ids.ts';
import type { VideoId } from '../../src/protocol/base/ids.ts';
import { Registry } from '../../src/tracker/registry/registry.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { tombstone, videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';

let harness: CentralHarness;
beforeEach(async () => {
  harness = await startCentralHarness();
});
afterEach(() => harness.stop());

const videoOf = (id: VideoId) => harness.request('GET', `/api/videos/${id}`, { token: null });
const secretOf = (site: TestSite) => `id-secret-of-${site.id}`;
const makeId = (site: TestSite) => makeVideoId(idOwnerOf(secretOf(site)));
const nameOf = async (video: VideoId) => (await videoOf(video)).body.name;

it('an id cannot be published by another site first', async () => {
  const site = await harness.addSite('a');
  const thief = await harness.addSite('thief');
  await site.handshake({ idSecret: secretOf(site) });
  await thief.handshake({ idSecret: secretOf(thief) });
  const video = makeId(site);
  for (const stolen of [videoRecord({ video, name: 'Stolen' }), tombstone(video, 2)]) {
    thief.put(stolen);
    expect((await thief.collect()).error).toMatch(/has the id of a video of another site/);
    // A refusal ends the epoch.
    await thief.handshake({ idSecret: secretOf(thief) });
  }
  expect((await videoOf(video)).status).toBe(404);
  site.put(videoRecord({ video }));
  expect(await site.collect()).toEqual({ records: 1 });
  expect(await nameOf(video)).toBe('A lecture');
});

it.each([
  ['published', (video: VideoId) => [videoRecord({ video, name: 'Stolen' })]],
  ['withdrew', (video: VideoId) => [videoRecord({ video, name: 'Stolen' }), tombstone(video, 2)]],
])('an id returns to its site, although a thief %s it before central knew the site', async (_what, steal) => {
  const tracker = await harness.addTracker('tracker');
  const site = await harness.addSite('a');
  const thief = await harness.addSite('thief');
  await thief.handshake({ idSecret: secretOf(thief) });
  const video = makeId(site);
  for (const stolen of steal(video)) {
    thief.put(stolen);
    expect(await thief.collect()).toEqual({ records: 1 });
  }
  await site.handshake({ idSecret: secretOf(site) });
  site.put(videoRecord({ video }));
  expect(await site.collect()).toEqual({ records: 1 });
  expect((await videoOf(video)).body).toMatchObject({ name: 'A lecture', site: { id: site.id } });
  const { videos } = (await harness.request('GET', '/api/videos', { token: null })).body;
  expect(videos).toMatchObject([{ id: video, name: 'A lecture' }]);
  // No site deletes it as withdrawn, and a tracker that reads the feed plays it from its own site.
  expect((await site.withdrawalsAfter(0)).videos).toEqual([]);
  const registry = new Registry();
  registry.apply(await tracker.changesOf(0));
  expect(registry.find(video)).toMatchObject({ kind: 'known', video: { site: site.id } });
  // The thief cannot change it any more, and cannot repeat the trick.
  await thief.handshake({ idSecret: secretOf(thief) });
  thief.put(videoRecord({ video, version: 9, name: 'Stolen again' }));
  expect((await thief.collect()).error).toMatch(/that another site took over/);
  expect(await nameOf(video)).toBe('A lecture');
});

it('an id stays with the first site if another one runs on a copy of its database', async () => {
  const site = await harness.addSite('a');
  const clone = await harness.addSite('clone');
  for (const each of [site, clone]) await each.handshake({ idSecret: secretOf(site) });
  const video = makeId(site);
  site.put(videoRecord({ video }));
  expect(await site.collect()).toEqual({ records: 1 });
  clone.put(videoRecord({ video, name: 'Copied' }));
  expect((await clone.collect()).error).toMatch(/has the id of a video of another site/);
  site.put(videoRecord({ video, version: 2, name: 'Edited' }));
  expect(await site.collect()).toEqual({ records: 1 });
  expect(await nameOf(video)).toBe('Edited');
});

/** A wrong operator token is refused by every call that takes one, also by those that respond to everyone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { videoRecord } from '../support/records.ts';

let harness: CentralHarness;
let published: VideoId;
beforeAll(async () => {
  harness = await startCentralHarness();
  const site = await harness.addSite('a');
  published = site.put(videoRecord()).video;
  site.put(videoRecord({ visibility: 'private' }));
  await site.collect();
});
afterAll(() => harness.stop());

it.each([
  ['/api/sites', 200],
  ['/api/videos', 200],
  ['/api/signals', 401],
  ['/api/trackers', 401],
  ['/api/withdrawals', 401],
  ['/api/placement-rules', 401],
])('GET %s responds %i without a token, and 401 with a wrong one', async (path, status) => {
  expect((await harness.request('GET', path, { token: null })).status).toBe(status);
  for (const token of ['wrong', '']) {
    const refused = await harness.request('GET', path, { token });
    expect([refused.status, refused.body.code]).toEqual([401, 'credential-invalid']);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /);
  }
  expect((await harness.request('GET', path)).status).toBe(200);
});

it('a wrong token does not distinguish known, private and unknown videos', async () => {
  const { videos } = (await harness.request('GET', '/api/videos')).body;
  expect(videos).toHaveLength(2);
  for (const video of [published, ...videos.map(({ id }: { id: VideoId }) => id), newVideoId()]) {
    const refused = await harness.request('GET', `/api/videos/${video}`, { token: 'wrong' });
    expect([refused.status, refused.body.code]).toEqual([401, 'credential-invalid']);
  }
});

it.each([
  ['DELETE', '/api/sites/{id}'],
  ['POST', '/api/sites/{id}/collect'],
  ['DELETE', '/api/placement-rules/{id}'],
])('%s %s changes nothing with a wrong token', async (method, path) => {
  const refused = await harness.request(method, path.replace('{id}', newVideoId()), { token: 'wrong' });
  expect([refused.status, refused.body.code]).toEqual([401, 'credential-invalid']);
});

/** Members as the administrator adds them. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';

let harness: CentralHarness;
beforeEach(async () => {
  harness = await startCentralHarness();
});
afterEach(() => harness.stop());

it('members have different addresses, which are complete URLs', async () => {
  const post = (path: string, baseUrl: string) =>
    harness.request('POST', path, { body: { name: 'a', baseUrl } });
  expect((await post('/api/trackers', 'http://127.0.0.1:8')).status).toBe(201);
  for (const path of ['/api/trackers', '/api/sites']) {
    expect(await post(path, 'http://127.0.0.1:8')).toMatchObject({
      status: 409,
      body: { code: 'base-url-taken', detail: 'http://127.0.0.1:8 already belongs to the tracker a.' },
    });
    for (const baseUrl of [
      '127.0.0.1:8',
      'localhost:8',
      'ftp://127.0.0.1',
      'http://127.0.0.1:8/path',
      'http://',
    ])
      expect([baseUrl, (await post(path, baseUrl)).status]).toEqual([baseUrl, 400]);
  }
});

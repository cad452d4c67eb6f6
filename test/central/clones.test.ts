/** Two processes with the key of one site: central keeps the first one, names the other, and the other stops. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newNonce } from '../../src/kernel/identity/keys.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { joinIfNeeded, readIdentity } from '../../src/kernel/membership/member.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { startSite } from '../../src/site/start.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { TOKEN } from '../support/central-requests.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { getJson } from '../support/json-requests.ts';
import { videoRecord } from '../support/records.ts';

let harness: CentralHarness;
beforeEach(async () => {
  harness = await startCentralHarness();
});
afterEach(() => harness.stop());

const siteRow = async (token?: null) =>
  (await harness.request('GET', '/api/sites', token === null ? { token } : {})).body.sites[0];

it('alternating processes end with the first one, which can publish', async () => {
  const site = await harness.addSite('a');
  const [first, clone] = [newNonce(), newNonce()];
  const handshakes = [first, clone, first, clone, first];
  for (const instance of handshakes) await site.handshake({ instance });
  const { epoch } = site;
  await expect(site.handshake({ instance: clone })).rejects.toMatchObject({
    code: 'site-cloned',
    peerStatus: 409,
  });
  expect(await siteRow()).toMatchObject({ clones: [{ address: '127.0.0.1' }] });
  expect((await siteRow(null)).clones).toBeUndefined();
  const [signal] = (await harness.request('GET', '/api/signals')).body.signals;
  expect(signal).toMatchObject({ errorCode: 'site-cloned', lastError: expect.stringContaining('127.0.0.1') });
  // The refusal did not end the epoch of the first process.
  site.epoch = epoch;
  site.put(videoRecord());
  expect(await site.collect()).toEqual({ records: 1 });
  // A restart of the first process is accepted.
  await site.handshake({ instance: newNonce() });
});

it('a process that is refused says so, and asks for nothing else', async () => {
  const directory = join(harness.directory, 'site');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { body } = await harness.request('POST', '/api/sites', { body: { name: 'a', baseUrl: url } });
  const parameters = { directory, centralUrl: harness.url, joinToken: body.joinToken, role: 'site' as const };
  const { key } = await joinIfNeeded(await readIdentity(directory), parameters, silentLog);
  const other = await harness.addSite('other');
  other.key = key;
  other.id = body.site.id;
  const [first, third] = [newNonce(), newNonce()];
  await other.handshake({ instance: first });
  const config = siteConfigSchema.parse({
    name: 'a',
    listen: `127.0.0.1:${port}`,
    baseUrl: url,
    sourceAddress: `127.0.0.1:${port}`,
    dataDirectory: directory,
    central: harness.url,
    operatorToken: TOKEN,
    logLevel: 'silent',
    workers: 0,
  });
  const site = await startSite(config, {
    uiDirectory: '/nonexistent',
    prepareWorker: new URL('file:///nonexistent.js'),
  });
  await eventually('the site has made its handshake', async () => {
    const { epoch } = (await siteRow()).publication;
    return epoch > 1;
  });
  for (const instance of [first, third, first]) await other.handshake({ instance });
  const info = await eventually(
    'the site is stopped',
    async () => {
      const found = await getJson<{ stoppedBecause?: string }>(`${url}/api/site`, TOKEN);
      return found.stoppedBecause === undefined ? undefined : found;
    },
    30_000,
  );
  expect(info.stoppedBecause).toMatch(/Another process runs with the key of this site, at 127\.0\.0\.1/);
  expect(await getJson(`${url}/api/site`)).not.toHaveProperty('stoppedBecause');
  await site.stop();
});

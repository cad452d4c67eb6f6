/** A real site joins a real central: what it shows while it cannot join, and how it follows the settings that operators edit. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { SiteInfo } from '../../src/protocol/site.ts';
import type { RunningSite } from '../../src/site/compose/running-site.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { startSite } from '../../src/site/start.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { getJson } from '../support/json-requests.ts';

const FILES = { uiDirectory: '/nonexistent', prepareWorker: new URL('file:///nonexistent.js') };
let central: CentralHarness;
let site: RunningSite | undefined;
let count = 0;
beforeAll(async () => {
  central = await startCentralHarness();
});
afterEach(async () => {
  await site?.stop();
  site = undefined;
});
afterAll(() => central.stop());

/** Starts a site and returns a function that reads what its studio shows. */
async function start(
  url: string,
  settings: { joinToken?: string; central?: string; directory?: string },
): Promise<() => Promise<SiteInfo>> {
  const { directory = `site-${count++}`, ...others } = settings;
  site = await startSite(
    siteConfigSchema.parse({
      name: 'Configured name',
      listen: new URL(url).host,
      baseUrl: url,
      dataDirectory: join(central.directory, directory),
      central: central.url,
      operatorToken: 'operator-token-of-these-tests',
      logLevel: 'silent',
      workers: 0,
      ...others,
    }),
    FILES,
  );
  return () => getJson<SiteInfo>(`${url}/api/site`);
}

const newUrl = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;
const invite = async (baseUrl: string): Promise<{ id: string; joinToken: string }> => {
  const { body } = await central.request('POST', '/api/sites', {
    body: { name: 'Name at central', baseUrl },
  });
  return { id: body.site.id, joinToken: body.joinToken };
};
const problemOf = (read: () => Promise<SiteInfo>, code: string): Promise<SiteInfo> =>
  eventually(code, async () => {
    const info = await read();
    return info.joinProblem?.code === code ? info : undefined;
  });

it('without a join token it says that it needs one, and works by itself', async () => {
  const info = await problemOf(await start(await newUrl(), {}), 'join-token-missing');
  expect(info).toMatchObject({
    joined: false,
    name: 'Configured name',
    joinProblem: { detail: expect.stringContaining('Create a join token on the admin page') },
  });
});

it('with a used join token it says so', async () => {
  const first = await newUrl();
  const { joinToken } = await invite(first);
  const read = await start(first, { joinToken });
  await eventually('it has joined', async () => (await read()).joined || undefined);
  await site?.stop();
  const info = await problemOf(await start(await newUrl(), { joinToken }), 'join-token-used');
  expect(info.joinProblem?.detail).toContain('already been used');
});

it('does not try a refused join token again', async () => {
  let attempts = 0;
  const server = createServer((_request, response) => {
    attempts++;
    response.writeHead(409, { 'content-type': 'application/problem+json' });
    response.end('{"code":"join-token-expired","detail":"This join token has expired."}');
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const joinToken = 'a-join-token-of-some-length';
    await problemOf(await start(await newUrl(), { joinToken, central: url }), 'join-token-expired');
    // A failure for another reason is tried again after two seconds.
    await new Promise(done => setTimeout(done, 2_500));
    expect(attempts).toBe(1);
  } finally {
    server.close();
  }
});

it('takes its name from central, and accepts calls for the base URL that operators set there', async () => {
  const url = await newUrl();
  const { id, joinToken } = await invite(url);
  const settings = { joinToken, directory: 'edited' };
  const joined = await start(url, settings);
  await eventually('it has joined', async () => (await joined()).name === 'Name at central' || undefined);
  await site?.stop();
  const coordinates = { latitude: 30.25, longitude: 120.17 };
  const edited = await central.request('PATCH', `/api/sites/${id}`, {
    body: { name: 'Edited name', baseUrl: url.replace('127.0.0.1', 'localhost'), coordinates },
  });
  expect(edited.body).toMatchObject({ name: 'Edited name', coordinates });
  const read = await start(url, settings);
  await eventually('it has the new name', async () => (await read()).name === 'Edited name' || undefined);
  // Central reads the site at its new address.
  await eventually('central has read it', async () => {
    const { body } = await central.request('POST', `/api/sites/${id}/collect`);
    return body.error === undefined || undefined;
  });
});

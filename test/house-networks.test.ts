/** A real central and a real tracker: players in a house network play internal videos, and everyone else finds nothing. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call } from '../src/kernel/http/client.ts';
import { silentLog } from '../src/kernel/log.ts';
import { RightsState } from '../src/kernel/rights/rights-state.ts';
import { newVideoId, type VideoId } from '../src/protocol/base/ids.ts';
import type { VideoRecord } from '../src/protocol/publication/record.ts';
import { rightsPageSchema } from '../src/protocol/rights.ts';
import { createSiteRights } from '../src/site/rights/site-rights.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';
import { type RunningTracker, startTracker } from '../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from './support/central-harness.ts';
import { TOKEN } from './support/central-requests.ts';
import { eventually } from './support/eventually.ts';
import { freePort } from './support/free-port.ts';
import { videoRecord } from './support/records.ts';
import { makeTemporaryDirectory, removeDirectory } from './support/temporary-directory.ts';
import type { TestSite } from './support/test-site.ts';

const INSIDE = '10.9.0.7';
const OUTSIDE = '10.8.0.7';
let harness: CentralHarness;
let tracker: RunningTracker;
let directory: string;
let site: TestSite;
let [internal, hidden, open] = [newVideoId(), newVideoId(), newVideoId()];

beforeAll(async () => {
  harness = await startCentralHarness({ houseNetworks: ['10.9.0.0/16', '2001:db8::/32'] });
  directory = await makeTemporaryDirectory('house-networks');
  site = await harness.addSite('home');
  await harness.addSite('other');
  ({ video: internal } = site.put(videoRecord({ visibility: 'private', audience: 'internal' })));
  ({ video: hidden } = site.put(videoRecord({ visibility: 'private' })));
  ({ video: open } = site.put(videoRecord()));
  await site.collect();
  const { body } = await harness.request('POST', '/api/trackers', {
    body: { name: 'T', baseUrl: 'http://127.0.0.1:9999' },
  });
  const port = await freePort();
  tracker = await startTracker(
    trackerConfigSchema.parse({
      listen: `127.0.0.1:${port}`,
      baseUrl: `http://127.0.0.1:${port}`,
      dataDirectory: directory,
      central: harness.central.url,
      joinToken: body.joinToken,
      operatorToken: TOKEN,
      trustClientParameter: true,
      logLevel: 'silent',
    }),
  );
  await eventually('an internal video can be played', async () => {
    const responses = [await get(`/play/${open}`), await get(`/play/${internal}?client=${INSIDE}`)];
    return responses.every(({ status }) => status === 200);
  });
});
afterAll(async () => {
  await tracker.stop();
  await harness.stop();
  await removeDirectory(directory);
});

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(tracker.url + path, { redirect: 'manual', headers });
  const { 'content-length': _, date: __, ...others } = Object.fromEntries(response.headers);
  return { status: response.status, text: await response.text(), headers: others };
};
const WAYS = (video: VideoId, client: string): readonly string[] =>
  [
    `/play/${video}`,
    `/play/${video}.m3u8`,
    `/play/${video}.mpd`,
    `/go/${video}`,
    `/go/${video}/poster.jpg`,
    `/relay/${video}.m3u8`,
    `/relay/${video}/growing/source-video/media.m3u8`,
    `/relay/${video}/growing/source-video/0.m4s`,
  ].map(path => `${path}?client=${client}`);

it('plays internal videos inside, with tokens, and no others', async () => {
  for (const client of [INSIDE, '2001:db8::7']) {
    const { text } = await get(`/play/${internal}?client=${client}`);
    const { sources, isPrivate } = JSON.parse(text);
    expect(isPrivate).toBe(true);
    for (const { hls } of sources) expect(hls).toMatch(/\/t\/[A-Za-z0-9_-]{40}\/v\//);
  }
  const playlist = await get(`/play/${internal}.m3u8?client=${INSIDE}`);
  expect(playlist.text).toMatch(/\/t\/[A-Za-z0-9_-]{40}\/v\//);
  const go = await get(`/go/${internal}?client=${INSIDE}`);
  expect(go.headers.location).toMatch(/\/t\/[A-Za-z0-9_-]{40}\/v\//);
  const segment = await get(`/relay/${internal}/growing/source-video/0.m4s?client=${INSIDE}`);
  expect(segment.headers.location).toMatch(/\/t\/[A-Za-z0-9_-]{40}\/v\//);
  expect((await get(`/play/${hidden}?client=${INSIDE}`)).status).toBe(404);
});

it('responds outside as if the video did not exist, and so to pages of other origins', async () => {
  for (const video of [internal, hidden]) {
    for (const [at, path] of WAYS(video, OUTSIDE).entries())
      expect(await get(path), path).toEqual(await get(WAYS(newVideoId(), OUTSIDE)[at] ?? ''));
    const steering = await get(`/steer/${video}?pathways=${site.id}&client=${OUTSIDE}`);
    expect(steering.text).not.toContain('/t/');
  }
  const unknown = await get(`/play/${newVideoId()}?client=${INSIDE}`);
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }] as Record<
    string,
    string
  >[])
    expect(await get(`/play/${internal}?client=${INSIDE}`, headers)).toEqual(unknown);
});

it('names internal videos only to trackers that ask for them', async () => {
  const asking = await harness.addTracker('asking');
  const found = (await asking.changes(0, '&audiences=true')).changes.find(
    change => change.kind === 'video' && change.video === internal,
  );
  expect(found).toMatchObject({ isPrivate: true, isInternal: true });
  expect((await asking.changes(0, '&audiences=true')).houseNetworks).toEqual([
    '10.9.0.0/16',
    '2001:db8::/32',
  ]);
  const earlier = await asking.changes(0);
  expect(JSON.stringify(earlier)).not.toContain('isInternal');
  expect(earlier.houseNetworks).toBeUndefined();
});

it('nothing that is open to everyone names a video that is not public, or counts such videos of a site', async () => {
  const name = '不公开的讲座';
  const { video } = site.put(videoRecord({ name, visibility: 'private', audience: 'internal' }));
  await site.collect();
  const status = async (): Promise<{ videos: number }> => JSON.parse((await get('/status')).text);
  await eventually('the tracker knows it', async () => (await status()).videos >= 4);
  const texts: string[] = [];
  for (const url of [tracker.url, harness.url])
    for (const path of [
      '/metrics',
      '/openapi.json',
      '/status',
      '/healthz',
      '/readyz',
      '/api/sites',
      '/api/info',
    ])
      texts.push(await (await fetch(url + path)).text());
  const all = texts.join('\n');
  expect(all).toContain('tributary_central_videos');
  for (const secret of [video, internal, hidden, name]) expect(all).not.toContain(secret);
  // The tracker has one total of all its videos, and none for a site.
  expect(Object.keys(await status()).sort()).toEqual(['connected', 'position', 'sites', 'videos']);
  const { sites } = (await harness.request('GET', '/api/sites', { token: null })).body;
  const own = sites.find(({ id }: { id: string }) => id === site.id);
  expect([own.videos, own.copies]).toEqual([1, 0]);
});

it('revokes the tokens of players within seconds when the audience becomes private', async () => {
  const record = site.put(videoRecord({ visibility: 'private', audience: 'internal' }));
  const { video } = record;
  await site.collect();
  const state = RightsState.open();
  const rights = createSiteRights(state, silentLog);
  // As a site follows the feed: from its position, waiting for changes.
  const follow = async (waitS: number): Promise<void> => {
    const query = `after=${state.position}&people=true&wait=${waitS}&generation=${state.newest?.generation ?? 0}`;
    const limits = { timeoutMs: 30_000, maxBytes: 2 ** 20, response: rightsPageSchema };
    state.apply(await call(`${harness.url}/api/rights?${query}`, { ...limits, signer: site.signer }));
  };
  await follow(0);
  const path = `/play/${video}?client=${INSIDE}`;
  await eventually('the video can be played', async () => (await get(path)).status === 200);
  const { sources } = JSON.parse((await get(path)).text);
  const token = /\/t\/([\w-]{40})\//.exec(sources[0].hls)?.[1] ?? '';
  expect(rights.checkToken(token, video)).toBeUndefined();

  const startedMs = performance.now();
  site.put({ ...record, audience: undefined, version: 2 } as VideoRecord);
  await site.collect();
  await follow(20);
  expect(rights.checkToken(token, video)?.code).toBe('token-expired');
  await eventually('the tracker starts no more playbacks', async () => (await get(path)).status === 404);
  expect(performance.now() - startedMs).toBeLessThan(30_000);
});

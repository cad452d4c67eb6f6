/**
 * The parts of a site as processes of their own on one PostgreSQL (mission, requirement 5), and two centrals on another:
 * an upload becomes a picture, and each part can be gone without the others.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site, Video } from '../../../src/protocol/central.ts';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import type { Explanation, PlayResponse } from '../../../src/protocol/tracker.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { getJson } from '../../support/json-requests.ts';
import { makeDatabase, type TestDatabase } from '../../support/postgres/databases.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const TOKEN = 'a-token-of-this-test-alone';
const host = '127.0.0.1';
let directory: string;
const databases: TestDatabase[] = [];
const running = new Map<string, ChildProcess>();
const ports: Record<string, number> = {};
const urlOf = (part: string): string => `http://${host}:${ports[part]}`;

/** Writes a part's configuration; what is undefined is left out. */
async function configure(part: string, section: string, settings: Record<string, unknown>): Promise<void> {
  const lines = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  await writeFile(join(directory, `${part}.toml`), `[${section}]\n${lines.join('\n')}\n`);
}

function start(part: string, section: string, env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [COMMAND, section, '--config', join(directory, `${part}.toml`)], {
    stdio: process.env.SHOW_PARTS ? 'inherit' : 'ignore',
    env: { ...process.env, ...env },
  });
  running.set(part, child);
  return child;
}

const untilReady = (part: string) =>
  eventually(`${part} is ready`, async () => (await fetch(`${urlOf(part)}/readyz`)).ok || undefined);

async function kill(part: string): Promise<void> {
  const child = running.get(part);
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise(done => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
}

async function ask<T>(url: string, method: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const configureCentral = (part: string) =>
  configure(part, 'central', {
    listen: `${host}:${ports[part]}`,
    dataDirectory: join(directory, 'central'),
    database: databases[0]?.place,
    operatorToken: TOKEN,
  });

/** The settings that all parts of the site share, and what this one is. */
const configureSite = (part: string, own: Record<string, unknown>) =>
  configure(part, 'site', {
    name: 'Apart',
    baseUrl: urlOf('buffer'),
    sourceAddress: `${host}:${ports.buffer}`,
    operatorToken: TOKEN,
    database: databases[1]?.place,
    ...own,
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-apart-'));
  databases.push(await makeDatabase('postgres'), await makeDatabase('postgres'));
  for (const part of ['central', 'central-2', 'tracker', 'web', 'origin', 'buffer'])
    ports[part] = await freePort();
  await mkdir(join(directory, 'central'));
  await configureCentral('central');
  start('central', 'central');
  await untilReady('central');
  // The second one finds the key that the first one made.
  await configureCentral('central-2');
  start('central-2', 'central');
  await untilReady('central-2');

  const tracker = await ask<{ joinToken: string }>(`${urlOf('central')}/api/trackers`, 'POST', {
    name: 'tracker',
    baseUrl: urlOf('tracker'),
  });
  await configure('tracker', 'tracker', {
    listen: `${host}:${ports.tracker}`,
    baseUrl: urlOf('tracker'),
    dataDirectory: join(directory, 'tracker'),
    // Hears from the one what the other collected.
    central: urlOf('central-2'),
    joinToken: tracker.joinToken,
    operatorToken: TOKEN,
  });
  start('tracker', 'tracker');
  const site = await ask<{ joinToken: string }>(`${urlOf('central')}/api/sites`, 'POST', {
    name: 'Apart',
    baseUrl: urlOf('buffer'),
  });
  const dataDirectory = join(directory, 'site');
  await configureSite('web', {
    parts: ['web'],
    listen: `${host}:${ports.web}`,
    dataDirectory,
    bufferUrl: urlOf('buffer'),
    central: urlOf('central'),
    joinToken: site.joinToken,
    signalInterval: '500 ms',
  });
  await configureSite('origin', {
    parts: ['origin'],
    originListen: `${host}:${ports.origin}`,
    dataDirectory,
  });
  await configureSite('buffer', {
    parts: ['buffer'],
    listen: `${host}:${ports.buffer}`,
    // A machine of its own: it shares no directory with the others, and needs no database.
    dataDirectory: join(directory, 'buffer'),
    database: undefined,
    originUrl: urlOf('origin'),
    webUrl: urlOf('web'),
  });
  for (const part of ['buffer', 'origin', 'web']) start(part, 'site');
  for (const part of ['buffer', 'web', 'tracker']) await untilReady(part);
});

afterAll(async () => {
  await Promise.all([...running.keys()].map(kill));
  for (const database of databases) await database.drop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

/** Uploads at the site's public address, which is the buffer's, and waits for the tracker to offer it. */
async function publish(name: string): Promise<{ readonly id: string; readonly play: PlayResponse }> {
  const { id } = await upload(urlOf('buffer'), TOKEN, readVideo(shortVideo()), { name });
  const play = await eventually(
    `${name} is offered`,
    async () => getJson<PlayResponse>(`${urlOf('tracker')}/play/${id}`),
    60_000,
  );
  return { id, play };
}

const fetchMedia = async (play: PlayResponse, file: string): Promise<number> => {
  const response = await fetch(new URL(file, play.sources[0]?.hls));
  await response.arrayBuffer();
  return response.status;
};

describe('parts that run apart', () => {
  let first: Awaited<ReturnType<typeof publish>>;

  it('make a picture of an upload', async () => {
    first = await publish('From three processes');
    expect(first.play.sources[0]?.baseUrl).toBe(urlOf('buffer'));
    expect(await fetchMedia(first.play, 'multivariant.m3u8')).toBe(200);
    expect(await fetchMedia(first.play, 'source-video/0.m4s')).toBe(200);
    const video = await eventually('the studio says so', async () => {
      const found = await getJson<SiteVideo>(`${urlOf('buffer')}/api/videos/${first.id}`, TOKEN);
      return found.registered ? found : undefined;
    });
    expect(video).toMatchObject({ state: 'ready', signalSent: true, published: true });
    // Whoever asks web for media is sent to the buffer.
    const path = new URL('source-video/0.m4s', first.play.sources[0]?.hls).pathname;
    const redirect = await fetch(urlOf('web') + path, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([307, urlOf('buffer') + path]);
  });

  it('tell the tracker what viewers told the buffer, which has no key to sign it', async () => {
    // A line of its own, which the site's word must not exceed: a player's first figure is a default, and not believed.
    const steering = new URL(first.play.steering);
    steering.searchParams.set('_HLS_pathway', first.play.sources[0]?.site ?? '');
    steering.searchParams.set('_HLS_throughput', '20000000');
    for (let asked = 0; asked < 2; asked++) expect((await fetch(steering)).status).toBe(200);
    const lines = async () => {
      const explained = `${urlOf('tracker')}/explain/${first.id}?client=${host}`;
      return (await getJson<Explanation>(explained, TOKEN)).ranking[0]?.inputs.measured?.bps ?? 0;
    };
    expect(await lines()).toBeGreaterThan(15e6);
    await eventually(
      'the tracker has heard that it is slower',
      async () => {
        expect(await fetchMedia(first.play, 'source-video/0.m4s?CMCD=mtp%3D900')).toBe(200);
        return (await lines()) < 10e6 || undefined;
      },
      30_000,
    );
    const stranger = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await fetch(`${urlOf('buffer')}/parts/reports`, stranger)).status).toBe(401);
  });

  it('do without the origin: uploads are taken, and what is buffered plays', async () => {
    await kill('origin');
    expect(await fetchMedia(first.play, 'source-video/0.m4s')).toBe(200);
    const { id } = await publish('While the origin was away');
    start('origin', 'site');
    const video = await getJson<Video>(`${urlOf('central')}/api/videos/${id}`);
    const media = `${urlOf('buffer')}/v/${id}/${video.revision}/source-video/0.m4s`;
    await eventually('it plays', async () => (await fetch(media)).ok || undefined);
  });

  it('do without web: viewers see nothing of it', async () => {
    await kill('web');
    expect(await fetchMedia(first.play, 'source-video/1.m4s')).toBe(200);
    const refused = await fetch(`${urlOf('buffer')}/api/videos`);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      502,
      'part-unreachable',
    ]);
    await eventually('it is still offered', async () =>
      getJson<PlayResponse>(`${urlOf('tracker')}/play/${first.id}`),
    );
    start('web', 'site');
    await untilReady('web');
  });

  it('do without the buffer: uploads are taken, and published when it is back', async () => {
    await kill('buffer');
    const { id } = await upload(urlOf('web'), TOKEN, readVideo(shortVideo()), {
      name: 'While the buffer was away',
    });
    await eventually('it is ready', async () => {
      const found = await getJson<SiteVideo>(`${urlOf('web')}/api/videos/${id}`, TOKEN);
      return found.state === 'ready' || undefined;
    });
    start('buffer', 'site');
    await untilReady('buffer');
    await eventually(
      'the tracker sees it',
      async () => getJson<PlayResponse>(`${urlOf('tracker')}/play/${id}`),
      60_000,
    );
  });

  it('give a private video to nobody without a right, and to who has one also with web away', async () => {
    const { id } = await upload(urlOf('buffer'), TOKEN, readVideo(shortVideo()), {
      name: 'Closed',
      visibility: 'private',
    });
    const { token, revision } = await eventually('it is ready', async () => {
      const found = await getJson<SiteVideo>(`${urlOf('web')}/api/videos/${id}`, TOKEN);
      return found.state === 'ready' ? found : undefined;
    });
    const path = `/v/${id}/${revision}/source-video/0.m4s`;
    const status = async (url: string): Promise<number> => {
      const response = await fetch(url);
      await response.arrayBuffer();
      return response.status;
    };
    // The origin too: nginx may ask it for anybody.
    for (const part of ['buffer', 'origin']) expect(await status(urlOf(part) + path), part).toBe(404);
    await eventually(
      'it plays',
      async () => (await status(`${urlOf('buffer')}/t/${token}${path}`)) === 200 || undefined,
    );
    await kill('web');
    await kill('buffer');
    start('buffer', 'site');
    await untilReady('buffer');
    expect(await status(urlOf('buffer') + path)).toBe(404);
    expect(await status(`${urlOf('buffer')}/t/${token}${path}`)).toBe(200);
    start('web', 'site');
    await untilReady('web');
  });

  it('forget a withdrawn video everywhere, a buffer that was away included', async () => {
    expect(await fetchMedia(first.play, 'source-video/0.m4s')).toBe(200);
    await kill('buffer');
    await ask(`${urlOf('web')}/api/videos/${first.id}`, 'DELETE');
    expect(await readdir(join(directory, 'site', 'videos'))).not.toContain(first.id);
    start('buffer', 'site');
    await untilReady('buffer');
    await eventually(
      'it is gone from the buffer',
      async () => (await fetchMedia(first.play, 'source-video/0.m4s')) === 410 || undefined,
    );
    await eventually(
      'it is gone from the tracker',
      async () => (await fetch(`${urlOf('tracker')}/play/${first.id}`)).status === 410 || undefined,
      60_000,
    );
  });

  it('are collected by another central when the one that began was killed', async () => {
    await kill('central');
    const ended = new Promise(done =>
      start('central', 'central', { TRIBUTARY_FAILPOINT: 'page-read' }).once('exit', done),
    );
    await untilReady('central');
    // It dies with the page in its hand and the lease in its name.
    const published = publish('Left by a central that died');
    await ended;
    const { id } = await published;
    const video = await getJson<Video>(`${urlOf('central-2')}/api/videos/${id}`);
    expect(video.name).toBe('Left by a central that died');
    const { sites } = await getJson<{ sites: Site[] }>(`${urlOf('central-2')}/api/sites`);
    expect(sites).toMatchObject([{ state: 'up' }]);
  });
});

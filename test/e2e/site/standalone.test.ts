/**
 * The parts of a site as separate processes on one PostgreSQL, and two centrals on another: an upload is published and plays,
 * and each part can be down without stopping the others.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site, Video } from '../../../src/protocol/central.ts';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import type { Explanation, PlayResponse } from '../../../src/protocol/tracker.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { getJson, requestJson } from '../../support/json-requests.ts';
import { makeDatabase, type TestDatabase } from '../../support/postgres/databases.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../support/temporary-directory.ts';
import { upload } from '../../support/uploads.ts';

const TOKEN = 'a-token-of-this-test';
const host = '127.0.0.1';
/** Enough for a busy machine. */
const START_MS = 60_000;
let directory: string;
/** A video that every test finds published. */
let first: Awaited<ReturnType<typeof publish>>;
const databases: TestDatabase[] = [];
const running = new Map<string, ChildProcess>();
const ports: Record<string, number> = {};
const urlOf = (part: string): string => `http://${host}:${ports[part]}`;

/** Writes a part's configuration without the settings that are undefined. */
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
  eventually(`${part} is ready`, async () => (await fetch(`${urlOf(part)}/readyz`)).ok, START_MS);

async function kill(part: string): Promise<void> {
  const child = running.get(part);
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise(done => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
}

const configureCentral = (part: string) =>
  configure(part, 'central', {
    listen: `${host}:${ports[part]}`,
    dataDirectory: join(directory, part),
    database: databases[0]?.place,
    operatorToken: TOKEN,
  });

/** The settings that all parts of the site share, and those of one part. */
const configureSite = (part: string, own: Record<string, unknown>) =>
  configure(part, 'site', {
    name: 'Parts',
    baseUrl: urlOf('buffer'),
    sourceAddress: `${host}:${ports.buffer}`,
    operatorToken: TOKEN,
    database: databases[1]?.place,
    ...own,
  });

beforeAll(async () => {
  directory = await makeTemporaryDirectory('standalone');
  databases.push(await makeDatabase('postgres'), await makeDatabase('postgres'));
  for (const part of ['central', 'central-2', 'tracker', 'web', 'origin', 'buffer'])
    ports[part] = await freePort();
  await configureCentral('central');
  start('central', 'central');
  await untilReady('central');
  // Centrals share the database and the key, nothing else.
  await configureCentral('central-2');
  await mkdir(join(directory, 'central-2'));
  await copyFile(join(directory, 'central', 'central.key'), join(directory, 'central-2', 'central.key'));
  start('central-2', 'central');
  await untilReady('central-2');

  const tracker = await requestJson<{ joinToken: string }>('POST', `${urlOf('central')}/api/trackers`, {
    token: TOKEN,
    body: { name: 'tracker', baseUrl: urlOf('tracker') },
  });
  await configure('tracker', 'tracker', {
    listen: `${host}:${ports.tracker}`,
    baseUrl: urlOf('tracker'),
    dataDirectory: join(directory, 'tracker'),
    // One central collects, and the tracker follows the other one.
    central: urlOf('central-2'),
    joinToken: tracker.joinToken,
    operatorToken: TOKEN,
  });
  start('tracker', 'tracker');
  const site = await requestJson<{ joinToken: string }>('POST', `${urlOf('central')}/api/sites`, {
    token: TOKEN,
    body: { name: 'Parts', baseUrl: urlOf('buffer') },
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
    // As on a separate machine: it shares no directory with the others, and needs no database.
    dataDirectory: join(directory, 'buffer'),
    database: undefined,
    originUrl: urlOf('origin'),
    webUrl: urlOf('web'),
  });
  for (const part of ['buffer', 'origin', 'web']) start(part, 'site');
  for (const part of ['buffer', 'web', 'tracker']) await untilReady(part);
  first = await publish('From three processes');
});

afterAll(async () => {
  await Promise.all([...running.keys()].map(kill));
  for (const database of databases) await database.drop();
  await removeDirectory(directory);
});

/** Uploads at the site's public address, which is the buffer's, and waits until the tracker offers the video. */
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

describe('standalone parts', () => {
  it('publish and play an upload', async () => {
    expect(first.play.sources[0]?.baseUrl).toBe(urlOf('buffer'));
    expect(await fetchMedia(first.play, 'multivariant.m3u8')).toBe(200);
    expect(await fetchMedia(first.play, 'source-video/0.m4s')).toBe(200);
    const video = await eventually('the studio shows it as registered', async () => {
      const found = await getJson<SiteVideo>(`${urlOf('buffer')}/api/videos/${first.id}`, TOKEN);
      return found.registered ? found : undefined;
    });
    expect(video).toMatchObject({ state: 'ready', signalSent: true, published: true });
    // A request for media at web is redirected to the buffer.
    const path = new URL('source-video/0.m4s', first.play.sources[0]?.hls).pathname;
    const redirect = await fetch(urlOf('web') + path, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([307, urlOf('buffer') + path]);
  });

  it('forward viewers’ reports from the buffer, which has no key to sign them, to the tracker', async () => {
    // The viewer's own baseline, which the site's report must not exceed. A player's first figure is a default and is ignored.
    const steering = new URL(first.play.steering);
    steering.searchParams.set('_HLS_pathway', first.play.sources[0]?.site ?? '');
    steering.searchParams.set('_HLS_throughput', '20000000');
    for (let asked = 0; asked < 2; asked++) expect((await fetch(steering)).status).toBe(200);
    const measuredBps = async () => {
      const explained = `${urlOf('tracker')}/explain/${first.id}?client=${host}`;
      return (await getJson<Explanation>(explained, TOKEN)).ranking[0]?.inputs.measured?.bps ?? 0;
    };
    expect(await measuredBps()).toBeGreaterThan(15e6);
    await eventually(
      'the tracker has the lower throughput',
      async () => {
        expect(await fetchMedia(first.play, 'source-video/0.m4s?CMCD=mtp%3D900')).toBe(200);
        return (await measuredBps()) < 10e6 || undefined;
      },
      30_000,
    );
    const unsigned = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await fetch(`${urlOf('buffer')}/parts/reports`, unsigned)).status).toBe(401);
  });

  it('work without the origin: uploads are accepted, and buffered videos play', async () => {
    await kill('origin');
    expect(await fetchMedia(first.play, 'source-video/0.m4s')).toBe(200);
    const { id } = await publish('While the origin was down');
    start('origin', 'site');
    const video = await getJson<Video>(`${urlOf('central')}/api/videos/${id}`);
    const media = `${urlOf('buffer')}/v/${id}/${video.revision}/source-video/0.m4s`;
    await eventually('it plays', async () => (await fetch(media)).ok || undefined);
  });

  it('work without web: viewers notice nothing', async () => {
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

  it('work without the buffer: uploads are accepted, and published when it is back', async () => {
    await kill('buffer');
    const { id } = await upload(urlOf('web'), TOKEN, readVideo(shortVideo()), {
      name: 'While the buffer was down',
    });
    await eventually('it is ready', async () => {
      const found = await getJson<SiteVideo>(`${urlOf('web')}/api/videos/${id}`, TOKEN);
      return found.state === 'ready' || undefined;
    });
    start('buffer', 'site');
    await untilReady('buffer');
    await eventually(
      'the tracker offers it',
      async () => getJson<PlayResponse>(`${urlOf('tracker')}/play/${id}`),
      60_000,
    );
  });

  it('serve a private video only with a token, also while web is down', async () => {
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
    // The origin refuses too: nginx may forward any viewer's request to it.
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

  it('forget a withdrawn video everywhere, also in a buffer that was down', async () => {
    const { id, play } = await publish('Withdrawn');
    expect(await fetchMedia(play, 'source-video/0.m4s')).toBe(200);
    await kill('buffer');
    await requestJson('DELETE', `${urlOf('web')}/api/videos/${id}`, { token: TOKEN });
    expect(await readdir(join(directory, 'site', 'videos'))).not.toContain(id);
    start('buffer', 'site');
    await untilReady('buffer');
    await eventually(
      'it has left the buffer',
      async () => (await fetchMedia(play, 'source-video/0.m4s')) === 410 || undefined,
    );
    await eventually(
      'it has left the tracker',
      async () => (await fetch(`${urlOf('tracker')}/play/${id}`)).status === 410 || undefined,
      60_000,
    );
  });

  it('are collected by another central when the one that started was killed', async () => {
    await kill('central');
    const ended = new Promise(done =>
      start('central', 'central', { TRIBUTARY_FAILPOINT: 'page-read' }).once('exit', done),
    );
    await untilReady('central');
    // It is killed after it has read a page, while it has the lease.
    const published = publish('Left by a central that died');
    await ended;
    const { id } = await published;
    const video = await getJson<Video>(`${urlOf('central-2')}/api/videos/${id}`);
    expect(video.name).toBe('Left by a central that died');
    const { sites } = await getJson<{ sites: Site[] }>(`${urlOf('central-2')}/api/sites`);
    expect(sites).toMatchObject([{ state: 'up' }]);
  });
});

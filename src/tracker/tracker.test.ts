import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type OutgoingHttpHeaders, request as requestHttp, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { call } from '../kernel/http/client.ts';
import { createHttp } from '../kernel/http/server.ts';
import { requireSigner } from '../kernel/http/signed-requests.ts';
import { type PublicKey, readOrMakeKey } from '../kernel/identity/keys.ts';
import { NonceMemory } from '../kernel/identity/signatures.ts';
import { silentLog } from '../kernel/log.ts';
import { newId, newRevisionId, newSiteId, newVideoId, type SiteId } from '../protocol/base/ids.ts';
import { type Change, joinRequestSchema, siteStatesSchema } from '../protocol/central.ts';
import type { RevisionTimeline } from '../protocol/media/timeline.ts';
import {
  beaconResponseSchema,
  dryRunSchema,
  explanationSchema,
  playResponseSchema,
  steeringManifestSchema,
  trackerStatusSchema,
} from '../protocol/tracker.ts';
import { trackerConfigSchema } from './config.ts';
import { type RunningTracker, startTracker } from './tracker.ts';

const TOKEN = 'an-operator-token';
const JOIN_TOKEN = 'a-join-token-of-some-length';

async function findFreePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Implements central's calls for trackers over real HTTP and accepts only signed requests. */
async function startCentralLike(port: number, position0 = 0) {
  const changes: Change[] = [];
  const keys = new Map<string, PublicKey>();
  const recipient = { nonces: new NonceMemory(), authorities: () => [`127.0.0.1:${port}`] };
  const asked: number[] = [];
  const siteStates: { sites: { site: SiteId; up: boolean }[] }[] = [];
  const waiting = new Set<() => void>();
  let joins = 0;
  let position = position0;
  const { app } = await createHttp({ part: 'central', log: silentLog, ready: () => undefined });
  app.post('/api/join', async request => {
    const { joinToken, publicKey } = joinRequestSchema.parse(request.body);
    const keyId = await requireSigner(request, async () => publicKey, recipient);
    if (keyId !== 'join' || joinToken !== JOIN_TOKEN) throw new Error('refused');
    joins++;
    const id = newId();
    keys.set(id, publicKey);
    return { role: 'tracker', id, name: 'T', baseUrl: 'http://t', centralPublicKey: 'k', trackers: [] };
  });
  app.get('/api/changes', async request => {
    await requireSigner(request, async id => keys.get(id), recipient);
    const query = new URLSearchParams(request.url.split('?')[1]);
    const after = Number(query.get('after'));
    asked.push(after);
    const list = () => changes.filter(change => change.position > after);
    if (after > position) return { changes: [], position, more: false };
    if (list().length === 0 && Number(query.get('wait')) > 0) {
      await new Promise<void>(resolve => {
        waiting.add(resolve);
        setTimeout(resolve, 25_000).unref();
      });
    }
    const page = list().slice(0, 2);
    return { changes: page, position: page.at(-1)?.position ?? after, more: page.length < list().length };
  });
  app.post('/api/site-states', async request => {
    await requireSigner(request, async id => keys.get(id), recipient);
    siteStates.push(siteStatesSchema.parse(request.body));
    return {};
  });
  await app.listen({ host: '127.0.0.1', port });
  return {
    keys,
    asked,
    siteStates,
    joins: () => joins,
    publish(...more: DistributiveOmit<Change, 'position'>[]) {
      for (const change of more) changes.push({ ...change, position: ++position } as Change);
      for (const wake of waiting) wake();
      waiting.clear();
    },
    stop: () => app.close(),
  };
}
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A site as a tracker sees it: it responds to probes, hangs, or is down. */
async function startSiteLike(host: string, port: number) {
  const id = newSiteId();
  const state = {
    isHanging: false,
    activeResponses: 0,
    initSegment: Buffer.from('\0\0\0\x18ftypiso6\0\0\0\0iso6cmfc'),
    timeline: undefined as RevisionTimeline | undefined,
    asked: [] as string[],
  };
  let server: Server | undefined;
  const start = async (at: number): Promise<void> => {
    const next = createServer((request, response) => {
      if (state.isHanging) return;
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      if (pathname.endsWith('/timeline.json')) {
        state.asked.push(pathname);
        if (!state.timeline) response.writeHead(404);
        return void response.end(JSON.stringify(state.timeline ?? {}));
      }
      if (pathname.startsWith('/v/')) return void response.end(state.initSegment);
      const nonce = searchParams.get('nonce');
      const { activeResponses } = state;
      response.end(JSON.stringify({ site: id, nonce, activeResponses, egressBps: 0 }));
    });
    server = next;
    await new Promise<void>(resolve => next.listen(at, host, resolve));
  };
  await start(port);
  const stop = async (): Promise<void> => {
    server?.closeAllConnections();
    await new Promise(resolve => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
  };
  return { id, state, baseUrl: `http://${host}:${port}`, stop, restart: () => start(port) };
}

const places = [
  {
    name: 'Hangzhou',
    coordinates: { latitude: 30.27, longitude: 120.15 },
    zone: ['10.1.0.0/16', '2001:db8:1::/48'],
  },
  { name: 'Guangzhou', coordinates: { latitude: 23.13, longitude: 113.26 }, zone: ['10.2.0.0/16'] },
  { name: 'Beijing', coordinates: { latitude: 39.9, longitude: 116.4 }, zone: ['10.3.0.0/16'] },
];
const [HANGZHOU, GUANGZHOU, BEIJING] = [0, 1, 2];

let directory: string;
let centralPort: number;
let central: Awaited<ReturnType<typeof startCentralLike>>;
let sites: Awaited<ReturnType<typeof startSiteLike>>[];
let tracker: RunningTracker;
const closers: (() => unknown)[] = [];
const video = newVideoId();
const revision = newRevisionId();

const siteChange = (index: number) => ({
  kind: 'site' as const,
  site: sites[index]!.id,
  baseUrl: sites[index]!.baseUrl,
  active: true,
  ...places[index]!,
});
const videoChange = (changes: object = {}) => ({
  kind: 'video' as const,
  site: sites[GUANGZHOU]!.id,
  video,
  version: 1,
  revision,
  name: 'A lecture 讲座',
  bitrateBps: 2_000_000,
  durationMs: 60_000,
  renditions: [
    {
      kind: 'video' as const,
      id: 'source-video',
      codec: 'avc1.64001f',
      bandwidthBps: 2_000_000,
      averageBandwidthBps: 1_500_000,
      width: 1280,
      height: 720,
      frameRate: 25,
    },
  ],
  ...changes,
});

async function start(changes: object = {}): Promise<RunningTracker> {
  const port = await findFreePort();
  const config = trackerConfigSchema.parse({
    listen: `127.0.0.1:${port}`,
    baseUrl: `http://127.0.0.1:${port}`,
    dataDirectory: directory,
    central: `http://127.0.0.1:${centralPort}`,
    joinToken: JOIN_TOKEN,
    operatorToken: TOKEN,
    trustClientParameter: true,
    logLevel: 'silent',
    ...changes,
  });
  const running = await startTracker(config);
  closers.push(() => running.stop());
  return running;
}

const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${tracker.url}${path}`, { redirect: 'manual', ...init });
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;
const play = async (query = '') =>
  playResponseSchema.parse(await (await get(`/play/${video}${query}`)).json());
const idsOf = (response: { sources: { site: string }[] }) => response.sources.map(({ site }) => site);
const idOf = (index: number): SiteId => sites[index]!.id;

async function eventually<T>(withinMs: number, check: () => Promise<T> | T): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-tracker-'));
  centralPort = await findFreePort();
  central = await startCentralLike(centralPort);
  const sitePort = await findFreePort();
  sites = await Promise.all(
    ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map(host => startSiteLike(host, sitePort)),
  );
  central.publish(siteChange(0), siteChange(1), siteChange(2), videoChange());
  tracker = await start();
  await eventually(5_000, async () => expect((await play()).sources).toHaveLength(3));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await Promise.all([central.stop(), ...sites.map(site => site.stop())]);
  await rm(directory, { recursive: true });
});

describe('play', () => {
  test('lists the site of the zone first, then the nearest, each with address and reasons', async () => {
    const response = await play('?client=10.1.2.3');
    expect(idsOf(response)).toEqual([idOf(HANGZHOU), idOf(GUANGZHOU), idOf(BEIJING)]);
    expect(response).toMatchObject({ video, revision, name: 'A lecture 讲座' });
    expect(response.dash).toContain(`${tracker.url}/play/${video}.mpd?client=10.1.2.3&session=`);
    const [best] = response.sources;
    expect(best).toMatchObject({
      name: 'Hangzhou',
      address: sites[HANGZHOU]!.baseUrl.slice('http://'.length),
      hls: `${sites[HANGZHOU]!.baseUrl}/v/${video}/${revision}/multivariant.m3u8`,
    });
    expect(best?.reason).toContain('10.1.0.0/16');
    expect(response.hls).toBe(
      `${tracker.url}/play/${video}.m3u8?client=10.1.2.3&session=${response.session}`,
    );
    expect(new URL(response.steering).searchParams.get('client')).toBe('10.1.2.3');
    expect(idsOf(await play('?client=10.3.0.1'))[0]).toBe(idOf(BEIJING));
    expect(idsOf(await play('?client=2001:db8:1::5'))[0]).toBe(idOf(HANGZHOU));
    expect(idsOf(await play('?client=::ffff:10.3.0.1'))[0]).toBe(idOf(BEIJING));
    // The location of this client is unknown: the holder is first.
    expect(idsOf(await play('?client=203.0.113.9'))[0]).toBe(idOf(GUANGZHOU));
  });

  test('a filling site gets the holder first, and never itself', async () => {
    const response = await play(`?fill=${idOf(BEIJING)}`);
    expect(idsOf(response)).toEqual([idOf(GUANGZHOU), idOf(HANGZHOU)]);
    expect(idsOf(await play(`?fill=${idOf(GUANGZHOU)}`))).not.toContain(idOf(GUANGZHOU));
    expect(idsOf(await play(`?fill=${newSiteId()}`))[0]).toBe(idOf(GUANGZHOU));
  });

  test('responses are readable by every origin and never cached, including errors', async () => {
    for (const path of [
      `/play/${video}`,
      `/play/${video}.m3u8`,
      `/go/${video}`,
      `/steer/${video}`,
      '/status',
      `/play/${newVideoId()}`,
      '/play/rubbish',
      `/play/${video}?client=rubbish`,
    ]) {
      const { headers } = await get(path, { headers: { origin: 'https://elsewhere.example' } });
      expect([path, headers.get('access-control-allow-origin')]).toEqual([path, '*']);
      expect([path, headers.get('cache-control')]).toEqual([path, 'no-store']);
      expect([path, headers.get('access-control-expose-headers')]).toEqual([
        path,
        expect.stringContaining('Retry-After'),
      ]);
    }
    const preflight = await get(`/explain/${video}`, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, OPTIONS');
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/^\*, Authorization,/);
  });

  test.each([
    ['/play/rubbish', 404, 'video-unknown'],
    ['/play/..%2f..%2fetc%2fpasswd', 404, 'format-unknown'],
    [`/play/${newVideoId()}`, 404, 'video-unknown'],
    [`/play/${newVideoId()}.m3u8`, 404, 'video-unknown'],
    [`/go/${newVideoId()}`, 404, 'video-unknown'],
    [`/play/${video}.exe`, 404, 'format-unknown'],
    [`/play/${video}?client=rubbish`, 400, 'client-invalid'],
    [`/play/${video}?client=`, 400, 'client-invalid'],
    [`/play/${video}?client=10.1.2.3,10.1.2.4`, 400, 'client-invalid'],
    [`/play/${video}?client=10.1.2.3&client=10.1.2.4`, 400, 'request-invalid'],
    [`/play/${video}?client=${'1'.repeat(100)}`, 400, 'request-invalid'],
    [`/play/${video}?fill=../x`, 400, 'request-invalid'],
    [`/explain/${video}`, 401, 'sign-in-needed'],
  ])('%s → %i %s', async (path, status, code) => {
    const response = await get(path);
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
  });

  test('a wrong token is refused by the calls for operators', async () => {
    const headers = { authorization: 'Bearer wrong', 'content-type': 'application/json' };
    const plan = { method: 'POST', headers, body: '{}' };
    for (const response of [
      await fetch(`${tracker.url}/explain/${video}`, { headers }),
      await fetch(`${tracker.url}/dry-run`, plan),
    ]) {
      expect([response.status, await codeOf(response)]).toEqual([401, 'credential-invalid']);
    }
  });

  test('a withdrawn video is gone for every call', async () => {
    central.publish({ kind: 'withdrawn', site: idOf(GUANGZHOU), video, version: 2 });
    await eventually(2_000, async () => expect((await get(`/play/${video}`)).status).toBe(410));
    for (const path of [`/play/${video}`, `/play/${video}.m3u8`, `/go/${video}`, `/steer/${video}`]) {
      const response = await get(path);
      expect([path, response.status, await codeOf(response)]).toEqual([path, 410, 'video-withdrawn']);
    }
  });

  test('a site cannot take over or withdraw the video of another site', async () => {
    const site = idOf(BEIJING);
    const later = newVideoId();
    central.publish(
      videoChange({ site, version: 9, revision: newRevisionId(), name: 'Mine now' }),
      { kind: 'withdrawn', site, video, version: 99 },
      videoChange({ video: later }),
    );
    await eventually(2_000, async () => expect((await get(`/play/${later}`)).status).toBe(200));
    expect(await play()).toMatchObject({ revision, name: 'A lecture 讲座' });
  });

  test('?client= is trusted only if configured; X-Forwarded-For only from trusted proxies', async () => {
    const first = async (query: string, headers = {}) =>
      idsOf(playResponseSchema.parse(await (await get(`/play/${video}${query}`, { headers })).json()))[0];
    const forwarded = { 'x-forwarded-for': '10.1.2.3, 10.3.0.1' };
    expect(await first('', forwarded)).toBe(idOf(GUANGZHOU));
    const trusting = await mkdtemp(join(tmpdir(), 'tributary-tracker-'));
    closers.push(() => rm(trusting, { recursive: true }));
    tracker = await start({
      dataDirectory: trusting,
      trustClientParameter: false,
      trustedProxies: ['127.0.0.0/8'],
    });
    await eventually(5_000, async () => expect((await play()).sources).toHaveLength(3));
    expect(await first('?client=10.1.2.3')).toBe(idOf(GUANGZHOU));
    expect((await play('?client=10.1.2.3')).hls).not.toContain('client');
    expect((await play('?client=10.1.2.3')).steering).not.toContain('client');
    // Only the last hop counts, because a client can send anything before it.
    expect(await first('', forwarded)).toBe(idOf(BEIJING));
    expect(await first('', { 'x-forwarded-for': 'rubbish' })).toBe(idOf(GUANGZHOU));
  });
});

describe('sites that fail', () => {
  const offered = async (query = '?client=10.1.2.3') => idsOf(await play(query));

  test('a killed site is excluded within 3 s, and comes back', async () => {
    await sites[HANGZHOU]!.stop();
    await eventually(3_000, async () => expect(await offered()).toEqual([idOf(GUANGZHOU), idOf(BEIJING)]));
    await sites[HANGZHOU]!.restart();
    await eventually(3_000, async () => expect((await offered())[0]).toBe(idOf(HANGZHOU)));
  });

  test('a site that accepts connections and never responds is excluded, too', async () => {
    sites[HANGZHOU]!.state.isHanging = true;
    await eventually(3_000, async () => expect(await offered()).toEqual([idOf(GUANGZHOU), idOf(BEIJING)]));
    sites[HANGZHOU]!.state.isHanging = false;
    await eventually(3_000, async () => expect((await offered())[0]).toBe(idOf(HANGZHOU)));
  });

  test('if the holder is down, the others are offered with a reason that says so', async () => {
    await sites[GUANGZHOU]!.stop();
    const response = await eventually(3_000, async () => {
      const now = await play('?client=10.1.2.3');
      expect(idsOf(now)).toEqual([idOf(HANGZHOU), idOf(BEIJING)]);
      return now;
    });
    expect(response.sources[0]?.reasons.find(({ code }) => code === 'fills-from-holder')?.text).toMatch(
      /down/,
    );
  });

  test('if all sites are down: 503 with Retry-After, while steering still lists all of them', async () => {
    const { steering } = await play();
    await Promise.all(sites.map(site => site.stop()));
    await eventually(3_500, async () => expect((await get(`/play/${video}`)).status).toBe(503));
    for (const path of [`/play/${video}`, `/play/${video}.m3u8`, `/go/${video}`]) {
      const response = await get(path);
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
      expect(await codeOf(response)).toBe('no-source');
    }
    const manifest = steeringManifestSchema.parse(await (await fetch(steering)).json());
    expect([...manifest['PATHWAY-PRIORITY']].sort()).toEqual(sites.map(({ id }) => id).sort());
  });

  test('reports changes to central in signed requests', async () => {
    const lastOf = (site: SiteId) =>
      central.siteStates.flatMap(report => report.sites).findLast(each => each.site === site)?.up;
    await eventually(3_000, () => expect(lastOf(idOf(BEIJING))).toBe(true));
    await sites[BEIJING]!.stop();
    await eventually(4_000, () => expect(lastOf(idOf(BEIJING))).toBe(false));
  });
});

describe('steering', () => {
  const attributesOf = (line: string): Record<string, string> =>
    Object.fromEntries(
      [...line.slice(line.indexOf(':') + 1).matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g)].map(
        ([, name = '', value = '']) => [name, value.replaceAll('"', '')],
      ),
    );
  async function readPlaylist(query: string) {
    const response = await get(`/play/${video}.m3u8${query}`);
    expect(response.headers.get('content-type')).toContain('application/vnd.apple.mpegurl');
    const lines = (await response.text()).split('\n');
    const steering = lines.find(line => line.startsWith('#EXT-X-CONTENT-STEERING:'));
    const variants = lines.flatMap((line, index) =>
      line.startsWith('#EXT-X-STREAM-INF:') ? [{ ...attributesOf(line), uri: lines[index + 1] ?? '' }] : [],
    ) as { 'PATHWAY-ID'?: string; uri: string }[];
    return { steering: steering ? attributesOf(steering) : undefined, variants };
  }
  const readManifest = async (url: string) => {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    return steeringManifestSchema.parse(await response.json());
  };

  test('the playlist has explicit pathways and the first manifest inline, which leads to the next', async () => {
    const { steering, variants } = await readPlaylist('?client=10.1.2.3');
    const order = [idOf(HANGZHOU), idOf(GUANGZHOU), idOf(BEIJING)];
    expect(variants.map(variant => variant['PATHWAY-ID'])).toEqual(order);
    expect(variants.map(({ uri }) => uri)).toEqual(
      [HANGZHOU, GUANGZHOU, BEIJING].map(
        index => `${sites[index]!.baseUrl}/v/${video}/${revision}/source-video/media.m3u8`,
      ),
    );
    expect(steering?.['PATHWAY-ID']).toBe(idOf(HANGZHOU));
    const first = await readManifest(steering?.['SERVER-URI'] ?? '');
    expect(first).toMatchObject({ VERSION: 1, 'PATHWAY-PRIORITY': order });
    expect(first.TTL).toBeGreaterThanOrEqual(15);
    expect(first['RELOAD-URI']).toContain(`${tracker.url}/steer/${video}?session=`);

    const asPlayersAsk = `${first['RELOAD-URI']}&_HLS_pathway=${order[0]}&_HLS_throughput=5000000`;
    const second = await readManifest(asPlayersAsk);
    expect(second).toMatchObject({ TTL: 4, 'PATHWAY-PRIORITY': order, 'RELOAD-URI': first['RELOAD-URI'] });

    await sites[HANGZHOU]!.stop();
    await eventually(3_000, async () =>
      expect(await readManifest(asPlayersAsk)).toMatchObject({
        TTL: 2,
        'PATHWAY-PRIORITY': [idOf(GUANGZHOU), idOf(BEIJING), idOf(HANGZHOU)],
      }),
    );
  });

  test('a site that a player avoids is offered as a clone, which every tracker continues', async () => {
    const { steering, sources } = await play('?client=10.1.2.3');
    const [home, away] = sources.map(({ site }) => site);
    const ask = (uri: string, pathway: string) => readManifest(`${uri}&_HLS_pathway=${pathway}`);
    // The player left its site before its first request, and does not return although that site is ranked first.
    let manifest = await ask(steering, away ?? '');
    expect(manifest['PATHWAY-CLONES']).toBeUndefined();
    await eventually(15_000, async () => {
      manifest = await ask(manifest['RELOAD-URI'], away ?? '');
      expect(manifest['PATHWAY-CLONES']).toBeDefined();
    });
    const clone = { 'BASE-ID': home, ID: `${home}_1`, 'URI-REPLACEMENT': { HOST: '127.0.0.2' } };
    expect(manifest['PATHWAY-CLONES']).toEqual([clone]);
    expect(manifest['PATHWAY-PRIORITY'].slice(0, 3)).toEqual([`${home}_1`, home, away]);
    const followed = await ask(
      manifest['RELOAD-URI'].replace(/session=[^&]*/, 'session=of-another-tracker'),
      `${home}_1`,
    );
    expect(followed['PATHWAY-PRIORITY'].slice(0, 2)).toEqual([`${home}_1`, home]);
    expect(followed['PATHWAY-CLONES']).toEqual([clone]);
  });

  test('a revoked site stays listed, last', async () => {
    const { steering } = await play('?client=10.1.2.3');
    central.publish({ ...siteChange(HANGZHOU), active: false });
    await eventually(2_000, async () =>
      expect((await readManifest(steering))['PATHWAY-PRIORITY']).toEqual([
        idOf(GUANGZHOU),
        idOf(BEIJING),
        idOf(HANGZHOU),
      ]),
    );
    expect(idsOf(await play())).not.toContain(idOf(HANGZHOU));
  });

  test('with one site there is no steering', async () => {
    await Promise.all([sites[HANGZHOU]!.stop(), sites[BEIJING]!.stop()]);
    await eventually(3_500, async () => expect((await play()).sources).toHaveLength(1));
    const { steering, variants } = await readPlaylist('');
    expect(steering).toBeUndefined();
    expect(variants).toHaveLength(1);
    expect(variants[0]).not.toHaveProperty('PATHWAY-ID');
  });

  test('no query costs a player its steering', async () => {
    const own = `pathways=${idOf(BEIJING)}.${idOf(HANGZHOU)}`;
    for (const query of [
      '',
      '?client=rubbish',
      `?client=${'9'.repeat(3_000)}`,
      '?client=10.1.2.3&client=10.2.0.1',
      `?_HLS_pathway=${'x'.repeat(5_000)}&_HLS_throughput=NaN`,
      '?_HLS_pathway=a&_HLS_pathway=b&_HLS_throughput=-1',
      '?_DASH_pathway=%22a,b%22&_DASH_throughput=%221,2%22',
      '?session=%00%22%0a&pathways=..%2f,%22,__proto__',
      `?pathways=${'a'.repeat(9_000)}`,
      '?__proto__=1&constructor=2',
    ]) {
      const manifest = await readManifest(`${tracker.url}/steer/${video}${query}`);
      expect([query, [...manifest['PATHWAY-PRIORITY']].sort()]).toEqual([
        query,
        sites.map(({ id }) => id).sort(),
      ]);
    }
    // An unknown video does not cost it either.
    const unknown = await readManifest(`${tracker.url}/steer/${newVideoId()}?${own}&client=10.1.2.3`);
    expect(unknown['PATHWAY-PRIORITY']).toEqual([idOf(HANGZHOU), idOf(BEIJING)]);
  });

  test('the number of pathways in the URL is limited', async () => {
    const many = Array.from({ length: 33 }, () => newSiteId()).join('.');
    const manifest = await readManifest(`${tracker.url}/steer/${video}?pathways=${many}`);
    expect(manifest['PATHWAY-PRIORITY'].length).toBeLessThanOrEqual(32);
  });
});

describe('players, recognised by their headers', () => {
  const MEDIA3 = { 'user-agent': 'Player/1.0 (Linux;Android 16) AndroidXMedia3/1.11.0' };
  const AVPLAYER = { 'user-agent': 'AppleCoreMedia/1.0.0.23A341 (iPhone; U; CPU OS 26_0 like Mac OS X)' };
  const element = (mode: 'cors' | 'no-cors') => ({
    'user-agent': 'Mozilla/5.0 Chrome/156.0.0.0',
    'sec-fetch-dest': 'video',
    'sec-fetch-mode': mode,
    range: 'bytes=0-',
  });

  /** Sends only these headers; `fetch` would add those of a script in a page. */
  const request = (url: string, headers: OutgoingHttpHeaders) =>
    new Promise<{ type: string | undefined; location: string | undefined; text: string }>((done, fail) => {
      requestHttp(url, { headers }, response => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        const { 'content-type': type, location } = response.headers;
        response.on('end', () => done({ type, location, text }));
      })
        .on('error', fail)
        .end();
    });
  const playlistFor = async (headers: OutgoingHttpHeaders, query = '?client=10.1.2.3') =>
    (await request(`${tracker.url}/play/${video}.m3u8${query}`, headers)).text;
  const pathwaysOf = (playlist: string): readonly string[] => [
    ...new Set(
      [...playlist.matchAll(/^#EXT-X-STREAM-INF:.*PATHWAY-ID="([^"]+)"/gm)].map(([, id = '']) => id),
    ),
  ];
  const serverUriOf = (playlist: string): string => /SERVER-URI="([^"]+)"/.exec(playlist)?.[1] ?? '';

  /**
   * `uri.buildUpon().appendQueryParameter(…)` of Android, which media3 applies to every steering URI: an opaque URI, whose scheme is
   * not followed by a slash, loses everything but its scheme.
   */
  function appendQuery(uri: string, parameters: Readonly<Record<string, string>>): string {
    const [, scheme, rest = ''] = /^([a-z]+):(.*)$/s.exec(uri) ?? [];
    const [path = '', query] = rest.startsWith('/') ? rest.split('?') : [''];
    const added = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return `${scheme}:${path}?${[...(query === undefined ? [] : [query]), ...added].join('&')}`;
  }
  const steerAs = async (headers: OutgoingHttpHeaders, uri: string, pathway: string) => {
    const url = appendQuery(uri, { _HLS_pathway: pathway, _HLS_throughput: '5000000' });
    const { type, text } = await request(url, headers);
    expect(type).toBe('application/vnd.apple.steering-list');
    return steeringManifestSchema.parse(JSON.parse(text));
  };

  test.each([
    ['media3', MEDIA3],
    ['AVPlayer', AVPLAYER],
    ['a player that is not known', {}],
  ])(
    '%s gets a steering URI that survives a query, and only the pathways of its playlist',
    async (_, headers) => {
      const playlist = await playlistFor(headers);
      const listed = pathwaysOf(playlist);
      expect(listed).toEqual([idOf(HANGZHOU), idOf(GUANGZHOU), idOf(BEIJING)]);
      let uri = serverUriOf(playlist);
      // The player stays elsewhere, as after a failed request: a script would be offered a clone by now.
      for (let n = 0; n < 5; n++) {
        const manifest = await steerAs(headers, uri, idOf(BEIJING));
        expect([...manifest['PATHWAY-PRIORITY']].sort()).toEqual([...listed].sort());
        expect(manifest['PATHWAY-CLONES']).toBeUndefined();
        uri = manifest['RELOAD-URI'];
      }
      await sites[HANGZHOU]!.stop();
      await eventually(3_000, async () =>
        expect((await steerAs(headers, uri, idOf(HANGZHOU)))['PATHWAY-PRIORITY']).toEqual([
          idOf(GUANGZHOU),
          idOf(BEIJING),
          idOf(HANGZHOU),
        ]),
      );
      // A URI with the name of a clone leads to the same pathways.
      const cloned = uri.replace(idOf(GUANGZHOU), `${idOf(GUANGZHOU)}_3`);
      const manifest = await steerAs(headers, cloned, idOf(GUANGZHOU));
      expect([...manifest['PATHWAY-PRIORITY']].sort()).toEqual([...listed].sort());
    },
  );

  test('a script in a page gets the first manifest inline', async () => {
    const script = { 'user-agent': 'Mozilla/5.0', origin: 'https://page.example' };
    expect(serverUriOf(await playlistFor(script))).toMatch(/^data:application\/vnd\.apple\.steering-list;/);
  });

  test('the built-in player of a browser gets one codec and no pathways', async () => {
    const [rendition] = videoChange().renditions;
    const mixed = [
      { ...rendition, id: 'source-video', codec: 'vp09.00.31.08' },
      { ...rendition, id: 'h264-720' },
    ];
    central.publish(videoChange({ version: 2, renditions: mixed }));
    await eventually(5_000, async () => expect(await playlistFor({})).toContain('h264-720'));
    const media = (playlist: string) => playlist.match(/^[^#\n].*media\.m3u8.*$/gm);

    const direct = [`${sites[HANGZHOU]!.baseUrl}/v/${video}/${revision}/h264-720/media.m3u8`];
    const relayed = [`${tracker.url}/relay/${video}/${revision}/h264-720/media.m3u8?client=10.1.2.3`];
    const relay = async (mode: 'cors' | 'no-cors') =>
      (await request(`${tracker.url}/relay/${video}.m3u8?client=10.1.2.3`, element(mode))).text;
    for (const [mode, expected] of [
      ['no-cors', direct],
      ['cors', relayed],
    ] as const) {
      const playlist = await playlistFor(element(mode));
      expect(playlist).not.toMatch(/STEERING|PATHWAY/);
      expect([mode, media(playlist)]).toEqual([mode, expected]);
      const fromRelay = media(await relay(mode))?.map(uri => new URL(uri, `${tracker.url}/relay/`).href);
      expect([mode, fromRelay]).toEqual([mode, expected]);
      // The playlist of a site has both codecs.
      const { location } = await request(`${tracker.url}/go/${video}?client=10.1.2.3`, element(mode));
      expect(location).toBe(`${tracker.url}/relay/${video}.m3u8?client=10.1.2.3`);
    }
    const { location } = await request(`${tracker.url}/go/${video}?client=10.1.2.3`, {});
    expect(location).toBe(`${sites[HANGZHOU]!.baseUrl}/v/${video}/${revision}/multivariant.m3u8`);
  });
});

test('download redirects to a holder, if the author allows it and the site has the file', async () => {
  const download = async (query = '') => {
    const response = await get(`/download/${video}?client=10.1.2.3${query}`);
    if (response.status === 302) return response.headers.get('location');
    return [response.status, await codeOf(response)];
  };
  expect(await download()).toEqual([403, 'download-not-allowed']);
  central.publish(videoChange({ version: 2, downloads: 'renditions' }));
  const name = encodeURIComponent(videoChange().name);
  const prefix = `${sites[GUANGZHOU]!.baseUrl}/v/${video}/${revision}`;
  // The viewer is in Hangzhou, but only the site in Guangzhou has the files.
  const expected = `${prefix}/source-video/download.mp4?name=${name}`;
  await eventually(5_000, async () => expect(await download()).toBe(expected));
  expect(await download('&rendition=source-video')).toBe(expected);
  expect(await download('&rendition=other')).toEqual([404, 'file-unknown']);
  expect(await download('&rendition=source')).toEqual([403, 'download-not-allowed']);
  central.publish(videoChange({ version: 3, downloads: 'source' }), {
    kind: 'copy',
    site: sites[HANGZHOU]!.id,
    video,
    version: 1,
    revision,
  });
  // Copies do not have the uploaded file.
  await eventually(5_000, async () =>
    expect(await download()).toBe(`${prefix}/source/download?name=${name}`),
  );
  central.publish(videoChange({ version: 4, downloads: 'renditions' }));
  await eventually(5_000, async () => expect(await download()).toContain(sites[HANGZHOU]!.baseUrl));
  central.publish({ kind: 'withdrawn', site: idOf(GUANGZHOU), video, version: 5 });
  await eventually(5_000, async () => expect(await download()).toEqual([410, 'video-withdrawn']));
  expect([(await get(`/download/${newVideoId()}`)).status]).toEqual([404]);
});

test('go redirects a client to the same site while that site is up', async () => {
  const go = async () => {
    const response = await get(`/go/${video}?client=203.0.113.9`);
    expect(response.status).toBe(302);
    return response.headers.get('location');
  };
  const at = (index: number) => `${sites[index]!.baseUrl}/v/${video}/${revision}/multivariant.m3u8`;
  expect(await go()).toBe(at(GUANGZHOU));
  await sites[GUANGZHOU]!.stop();
  const second = await eventually(3_000, async () => {
    const location = await go();
    expect(location).not.toBe(at(GUANGZHOU));
    return location;
  });
  await sites[GUANGZHOU]!.restart();
  await eventually(3_000, async () =>
    expect(idsOf(await play('?client=203.0.113.9'))[0]).toBe(idOf(GUANGZHOU)),
  );
  expect(await go()).toBe(second);
});

test('go and relay send a client elsewhere when its site is drained', async () => {
  const hostOf = async (path: string) =>
    new URL((await get(`${path}?client=10.1.2.3`)).headers.get('location') ?? '').hostname;
  const paths = [`/go/${video}`, `/relay/${video}/${revision}/source-video/0.m4s`];
  for (const path of paths) expect([path, await hostOf(path)]).toEqual([path, '127.0.0.2']);
  central.publish({ ...siteChange(HANGZHOU), drained: true });
  for (const path of paths)
    await eventually(3_000, async () => expect([path, await hostOf(path)]).toEqual([path, '127.0.0.3']));
});

test('explain gives operators the whole ranking, including excluded sites', async () => {
  await sites[BEIJING]!.stop();
  await eventually(3_000, async () => expect((await play()).sources).toHaveLength(2));
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await get(`/explain/${video}?client=10.3.0.1`, { headers });
  const explanation = explanationSchema.parse(await response.json());
  expect(explanation.policy).toBe('auto');
  expect(explanation.viewer).toEqual({
    prefix: '10.3.0.0/24',
    widerNetwork: '10.3.0.0/16',
    zoneSite: idOf(BEIJING),
    zonePrefix: '10.3.0.0/16',
    ...places[BEIJING]!.coordinates,
  });
  expect(explanation.ranking.map(({ site, offered }) => [site, offered])).toEqual([
    [idOf(HANGZHOU), true],
    [idOf(GUANGZHOU), true],
    [idOf(BEIJING), false],
  ]);
  expect(explanation.ranking[2]?.reasons[0]?.code).toBe('site-down');
  expect((await get(`/explain/${video}`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
});

test('status and metrics', async () => {
  const status = trackerStatusSchema.parse(await (await get('/status')).json());
  expect(status).toMatchObject({ videos: 1, position: 4, connected: true });
  expect(status.sites.map(({ up }) => up)).toEqual([true, true, true]);
  await get(`/play/${newVideoId()}`);
  const metrics = await (await get('/metrics')).text();
  expect(metrics).toMatch(/tributary_play_responses_total\{kind="json",outcome="ok"\} \d/);
  expect(metrics).toMatch(/tributary_play_responses_total\{kind="json",outcome="video-unknown"\} [1-9]/);
  expect(metrics).toMatch(/tributary_tracker_sites_up 3/);
});

describe('without central', () => {
  test('a restarted tracker serves from its snapshot, and later reads the changes that it missed', async () => {
    await tracker.stop();
    await central.stop();
    tracker = await start({ joinToken: undefined });
    // The time from a kill to the first response is measured by `bench choose` and by
    // test/e2e/publication/crashes.test.ts.
    await eventually(10_000, async () => expect((await play()).sources.length).toBeGreaterThan(0));
    expect((await get('/readyz')).status).toBe(200);
    const status = trackerStatusSchema.parse(await (await get('/status')).json());
    expect(status).toMatchObject({ connected: false, position: 4 });

    const { keys } = central;
    central = await startCentralLike(centralPort, 4);
    for (const [id, key] of keys) central.keys.set(id, key);
    const later = newVideoId();
    central.publish(videoChange({ video: later }));
    await eventually(3_500, async () => expect((await get(`/play/${later}`)).status).toBe(200));
    expect(central.asked[0]).toBe(4);
    expect(central.joins()).toBe(0);
  });

  test('the next page is requested only after a page was applied', () => {
    expect(central.asked.slice(0, 3)).toEqual([0, 2, 4]);
  });

  test('after central was replaced, everything is read again while known videos are served', async () => {
    const { keys } = central;
    await central.stop();
    central = await startCentralLike(centralPort);
    for (const [id, key] of keys) central.keys.set(id, key);
    const other = newVideoId();
    central.publish(siteChange(0), siteChange(1), videoChange({ video: other }));
    const seen: number[] = [];
    await eventually(4_000, async () => {
      seen.push((await get(`/play/${video}`)).status);
      expect((await get(`/play/${other}`)).status).toBe(200);
    });
    expect(seen.slice(0, -1).every(status => status === 200)).toBe(true);
    expect((await get(`/play/${video}`)).status).toBe(404);
    expect(central.asked).toContain(0);
  });

  test('a tracker that has not joined starts, says so, responds with 503 and joins as soon as it can', async () => {
    await central.stop();
    const fresh = await mkdtemp(join(tmpdir(), 'tributary-tracker-'));
    closers.push(() => rm(fresh, { recursive: true }));
    tracker = await start({ dataDirectory: fresh });
    const ready = await get('/readyz');
    expect(ready.status).toBe(503);
    expect(((await ready.json()) as { detail: string }).detail).toMatch(/not joined/);
    const response = await get(`/play/${video}`);
    expect([response.status, await codeOf(response)]).toEqual([503, 'no-source']);
    expect((await get('/healthz')).status).toBe(200);

    central = await startCentralLike(centralPort);
    central.publish(siteChange(0), siteChange(1), videoChange());
    await eventually(4_000, async () => expect((await play()).sources).toHaveLength(2));
    expect((await get('/readyz')).status).toBe(200);
    expect(central.joins()).toBe(1);
  });

  test('a central that accepts connections and never responds delays nothing', async () => {
    await central.stop();
    const held = new Set<Socket>();
    const mute = createTcpServer(socket => held.add(socket));
    await new Promise<void>(resolve => mute.listen(centralPort, '127.0.0.1', resolve));
    await eventually(3_000, async () => expect((await play()).sources).toHaveLength(3));
    const startedMs = performance.now();
    await tracker.stop();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    mute.close();
    for (const socket of held) socket.destroy();
  });
});

describe('the tracker’s own manifests and playlists', () => {
  const timeline: RevisionTimeline = {
    durationMs: 10_000,
    renditions: {
      'source-video': {
        timescale: 1_000,
        runs: [
          [4_000, 2],
          [2_000, 1],
        ],
      },
    },
  };
  const text = async (path: string): Promise<string> => {
    const response = await get(path);
    expect([path, response.status]).toEqual([path, 200]);
    return response.text();
  };
  const relayed = `/relay/${video}/${revision}/source-video`;

  test('the DASH manifest lists every site as a service location by rank, and a steering server with the session', async () => {
    sites[GUANGZHOU]!.state.timeline = timeline;
    const response = await get(`/play/${video}.mpd?client=10.3.0.1`);
    expect(response.headers.get('content-type')).toBe('application/dash+xml');
    const mpd = await response.text();
    const locations = [...mpd.matchAll(/<BaseURL serviceLocation="([^"]+)">([^<]+)</g)].map(([, id, url]) => [
      id,
      url,
    ]);
    expect(locations.map(([id]) => id)).toEqual(idsOf(await play('?client=10.3.0.1')));
    expect(locations[0]).toEqual([idOf(BEIJING), `${sites[BEIJING]!.baseUrl}/v/${video}/${revision}/`]);
    const steering =
      /<ContentSteering defaultServiceLocation="([^"]+)" queryBeforeStart="false">([^<]+)</.exec(mpd);
    expect(steering?.[1]).toBe(idOf(BEIJING));
    const manifest = await fetch(
      `${steering?.[2]?.replaceAll('&amp;', '&')}&_DASH_pathway="${idOf(BEIJING)}"`,
    );
    expect(steeringManifestSchema.parse(await manifest.json())['PATHWAY-PRIORITY']).toHaveLength(3);
    expect(mpd).toContain('<S t="0" d="4000" r="1"/>');
  });

  test('the timeline is fetched once from the publishing site and remains usable without it', async () => {
    sites[GUANGZHOU]!.state.timeline = timeline;
    const [first, second] = await Promise.all([text(`/play/${video}.mpd`), text(`${relayed}/media.m3u8`)]);
    expect(sites[GUANGZHOU]!.state.asked).toEqual([`/v/${video}/${revision}/timeline.json`]);
    await sites[GUANGZHOU]!.stop();
    await eventually(5_000, async () => expect((await play()).sources).toHaveLength(2));
    expect(await text(`${relayed}/media.m3u8`)).toBe(second);
    expect(first).toContain(idOf(GUANGZHOU));
    expect(await text(`/play/${video}.mpd`)).not.toContain(idOf(GUANGZHOU));
  });

  test('if the publishing site is unavailable, another one is asked', async () => {
    sites[HANGZHOU]!.state.timeline = timeline;
    sites[BEIJING]!.state.timeline = timeline;
    await sites[GUANGZHOU]!.stop();
    expect(await text(`/play/${video}.mpd`)).toContain('<MPD');
  });

  test('the relay serves playlists whose segments are redirects', async () => {
    sites[GUANGZHOU]!.state.timeline = timeline;
    const whole = await text(`/relay/${video}.m3u8?client=10.1.2.3`);
    expect(whole).toContain(`${video}/${revision}/source-video/media.m3u8?client=10.1.2.3`);
    const media = await text(`${relayed}/media.m3u8?client=10.1.2.3`);
    expect(media.match(/^#EXTINF:[^\n]*/gm)).toEqual([
      '#EXTINF:4.000000,',
      '#EXTINF:4.000000,',
      '#EXTINF:2.000000,',
    ]);
    expect(media).toContain('#EXT-X-MAP:URI="init.mp4?client=10.1.2.3"');
    expect(media).toContain('\n2.m4s?client=10.1.2.3\n#EXT-X-ENDLIST');
    const target = async (file: string) => {
      const response = await get(`${relayed}/${file}?client=10.1.2.3`);
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([302, '*']);
      return response.headers.get('location');
    };
    const at = (index: number, file: string) =>
      `${sites[index]!.baseUrl}/v/${video}/${revision}/source-video/${file}`;
    expect(await target('init.mp4')).toBe(at(HANGZHOU, 'init.mp4'));
    expect(await target('0.m4s')).toBe(at(HANGZHOU, '0.m4s'));
    await sites[HANGZHOU]!.stop();
    await eventually(5_000, async () => expect(await target('1.m4s')).toBe(at(GUANGZHOU, '1.m4s')));
    await sites[HANGZHOU]!.restart();
    await eventually(5_000, async () => expect((await play()).sources).toHaveLength(3));
    // The client stays at its site for a while.
    expect(await target('2.m4s')).toBe(at(GUANGZHOU, '2.m4s'));
  });

  test('the playlists of a growing video come from the tracker and end when it is complete', async () => {
    const [early, whole] = [newRevisionId(), newRevisionId()];
    const segments = (count: number): RevisionTimeline => ({
      durationMs: count * 4_000,
      renditions: { 'source-video': { timescale: 1_000, runs: [[4_000, count]] } },
    });
    const media = async () => {
      const [uri] = /^http.*$/m.exec(await text(`/play/${video}.m3u8?client=10.1.2.3`)) ?? [];
      return [uri?.replace(tracker.url, ''), await (await fetch(uri ?? '')).text()] as const;
    };
    sites[GUANGZHOU]!.state.timeline = segments(2);
    central.publish(videoChange({ version: 2, revision: early, isGrowing: true }));
    const list = `/relay/${video}/growing/source-video/media.m3u8?client=10.1.2.3`;
    const growing = await eventually(5_000, async () => {
      const [path, playlist] = await media();
      expect(path).toBe(list);
      return playlist;
    });
    expect(growing).toContain('#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-START:TIME-OFFSET=0.000000,PRECISE=YES\n');
    expect(growing).toMatch(/\n1\.m4s\?client=10\.1\.2\.3\n$/);
    // A revision that is named in the URL never changes.
    expect(await text(`/relay/${video}/${early}/source-video/media.m3u8`)).toContain('#EXT-X-ENDLIST');
    const target = async (segment: string) =>
      (await get(`/relay/${video}/growing/source-video/${segment}`)).headers.get('location');
    expect(await target('1.m4s')).toContain(`/v/${video}/${early}/source-video/1.m4s`);

    sites[GUANGZHOU]!.state.timeline = segments(3);
    central.publish(videoChange({ version: 3, revision: whole }));
    const ended = await eventually(5_000, async () => {
      const playlist = await text(list);
      expect(playlist).toContain('#EXT-X-ENDLIST');
      return playlist;
    });
    // The earlier entries are still listed, and more follow.
    const uris = (playlist: string) => playlist.match(/^\d.*$/gm);
    expect(uris(ended)?.slice(0, 2)).toEqual(uris(growing));
    expect(uris(ended)).toHaveLength(3);
    expect(await target('2.m4s')).toContain(`/v/${video}/${whole}/source-video/2.m4s`);
    expect(await text(`/play/${video}.m3u8`)).not.toContain('growing');
  });

  test.each<[string, () => string, number, string]>([
    ['no such rendition', () => `/relay/${video}/${revision}/other/media.m3u8`, 404, 'file-unknown'],
    [
      'a property of every object',
      () => `/relay/${video}/${revision}/constructor/media.m3u8`,
      404,
      'file-unknown',
    ],
    ['no such file', () => `${relayed}/x.mp4`, 404, 'file-unknown'],
    ['a path out of the revision', () => `${relayed}/..%2f..%2fsecret`, 404, 'file-unknown'],
    ['a number with a leading zero', () => `${relayed}/01.m4s`, 404, 'file-unknown'],
    ['no such revision', () => `/relay/${video}/none/source-video/media.m3u8`, 404, 'file-unknown'],
    ['no such video', () => `/relay/${newVideoId()}.m3u8`, 404, 'video-unknown'],
  ])('%s', async (_, path, status, code) => {
    sites[GUANGZHOU]!.state.timeline = timeline;
    const response = await get(path());
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
  });

  test('a revision that no site has is requested only once in a while', async () => {
    const path = `/relay/${video}/${newRevisionId()}/source-video/media.m3u8`;
    for (let n = 0; n < 3; n++) {
      const response = await get(path);
      expect([response.status, await codeOf(response)]).toEqual([404, 'revision-unknown']);
    }
    expect(sites.flatMap(({ state }) => state.asked)).toHaveLength(3);
  });

  test.each([
    [
      'more segments than a playlist may have',
      {
        'source-video': {
          timescale: 1,
          runs: [
            [1, 60_000],
            [2, 60_000],
          ],
        },
      },
    ],
    ['no timeline at all', { 'source-video': { timescale: 0, runs: [] } }],
  ])('%s: rejected', async (_, renditions) => {
    for (const { state } of sites)
      state.timeline = { durationMs: 1, renditions } as unknown as RevisionTimeline;
    const response = await get(`${relayed}/media.m3u8`);
    expect([response.status, await codeOf(response)]).toEqual([503, 'no-source']);
  });
});

describe('addresses', () => {
  test('IPv6: listens and probes, writes addresses in brackets, and finds zones behind a trusted proxy', async () => {
    const port = await findFreePort();
    const site = await startSiteLike('::1', port);
    closers.push(() => site.stop());
    const { id } = site;
    central.publish({
      kind: 'site',
      site: id,
      name: 'Six',
      baseUrl: `http://[::1]:${port}`,
      zone: ['2001:db8:6::/48'],
      active: true,
    });
    const own = await mkdtemp(join(tmpdir(), 'tributary-tracker-six-'));
    closers.push(() => rm(own, { recursive: true }));
    const listen = await findFreePort();
    tracker = await start({
      dataDirectory: own,
      listen: `[::1]:${listen}`,
      baseUrl: `http://[::1]:${listen}`,
      trustedProxies: ['::1/128'],
      trustClientParameter: false,
    });
    expect(tracker.url).toBe(`http://[::1]:${listen}`);
    const from = (address: string, proto = 'http') =>
      get(`/play/${video}`, { headers: { 'x-forwarded-for': address, 'x-forwarded-proto': proto } });
    const response = await eventually(5_000, async () => {
      const found = playResponseSchema.parse(await (await from('2001:db8:6::7')).json());
      expect(found.sources[0]?.site).toBe(id);
      return found;
    });
    expect(response.sources[0]).toMatchObject({ address: `[::1]:${port}`, baseUrl: `http://[::1]:${port}` });
    expect(response.hls).toMatch(`http://[::1]:${listen}/play/`);
    const other = playResponseSchema.parse(await (await from('2001:db8:1::7', 'https')).json());
    expect(other.sources[0]?.site).toBe(idOf(HANGZHOU));
    expect(
      [other.hls, other.dash, other.steering].every(url => url?.startsWith(`https://[::1]:${listen}/`)),
    ).toBe(true);
  });

  test('forwarded headers from other addresses are ignored', async () => {
    const response = playResponseSchema.parse(
      await (
        await get(`/play/${video}`, {
          headers: { 'x-forwarded-for': '10.3.0.1', 'x-forwarded-proto': 'https' },
        })
      ).json(),
    );
    expect(response.hls).toMatch(/^http:/);
    expect(response.sources[0]?.site).toBe(idOf(GUANGZHOU));
  });

  test('pages of other origins may send requests with the headers of players', async () => {
    const asked = await get(`/steer/${video}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://page.example', 'access-control-request-method': 'GET' },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-headers')).toContain('CMCD-Request');
    for (const path of [
      `/play/${video}`,
      `/play/${video}?session=x`,
      `/go/${video}`,
      `/relay/${video}.m3u8`,
      '/play/none',
    ]) {
      expect([path, (await get(path)).headers.get('access-control-allow-origin')]).toEqual([path, '*']);
    }
  });

  test('the fast path and the framework give the same response', async () => {
    const responses = await Promise.all(
      [`?client=10.1.2.3`, `?client=10.1.2.3&none=`].map(async query => {
        const response = await get(`/play/${video}${query}`);
        const {
          session: _,
          hls: __,
          dash: ___,
          steering: ____,
          ...rest
        } = playResponseSchema.parse(await response.json());
        const headers = Object.fromEntries(response.headers);
        return {
          rest: JSON.parse(
            JSON.stringify(rest)
              .replace(/, [\d.]+ Mbit\/s more expected from viewers just assigned/g, '')
              .replace(/,"assignedBps":\d+/g, ''),
          ),
          headers: { ...headers, date: '', 'content-length': '' },
        };
      }),
    );
    expect(responses[0]).toEqual(responses[1]);
  });

  /** The response on a connection whose first request this is, or that node:http already handles. */
  async function exchange(request: string, isNodes: boolean): Promise<string> {
    const { hostname, port } = new URL(tracker.url);
    const socket = connect(Number(port), hostname);
    const waiting = [request, 'GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n'];
    if (isNodes) socket.write('HEAD /healthz HTTP/1.1\r\nHost: t\r\n\r\n');
    else socket.write(waiting.shift() ?? '');
    let text = '';
    for await (const piece of socket) {
      if (isNodes && waiting.length === 2) text = '';
      else text += piece;
      const next = waiting.shift();
      if (next !== undefined && socket.writable) socket.write(next);
    }
    return (
      text
        .replace(/^(date|content-length|keep-alive): .*\r\n/gim, '')
        .replace(/(session"?[=:]"?)[\w-]{30}/g, '$1')
        // It contains the session.
        .replace(/;base64,[\w+/=]+/g, '')
        .replace(/, [\d.]+ Mbit\/s more expected from viewers just assigned/g, '')
        .replace(/,"assignedBps":\d+/g, '')
        .replace(/^connection: keep-alive\r\n/gim, '')
    );
  }

  /** The response, which must be the same with and without node:http. */
  async function exchangeBoth(path: string, fields: string): Promise<string> {
    const [got] = await Promise.all(
      ['GET', 'HEAD'].map(async method => {
        const request = `${method} ${path} HTTP/1.1\r\nHost: t\r\n${fields}\r\n`;
        const [first, second] = [await exchange(request, false), await exchange(request, true)];
        expect(first).toBe(second);
        return first;
      }),
    );
    return got ?? '';
  }
  const steering = `/steer/${video}?pathways={0}.{1}`;

  test.each([
    ['plain', '', '', 200],
    ['with a condition', '', 'If-None-Match: "x"\r\n', 200],
    ['for a part', '', 'Range: bytes=0-9\r\n', 200],
    ['from another origin', '', 'Origin: https://page.example\r\n', 200],
    ['from behind a proxy', '', 'X-Forwarded-For: 10.3.0.1\r\nX-Forwarded-Proto: https\r\n', 200],
    ['with a claimed address', '?client=10.1.2.3', '', 200],
    ['with an encoded address', '?client=2001%3Adb8%3A1%3A%3A5', '', 200],
    ['with an invalid address', '?client=10.1.2', '', 400],
    ['with two addresses', '?client=10.1.2.3&client=10.1.2.4', '', 400],
    ['with an unknown parameter', '?none=', '', 200],
    ['with an empty query', '?', '', 200],
    ['for an unknown format', '.exe', '', 404],
    ['with a trailing slash', '/', '', 404],
  ])(
    'a request %s gets the same response with and without node:http',
    async (_what, more, fields, status) => {
      expect(await exchangeBoth(`/play/${video}${more}`, fields)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    },
  );

  test.each([
    ['a steered playlist', `/play/${video}.m3u8`, 200],
    ['a steered playlist for a claimed address', `/play/${video}.m3u8?client=10.1.2.3`, 200],
    ['a playlist of an unknown video', `/play/${newVideoId()}.m3u8`, 404],
    ['a steering manifest', `${steering}&client=10.1.2.3`, 200],
    ['a steering manifest with a throughput', `${steering}&_HLS_pathway={1}&_HLS_throughput=4000000`, 200],
    ['a steering manifest for DASH', `${steering}&_DASH_pathway=%22{1}%22&_DASH_throughput=4000000`, 200],
    ['a steering manifest with an invalid address', `${steering}&client=10.1.2`, 200],
    ['a steering manifest without pathways', `/steer/${video}`, 200],
    ['a steering manifest with two sessions', `/steer/${video}?session=a&session=b`, 200],
    ['a steering manifest of an invalid video id', '/steer/x', 404],
    ['a steering playlist, which does not exist', `/steer/${video}.m3u8`, 404],
  ])('%s is the same with and without node:http', async (_what, path, status) => {
    const named = path.replace(/{(\d)}/g, (_found, site) => idOf(Number(site)));
    expect(await exchangeBoth(named, '')).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});
describe('reports of players', () => {
  const operator = { authorization: `Bearer ${TOKEN}` };
  const explain = async (client: string) =>
    explanationSchema.parse(
      await (await get(`/explain/${video}?client=${client}`, { headers: operator })).json(),
    );
  const steer = async (uri: string, pathway: string, bps: number) =>
    steeringManifestSchema.parse(
      await (await fetch(`${uri}&_HLS_pathway=${pathway}&_HLS_throughput=${bps}`)).json(),
    );
  const beacon = (session: string, client: string, body: object) =>
    fetch(
      `${tracker.url}/beacon/${session}?client=${client}&video=${video}&pathways=${sites.map(({ id }) => id).join('.')}`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    );

  const priorityAfter = async ({
    session,
    client,
    ...body
  }: {
    readonly session: string;
    readonly client: string;
    readonly current: string;
    readonly results: readonly object[];
  }): Promise<readonly string[]> =>
    beaconResponseSchema.parse(await (await beacon(session, client, body)).json()).priority;

  test('a slow site loses only the viewers that it serves slowly', async () => {
    const { steering } = await play('?client=10.1.2.3');
    // The first value is a player's default estimate, which is ignored.
    await steer(steering, idOf(HANGZHOU), 500_000);
    for (let n = 0; n < 3; n++) await steer(steering, idOf(HANGZHOU), 9_000_000);
    let manifest = await steer(steering, idOf(HANGZHOU), 9_000_000);
    expect(manifest['PATHWAY-PRIORITY'][0]).toBe(idOf(HANGZHOU));
    expect(manifest.TTL).toBe(4);
    for (let n = 0; n < 5; n++) manifest = await steer(steering, idOf(HANGZHOU), 300_000);
    expect(manifest['PATHWAY-PRIORITY'][0]).not.toBe(idOf(HANGZHOU));
    expect(new Set(manifest['PATHWAY-PRIORITY'].map(name => name.split('_')[0])).size).toBe(3);
    const here = await explain('10.1.2.3');
    const hangzhou = here.ranking.find(({ site }) => site === idOf(HANGZHOU));
    expect(hangzhou?.inputs.measured?.bps).toBeLessThan(1_000_000);
    expect(hangzhou?.changes[0]?.code).toBe('rises');
    expect(hangzhou?.changes[0]?.text).toMatch(/rises above/);
    expect((await explain('10.1.200.3')).ranking[0]?.site).toBe(idOf(HANGZHOU));
  });

  test('a segment of the previous site, still reported after a switch, neither sends the player back nor blames the new site', async () => {
    const client = '10.1.2.3';
    const { steering, session } = await play(`?client=${client}`);
    const firstFor = async (pathway: string) =>
      (await steer(steering, pathway, 9_000_000))['PATHWAY-PRIORITY'][0];
    const slow = { site: idOf(HANGZHOU), kind: 'segment', bps: 300_000 };
    const firstAfter = async (results: readonly object[]) =>
      (await priorityAfter({ session, client, current: idOf(HANGZHOU), results }))[0] ?? '';
    expect(await firstFor(idOf(HANGZHOU))).toBe(idOf(HANGZHOU));
    const better = await firstAfter([slow, { site: idOf(BEIJING), kind: 'segment', bps: 30_000_000 }]);
    expect(better).not.toBe(idOf(HANGZHOU));
    expect(await firstFor(better)).toBe(better);
    expect(await firstAfter([slow])).toBe(better);
    expect(await firstFor(better)).toBe(better);
    expect((await explain(client)).ranking[0]?.site).toBe(better);
  });

  test('a player that left its site stays where it is, even before its next steering request says so', async () => {
    const client = '10.1.2.3';
    const { steering, session } = await play(`?client=${client}`);
    await steer(steering, idOf(HANGZHOU), 9_000_000);
    const report = { session, client, results: [] };
    expect((await priorityAfter({ ...report, current: idOf(HANGZHOU) }))[0]).toBe(idOf(HANGZHOU));
    for (const left of [BEIJING, GUANGZHOU]) {
      expect((await priorityAfter({ ...report, current: idOf(left) }))[0]).toBe(idOf(left));
      expect((await steer(steering, idOf(left), 9_000_000))['PATHWAY-PRIORITY'][0]).toBe(idOf(left));
    }
  });

  test('a rate near zero counts as a failure, which is soon forgotten', async () => {
    const { steering } = await play('?client=10.1.2.3');
    for (let n = 0; n < 2; n++) await steer(steering, idOf(HANGZHOU), 9_000_000);
    const manifest = await steer(steering, idOf(HANGZHOU), 1);
    expect(manifest['PATHWAY-PRIORITY'].at(-1)).toBe(idOf(HANGZHOU));
    const { ranking } = await explain('10.1.2.3');
    const measured = ranking.find(({ site }) => site === idOf(HANGZHOU))?.inputs.measured;
    expect(measured?.bps).toBeGreaterThan(5_000_000);
  });

  test('DASH players report their throughput by pathway', async () => {
    const { steering } = await play('?client=10.1.2.3');
    const say = (bps: number) =>
      fetch(
        `${steering}&_DASH_pathway=${encodeURIComponent(`"${idOf(BEIJING)},${idOf(HANGZHOU)}"`)}&_DASH_throughput="8000000,${bps}"`,
      );
    for (let n = 0; n < 3; n++) expect((await say(4_000_000)).status).toBe(200);
    const { ranking } = await explain('10.1.2.3');
    const bpsOf = (index: number) =>
      ranking.find(({ site }) => site === idOf(index))?.inputs.measured?.bps ?? 0;
    expect(bpsOf(BEIJING) / 8e6).toBeCloseTo(1, 1);
    expect(bpsOf(HANGZHOU) / 4e6).toBeCloseTo(1, 1);
  });

  test('reports with an unknown session, or one of another network, are ignored', async () => {
    const { session } = await play('?client=10.1.2.3');
    const results = [{ site: idOf(HANGZHOU), kind: 'segment', bps: 1_000 }];
    for (const [id, client] of [
      ['x'.repeat(27), '10.1.2.3'],
      [session, '10.1.77.3'],
      [`${session.slice(0, -2)}AA`, '10.1.2.3'],
    ] as const) {
      for (let n = 0; n < 5; n++) expect((await beacon(id, client, { results })).status).toBe(200);
      const { ranking } = await explain(client);
      expect(ranking.every(({ inputs }) => inputs.measured === undefined)).toBe(true);
    }
  });

  test('one address cannot influence its neighbours, regardless of how often it reports', async () => {
    for (const host of [11, 12, 13]) {
      const client = `10.1.2.${host}`;
      const { session } = await play(`?client=${client}`);
      const results = sites.map(({ id }) => ({ site: id, kind: 'segment', bps: 8_000_000 }));
      await beacon(session, client, { results });
    }
    const client = '10.1.2.66';
    for (let n = 0; n < 30; n++) {
      const { session } = await play(`?client=${client}`);
      const results = [
        { site: idOf(HANGZHOU), kind: 'segment', bps: 1_000 },
        { site: idOf(HANGZHOU), kind: 'segment', failed: true },
        { site: idOf(BEIJING), kind: 'segment', bps: 900_000_000 },
      ];
      await beacon(session, client, { results });
    }
    const { ranking } = await explain('10.1.2.12');
    expect(ranking[0]?.site).toBe(idOf(HANGZHOU));
    // The same holds in a network without other reporters.
    for (let n = 0; n < 10; n++) {
      const { session } = await play('?client=10.1.5.66');
      const results = [
        { site: idOf(HANGZHOU), kind: 'segment', bps: 1_000 },
        { site: idOf(BEIJING), kind: 'segment', bps: 1_000_000 },
      ];
      await beacon(session, '10.1.5.66', { results });
    }
    expect((await explain('10.1.5.7')).ranking[0]?.site).toBe(idOf(HANGZHOU));
    expect((await play('?client=10.1.9.9')).sources[0]?.site).toBe(idOf(HANGZHOU));
  });

  test('a site that a browser blocks is the last resort of that session, and is not to blame', async () => {
    const client = '10.1.2.3';
    const { session } = await play(`?client=${client}`);
    const priorityAfter = async (results: readonly object[]): Promise<readonly string[]> =>
      beaconResponseSchema.parse(await (await beacon(session, client, { results })).json()).priority;
    expect((await priorityAfter([]))[0]).toBe(idOf(HANGZHOU));
    const blocked = { site: idOf(HANGZHOU), kind: 'segment', failed: true, blocked: true };
    expect((await priorityAfter([blocked, blocked, blocked])).at(-1)).toBe(idOf(HANGZHOU));
    const hangzhou = (await explain(client)).ranking.find(({ site }) => site === idOf(HANGZHOU));
    expect(hangzhou?.inputs).toMatchObject({ failureShare: 0 });
    expect(hangzhou?.inputs.measured).toBeUndefined();
    expect((await play('?client=10.1.2.4')).sources[0]?.site).toBe(idOf(HANGZHOU));
    // The person allows it.
    const delivered = { site: idOf(HANGZHOU), kind: 'segment', bps: 50_000_000 };
    expect((await priorityAfter([delivered]))[0]).toBe(idOf(HANGZHOU));
  });

  test('the response to a beacon requests samples, and samples affect the ranking', async () => {
    const client = '10.1.2.3';
    const { session } = await play(`?client=${client}`);
    const response = beaconResponseSchema.parse(
      await (await beacon(session, client, { results: [] })).json(),
    );
    expect(response.measure.map(({ site }) => site).sort()).toEqual(sites.map(({ id }) => id).sort());
    expect(response.measure[0]?.url).toMatch(/\/sample\?bytes=\d+$/);
    const results = [
      { site: idOf(HANGZHOU), kind: 'sample', rttMs: 300, bps: 1_000_000 },
      { site: idOf(BEIJING), kind: 'sample', rttMs: 5, bps: 50_000_000 },
      { site: idOf(GUANGZHOU), kind: 'sample', failed: true },
    ];
    const next = beaconResponseSchema.parse(await (await beacon(session, client, { results })).json());
    expect(next.measure).toEqual([]);
    const { ranking } = await explain(client);
    expect(ranking.map(({ site }) => site)).toEqual([idOf(BEIJING), idOf(HANGZHOU), idOf(GUANGZHOU)]);
  });

  test('accepts CMCD events (version 2)', async () => {
    const client = '10.1.2.3';
    const { session } = await play(`?client=${client}`);
    const event = (index: number, rc: number, ttlb: number) =>
      `br=(4000),d=4000,e=rr,ot=v,rc=${rc},sid="a,b",ts=1764000000000,ttfb=20,ttlb=${ttlb},` +
      `url="${sites[index]!.baseUrl}/v/x/y/video/3.m4s",v=2`;
    const body = [event(HANGZHOU, 200, 16_000), event(BEIJING, 200, 1_000), 'rubbish=="', ''].join('\n');
    const post = (text: string) =>
      fetch(`${tracker.url}/cmcd/${session}?client=${client}`, {
        method: 'POST',
        headers: { 'content-type': 'application/cmcd' },
        body: text,
      });
    expect((await post(body)).status).toBe(204);
    let { ranking } = await explain(client);
    const order = ranking.map(({ site }) => site);
    expect(order.indexOf(idOf(BEIJING))).toBeLessThan(order.indexOf(idOf(HANGZHOU)));
    expect(ranking.find(({ site }) => site === idOf(BEIJING))?.inputs.measured?.bps).toBeCloseTo(16e6, -6);
    await post(event(BEIJING, 502, 10));
    ({ ranking } = await explain(client));
    expect(ranking.at(-1)?.site).toBe(idOf(BEIJING));
    const tooMuch = await post(`${event(BEIJING, 200, 10)}\n`.repeat(1_000));
    expect(tooMuch.status).toBe(413);
    expect(tooMuch.headers.get('content-type')).toContain('application/problem+json');
  });

  test('accepts signed reports of sites on assigned viewers and on partly buffered videos', async () => {
    const key = await readOrMakeKey(join(directory, 'site.key'));
    central.publish({ ...siteChange(HANGZHOU), publicKey: key.publicKey });
    const client = '10.1.2.3';
    const { session } = await play(`?client=${client}`);
    await beacon(session, client, { results: [{ site: idOf(BEIJING), kind: 'segment', bps: 8_000_000 }] });
    const report = (viewers: readonly object[], signer = key) =>
      call(`${tracker.url}/reports`, {
        method: 'POST',
        body: { viewers, videos: [video] },
        signer: { key: signer, keyId: idOf(HANGZHOU) },
        timeoutMs: 2_000,
        maxBytes: 10_000,
        response: z.unknown(),
      });
    const measuredAt = async (of: string) =>
      (await explain(of)).ranking.find(({ site }) => site === idOf(HANGZHOU))?.inputs.measured?.bps;
    await eventually(2_000, () => report([{ client, bps: 2_000_000 }]));
    expect((await measuredAt(client))! / 2e6).toBeCloseTo(1, 1);
    // A site cannot report more than the viewer ever reported, nor report on clients that were not assigned here.
    await report([{ client, bps: 900_000_000 }]);
    expect(await measuredAt(client)).toBeLessThan(8_500_000);
    await report([{ client: '10.1.99.3', bps: 900_000_000 }]);
    expect(await measuredAt('10.1.99.3')).toBeUndefined();
    const { ranking } = await explain(client);
    expect(ranking.find(({ site }) => site === idOf(HANGZHOU))?.inputs.holding).toBe('partial');
    const otherKey = await readOrMakeKey(join(directory, 'other.key'));
    await expect(report([], otherKey)).rejects.toMatchObject({ status: 401 });
  });

  test('a dry run reports which share of the viewers a planned change would move, and changes nothing', async () => {
    for (let host = 1; host <= 4; host++) await play(`?client=10.1.${host}.9`);
    await play('?client=10.3.1.9');
    const plan = async (body: object) =>
      dryRunSchema.parse(
        await (
          await fetch(`${tracker.url}/dry-run?video=${video}`, {
            method: 'POST',
            headers: { ...operator, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          })
        ).json(),
      );
    const drained = await plan({ sites: [{ site: idOf(HANGZHOU), drained: true }] });
    expect(drained.networks).toBeGreaterThanOrEqual(5);
    const of = (result: typeof drained, index: number) =>
      result.sites.find(({ site }) => site === idOf(index));
    expect(of(drained, HANGZHOU)?.before).toBeGreaterThan(0.5);
    expect(of(drained, HANGZHOU)?.after).toBe(0);
    expect(drained.movedShare).toBeCloseTo(of(drained, HANGZHOU)!.before, 3);
    expect(drained.moves[0]?.from).toBe(idOf(HANGZHOU));
    const zoned = await plan({ zones: [{ site: idOf(BEIJING), prefix: '10.1.3.0/24' }] });
    expect(zoned.moves).toEqual([
      { from: idOf(HANGZHOU), to: idOf(BEIJING), share: expect.closeTo(0.17, 1) },
    ]);
    expect((await plan({})).movedShare).toBe(0);
    expect((await play('?client=10.1.3.9')).sources[0]?.site).toBe(idOf(HANGZHOU));
    const refused = await fetch(`${tracker.url}/dry-run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(refused.status).toBe(401);
  });

  test('a drained site gets no new viewers and loses its current ones', async () => {
    const { steering } = await play('?client=10.1.2.3');
    central.publish({ ...siteChange(HANGZHOU), drained: true });
    await eventually(2_000, async () => {
      expect(idsOf(await play('?client=10.1.2.3')).at(-1)).toBe(idOf(HANGZHOU));
      const manifest = await steer(steering, idOf(HANGZHOU), 9_000_000);
      expect(manifest['PATHWAY-PRIORITY'].at(-1)).toBe(idOf(HANGZHOU));
    });
  });
});

test('a site that serves other bytes than before is excluded', async () => {
  await play();
  const first = async () => idsOf(await play('?client=203.0.113.9'))[0];
  expect(await first()).toBe(idOf(GUANGZHOU));
  await new Promise(resolve => setTimeout(resolve, 1_300));
  sites[GUANGZHOU]!.state.initSegment = Buffer.from('\0\0\0\x18ftypiso6\0\0\0\0iso6XXXX');
  await eventually(3_000, async () => expect(await first()).not.toBe(idOf(GUANGZHOU)));
  const status = trackerStatusSchema.parse(await (await get('/status')).json());
  expect(status.sites.find(({ site }) => site === idOf(GUANGZHOU))?.lastError).toMatch(/not the video/);
});

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../protocol/base/ids.ts';
import type { RegisteredSite, RegisteredVideo } from '../registry/registry.ts';
import { ProbeFiles } from './probe-files.ts';
import { type Probes, startProbes } from './probes.ts';
import type { Health } from './site-health.ts';

const closers: (() => void)[] = [];
// Everything is closed at the very end, because some tests run concurrently.
afterAll(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const site = newSiteId();
const respond =
  (change: (probe: Record<string, unknown>) => unknown, status = 200): RequestListener =>
  (request, response) => {
    const nonce = new URL(request.url ?? '', 'http://x').searchParams.get('nonce');
    const body = change({ site, nonce, activeResponses: 3, egressBps: 5 });
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  };

function probing(baseUrl: string, files = new ProbeFiles()): Probes {
  const probes = startProbes(100, files, silentLog);
  closers.push(() => void probes.stop());
  probes.watch([{ kind: 'site', position: 1, site, name: 'S', baseUrl, zone: [], active: true }]);
  return probes;
}

async function until(probes: Probes, isSo: (health: Health) => boolean, withinMs = 15_000): Promise<Health> {
  const endMs = performance.now() + withinMs;
  while (!isSo(probes.of(site))) {
    if (performance.now() > endMs) throw new Error(`still ${JSON.stringify(probes.of(site))}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  return probes.of(site);
}

test('a site is down until it responds, then up with address, round trip and load', async () => {
  const baseUrl = await listen(createServer(respond(probe => probe)));
  const probes = probing(baseUrl);
  expect(probes.of(site).up).toBe(false);
  const health = await until(probes, ({ up }) => up);
  expect(health).toMatchObject({
    address: baseUrl.slice('http://'.length),
    activeResponses: 3,
    egressBps: 5,
  });
  expect(health.probeMs).toBeGreaterThan(0);
});

test('a site that cannot serve the newest file is probed with the last one it served', async () => {
  const served = new Set<string>();
  const init = Buffer.concat([Buffer.from('0000'), Buffer.from('ftyp'), Buffer.alloc(16)]);
  const asked: string[] = [];
  const baseUrl = await listen(
    createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://x');
      if (pathname === '/probe') return respond(probe => probe)(request, response);
      const [video = ''] = pathname.split('/').slice(2);
      asked.push(video);
      response.writeHead(served.has(video) ? 200 : 503).end(init);
    }),
  );
  const files = new ProbeFiles();
  const publish = () => {
    const video = newVideoId();
    const rendition = { id: 'source-video' } as RegisteredVideo['renditions'][number];
    files.add(site, { video, revision: newRevisionId(), renditions: [rendition] });
    return video;
  };
  const first = publish();
  served.add(first);
  const probes = probing(baseUrl, files);
  await until(probes, ({ up }) => up);
  const second = publish();
  await expect.poll(() => asked.filter(video => video === second).length).toBeGreaterThan(4);
  expect(probes.of(site).up).toBe(true);
  served.clear();
  await until(probes, ({ up }) => !up);
});

/** A site that holds one file and refuses requests for it with this problem, unless they are fills. */
async function refusing(code: string, servesFills: boolean, bytes = 'ftyp') {
  const init = Buffer.concat([Buffer.from('0000'), Buffer.from(bytes), Buffer.alloc(16)]);
  const fills: boolean[] = [];
  const baseUrl = await listen(
    createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://x');
      if (pathname === '/probe')
        return respond(probe => ({ ...probe, servesViewers: false }))(request, response);
      const isFill = request.headers['tributary-fill'] !== undefined;
      fills.push(isFill);
      if (isFill && servesFills) return void response.end(init);
      response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
      response.end(JSON.stringify({ code }));
    }),
  );
  const files = new ProbeFiles();
  const rendition = { id: 'source-video' } as RegisteredVideo['renditions'][number];
  files.add(site, { video: newVideoId(), revision: newRevisionId(), renditions: [rendition] });
  return { probes: probing(baseUrl, files), fills };
}

test('a site that serves no viewers is up if it serves other sites, and says that it serves no viewers', async () => {
  const { probes, fills } = await refusing('uploads-only', true);
  const health = await until(probes, ({ up }) => up);
  expect(health.servesViewers).toBe(false);
  expect(fills.slice(0, 2)).toEqual([false, true]);
});

test.each([
  ['serves other sites nothing', 'uploads-only', false, 'ftyp'],
  ['serves other sites something else', 'uploads-only', true, 'html'],
  ['refuses for a reason other than its limits', 'not-ready', true, 'ftyp'],
] as const)('a site that %s is down', async (_, code, servesFills, bytes) => {
  const { probes } = await refusing(code, servesFills, bytes);
  await until(probes, ({ lastError }) => lastError !== undefined);
  await new Promise(resolve => setTimeout(resolve, 500));
  expect(probes.of(site).up).toBe(false);
});

test.each(['link-full', 'budget-used', 'busy'])(
  'a site that refuses by its own limits (%s) is up',
  async code => {
    const { probes, fills } = await refusing(code, false);
    await until(probes, ({ up }) => up);
    await expect.poll(() => fills.length).toBeGreaterThan(4);
    expect(probes.of(site)).toMatchObject({ up: true, degraded: false });
  },
);

test('a response without a site id is accepted', async () => {
  const baseUrl = await listen(createServer(respond(({ site: _, ...probe }) => probe)));
  await until(probing(baseUrl), ({ up }) => up);
});

test.concurrent.each<[string, RequestListener, RegExp]>([
  ['an old nonce', respond(probe => ({ ...probe, nonce: 'old' })), /not for this request/],
  ['another site', respond(probe => ({ ...probe, site: newSiteId() })), /another site/],
  ['an error', respond(probe => probe, 503), /503/],
  ['a redirect', (_, response) => response.writeHead(302, { location: '/healthz' }).end(), /302/],
  ['a page', respond(() => '<html>'), /not a site/],
  ['a wrong type', respond(probe => ({ ...probe, activeResponses: -1 })), /not a site/],
  ['too much', respond(() => 'x'.repeat(100_000)), /too long/],
  ['nothing', () => {}, /700 ms/],
  ['a trickle', (_, response) => void setInterval(() => response.write(' '), 50).unref(), /\w/],
  ['a broken response', (_, response) => void response.write('{', () => response.destroy()), /\w/],
])('a site that responds with %s is down', async (_, listener, reason) => {
  const probes = probing(await listen(createServer(listener)));
  const { lastError } = await until(probes, health => health.lastError !== undefined);
  expect(lastError).toMatch(reason);
  await new Promise(resolve => setTimeout(resolve, 1_200));
  expect(probes.of(site).up).toBe(false);
});

test('one failure is tolerated, two are not', async () => {
  let failuresLeft = 0;
  let failed = 0;
  const good = respond(probe => probe);
  const baseUrl = await listen(
    createServer((request, response) => {
      if (failuresLeft === 0) return good(request, response);
      failuresLeft--;
      failed++;
      request.socket.destroy();
    }),
  );
  const probes = probing(baseUrl);
  const { since } = await until(probes, ({ up }) => up);
  failuresLeft = 1;
  await until(probes, () => failed === 1);
  await new Promise(resolve => setTimeout(resolve, 500));
  expect(probes.of(site)).toMatchObject({ up: true, since, lastError: undefined });
  failuresLeft = 3;
  await until(probes, ({ up }) => !up);
  await until(probes, ({ up }) => up);
});

test('an idle connection that the site closes is not a failure', async () => {
  const server = createServer(respond(probe => probe));
  server.keepAliveTimeout = 1;
  const probes = probing(await listen(server));
  const { since } = await until(probes, ({ up }) => up);
  for (let n = 0; n < 20; n++) {
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(probes.of(site)).toMatchObject({ up: true, since, lastError: undefined });
  }
});

test('a site that accepts connections and never responds goes down, and comes back', async () => {
  const held = new Set<Socket>();
  const mute = createTcpServer(socket => held.add(socket));
  const baseUrl = await listen(mute);
  const probes = probing(baseUrl);
  await until(probes, ({ lastError }) => lastError !== undefined);
  mute.close();
  for (const socket of held) socket.destroy();
  const server = createServer(respond(probe => probe));
  closers.push(() => server.close().closeAllConnections());
  await new Promise<void>(resolve => server.listen(Number(new URL(baseUrl).port), '127.0.0.1', resolve));
  await until(probes, ({ up }) => up);
});

test('the time limit survives garbage collections', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const probes = probing(await listen(createTcpServer(() => {})));
  const collecting = setInterval(collect, 20);
  closers.push(() => clearInterval(collecting));
  await until(probes, ({ lastError }) => lastError !== undefined, 2_000);
});

test('a site that moves is probed only at its new address, a revoked one not at all', async () => {
  const asked = { old: 0, new: 0 };
  const good = respond(probe => probe);
  const count =
    (which: 'old' | 'new'): RequestListener =>
    (request, response) => {
      asked[which]++;
      good(request, response);
    };
  const [from, to] = [await listen(createServer(count('old'))), await listen(createServer(count('new')))];
  const probes = probing(from);
  await until(probes, ({ up }) => up);
  const moved: RegisteredSite = {
    kind: 'site',
    position: 2,
    site,
    name: 'S',
    baseUrl: to,
    zone: [],
    active: true,
  };
  probes.watch([moved]);
  expect(probes.of(site).up).toBe(false);
  await until(probes, ({ address }) => address === to.slice('http://'.length));
  const before = asked.old;
  probes.watch([{ ...moved, active: false }]);
  const last = asked.new;
  await new Promise(resolve => setTimeout(resolve, 400));
  expect(asked.old).toBe(before);
  expect(asked.new).toBeLessThanOrEqual(last + 1);
  expect(probes.of(site).up).toBe(false);
});

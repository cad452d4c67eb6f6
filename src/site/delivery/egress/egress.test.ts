/** The uplink's budget, measured by clients on real connections. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { it as base, describe, expect } from 'vitest';
import { createHttp } from '../../../kernel/http/server.ts';
import { silentLog } from '../../../kernel/log.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../../protocol/base/ids.ts';
import { serveProbe } from '../../http/probe.ts';
import { createStreamBuffer, type StreamBuffer } from '../buffer.ts';
import { DayBudget } from './day-budget.ts';
import { type DayWindow, isWithin, parseDayWindow } from './day-windows.ts';
import { createEgress, type Egress } from './egress.ts';

const BASE = `/v/${newVideoId()}/${newRevisionId()}/source-video`;
const SEGMENT = randomBytes(500_000);
/** For a busy machine. */
const PATIENT = { timeout: 20_000, interval: 100 };
/** More than the kernel keeps for a client that does not read. */
const LARGE_SEGMENT = randomBytes(40_000_000);
/** How long the rate is measured. The promise is for 60 s: `EGRESS_SECONDS=60`. */
const SECONDS = Number(process.env.EGRESS_SECONDS ?? 8);
const isFullLength = SECONDS >= 60;
/** The rate is never higher. It is lower only if the machine is too busy, which a short run does not even out. */
const [LEAST, MOST] = isFullLength ? [0.98, 1.02] : [0.9, 1.03];

/** Where one test works, and what it closes at its end. The tests that measure for seconds run together. */
interface Scope {
  readonly directory: string;
  readonly closers: (() => Promise<unknown> | unknown)[];
}
const it = base.extend<{ scope: Scope }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads from this pattern which fixtures the fixture needs
  scope: async ({}, use) => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-egress-'));
    const closers: Scope['closers'] = [() => rm(directory, { recursive: true, force: true })];
    await use({ directory, closers });
    for (const close of closers.reverse()) await close();
  },
});

async function listen({ closers }: Scope, server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  closers.push(
    () =>
      new Promise(done => {
        server.close(done);
        server.closeAllConnections();
      }),
  );
  return (server.address() as AddressInfo).port;
}

interface Site {
  readonly port: number;
  readonly buffer: StreamBuffer;
  readonly egress: Egress;
}
async function startSite(
  scope: Scope,
  egress: Egress,
  servesViewer?: () => boolean,
  segment0 = SEGMENT,
): Promise<Site> {
  const origin = createServer(({ url = '' }, response) => {
    const body = url.includes('/0.m4s') ? segment0 : SEGMENT;
    response.writeHead(200, { 'content-length': body.length, etag: '"1"' }).end(body);
  });
  const buffer = await createStreamBuffer({
    siteId: () => newSiteId(),
    directory: join(scope.directory, 'cache'),
    memoryBytes: 2 ** 26,
    diskBytes: 2 ** 26,
    origin: { url: `http://127.0.0.1:${await listen(scope, origin)}` },
    trackerUrl: () => undefined,
    egress,
    ...(servesViewer ? { servesViewer } : {}),
    log: silentLog,
  });
  scope.closers.push(() => buffer.stop());
  return { port: await listen(scope, createServer(buffer.handle)), buffer, egress };
}

/** A client that requests a segment again and again on one connection, and counts every byte that it receives. */
interface Client {
  readonly socket: Socket;
  bytes: number;
  whole: number;
  rejected: number;
}
function startClient({ closers }: Scope, port: number, number: number, headers = ''): Client {
  const socket = connect(port, '127.0.0.1');
  const client: Client = { socket, bytes: 0, whole: 0, rejected: 0 };
  const ask = (): void =>
    void socket.write(`GET ${BASE}/${number}.m4s HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  let left = 0;
  let head = '';
  const take = (piece: Buffer): void => {
    if (left > 0) {
      const rest = piece.subarray(Math.min(left, piece.length));
      left -= piece.length - rest.length;
      if (left === 0) ask();
      if (rest.length > 0) take(rest);
      return;
    }
    head += piece.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const body = Buffer.from(head.slice(end + 4), 'latin1');
    left = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const isWhole = head.startsWith('HTTP/1.1 200');
    head = '';
    if (isWhole) client.whole++;
    else client.rejected++;
    if (!isWhole) {
      // It retries, as a player does.
      left = 0;
      setTimeout(ask, 200);
    } else if (body.length > 0) take(body);
  };
  socket.on('data', piece => {
    client.bytes += piece.length;
    take(piece);
  });
  socket.on('error', () => {});
  socket.on('connect', ask);
  closers.push(() => socket.destroy());
  return client;
}

async function measureBps(clients: readonly Client[], seconds: number): Promise<number> {
  const count = () => clients.reduce((sum, { bytes }) => sum + bytes, 0);
  const [before, startedMs] = [count(), performance.now()];
  await sleep(seconds * 1_000);
  return ((count() - before) * 8_000) / (performance.now() - startedMs);
}

interface ClientResponse {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | undefined;
  readonly bytes: number;
}
const ask = (port: number, number: number, headers: Record<string, string> = {}): Promise<ClientResponse> =>
  new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: `${BASE}/${number}.m4s`, headers, agent: false }, response => {
      const pieces: Buffer[] = [];
      response.on('data', piece => pieces.push(piece));
      response.on('end', () => {
        const body = Buffer.concat(pieces);
        const code = response.statusCode === 503 ? JSON.parse(body.toString()).code : undefined;
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode ?? 0, code, retryAfter, bytes: body.length });
      });
    })
      .on('error', reject)
      .end();
  });

describe.concurrent('a budget', () => {
  it(
    `of 20 Mbit/s is kept over ${SECONDS} s, whatever the demand`,
    async ({ scope }) => {
      const site = await startSite(scope, createEgress({ linkBps: 20e6 }, undefined));
      const clients = Array.from({ length: 60 }, (_, number) => startClient(scope, site.port, number % 10));
      await sleep(1_500);
      const before = site.egress.bytes.viewers;
      const bps = await measureBps(clients, SECONDS);
      expect(bps / 20e6).toBeGreaterThan(LEAST);
      expect(bps / 20e6).toBeLessThan(MOST);
      // The trackers receive the rate that the clients measured.
      const reported = ((site.egress.bytes.viewers - before) * 8) / SECONDS;
      expect(Math.abs(reported / bps - 1)).toBeLessThan(0.05);
      // Requests beyond the capacity of the link are rejected at once and not queued, so accepted ones get their segment in time.
      const rejected = clients.reduce((sum, client) => sum + client.rejected, 0);
      expect(rejected).toBeGreaterThan(0);
    },
    (SECONDS + 60) * 1_000,
  );

  it('of each class is kept next to the other, and both together never exceed the link', async ({
    scope,
  }) => {
    const site = await startSite(
      scope,
      createEgress({ linkBps: 40e6, viewersBps: 16e6, fillsBps: 8e6 }, undefined),
    );
    const viewers = Array.from({ length: 8 }, (_, number) => startClient(scope, site.port, number));
    const fills = Array.from({ length: 8 }, (_, number) =>
      startClient(scope, site.port, number, 'Tributary-Fill: x\r\n'),
    );
    await sleep(1_500);
    const [viewersBps, fillsBps] = await Promise.all([measureBps(viewers, 4), measureBps(fills, 4)]);
    for (const share of [viewersBps / 16e6, fillsBps / 8e6]) {
      expect(share).toBeGreaterThan(0.85);
      expect(share).toBeLessThan(1.05);
    }
  });

  it('is shared equally among connections, and a slow one costs the others nothing', async ({ scope }) => {
    const site = await startSite(scope, createEgress({ linkBps: 16e6 }, undefined));
    const stuck = connect(site.port, '127.0.0.1', () => {
      stuck.write(`GET ${BASE}/0.m4s HTTP/1.1\r\nHost: x\r\n\r\n`);
      stuck.pause();
    });
    scope.closers.push(() => stuck.destroy());
    const clients = Array.from({ length: 4 }, (_, number) => startClient(scope, site.port, number));
    await sleep(1_000);
    const before = clients.map(({ bytes }) => bytes);
    const bps = await measureBps(clients, 4);
    expect(bps / 16e6).toBeGreaterThan(0.85);
    const shares = clients.map(({ bytes }, index) => bytes - (before[index] ?? 0));
    expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.4);
  });
});

describe.concurrent('a full link', () => {
  it('rejects requests with Retry-After, and accepts them again when it has capacity', async ({ scope }) => {
    const site = await startSite(scope, createEgress({ linkBps: 4e6 }, undefined));
    await ask(site.port, 0);
    // Each takes one second, and at most four seconds are accepted.
    const responses = await Promise.all(Array.from({ length: 12 }, () => ask(site.port, 0)));
    const served = responses.filter(({ status }) => status === 200);
    const rejected = responses.filter(({ code }) => code === 'link-full');
    expect(served.length + rejected.length).toBe(12);
    expect(served.length).toBeGreaterThanOrEqual(3);
    expect(served.length).toBeLessThanOrEqual(5);
    for (const { retryAfter } of rejected) expect(Number(retryAfter)).toBeGreaterThan(0);
    expect((await ask(site.port, 0)).status).toBe(200);
  });

  it('rejects prefetches much earlier', async ({ scope }) => {
    const site = await startSite(scope, createEgress({ linkBps: 4e6 }, undefined));
    const fill = { 'tributary-fill': 'x' };
    await ask(site.port, 0);
    const inProgress = [ask(site.port, 0), ask(site.port, 0)];
    await sleep(100);
    expect((await ask(site.port, 0, { ...fill, priority: 'u=6' })).code).toBe('link-full');
    expect((await ask(site.port, 0, fill)).status).toBe(200);
    await Promise.all(inProgress);
  });
});

describe('clients that do not read', () => {
  const startStuck = (scope: Scope, port: number): Socket => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${BASE}/0.m4s HTTP/1.1\r\nHost: x\r\n\r\n`);
    scope.closers.push(() => socket.destroy());
    return socket.pause();
  };

  it('lock out nobody, because the link carries nothing for them', async ({ scope }) => {
    const site = await startSite(scope, createEgress({ linkBps: 50e6 }, undefined), undefined, LARGE_SEGMENT);
    for (let clients = 1; clients <= 3; clients++) {
      startStuck(scope, site.port);
      await expect.poll(() => site.buffer.stats().activeResponses, PATIENT).toBe(clients);
      // Until the kernel takes no more bytes for this client.
      await expect.poll(async () => (await ask(site.port, 1)).status, PATIENT).toBe(200);
    }
  }, 60_000);

  it('keep nothing of the daily budget', async ({ scope }) => {
    const day = await DayBudget.open({
      path: join(scope.directory, 'uplink.json'),
      limitBytes: 80e6,
      log: silentLog,
    });
    const egress = createEgress({}, day);
    const site = await startSite(scope, egress, undefined, LARGE_SEGMENT);
    scope.closers.push(() => egress.stop());
    const stuck: Socket[] = [];
    for (let clients = 1; clients <= 3; clients++) {
      await expect
        .poll(() => egress.check('viewers', LARGE_SEGMENT.length, true)?.code, PATIENT)
        .toBeUndefined();
      stuck.push(startStuck(scope, site.port));
    }
    // They may not exceed it when they read after all.
    expect(stuck).toHaveLength(3);
    for (const socket of stuck) socket.resume();
    await sleep(1_000);
    expect(egress.bytes.viewers).toBeLessThanOrEqual(80e6);
  }, 90_000);
});

describe('samples', () => {
  it('pass the budget of the link, and are refused when it is full', async ({ scope }) => {
    const egress = createEgress({ linkBps: 4e6 }, undefined);
    const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
    serveProbe(
      app,
      () => undefined,
      () => ({ activeResponses: 0, egressBytes: 0, egressLimitBps: 4e6, servesViewers: true }),
      (socket, bytes) => egress.admit('viewers', socket, bytes),
    );
    scope.closers.push(() => app.close());
    const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/sample?bytes=262144`;
    const firstMs = performance.now();
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await fetch(url);
        await response.arrayBuffer();
        if (response.status === 503) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        return response.status;
      }),
    );
    const served = statuses.filter(status => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(1);
    expect(served).toBeLessThan(20);
    // Never more than what the link carries in the time, one second ahead, and one sample.
    const elapsedS = (performance.now() - firstMs) / 1_000;
    expect((served * 262_144 * 8) / 4e6).toBeLessThan(elapsedS + 1 + (262_144 * 8) / 4e6 + 0.2);
    expect(egress.bytes.viewers).toBeGreaterThanOrEqual(served * 262_144);
    expect(egress.bytes.viewers).toBeLessThan(served * 262_144 + 30_000);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
  });

  it('are refused when the daily budget is used', async ({ scope }) => {
    const day = await DayBudget.open({
      path: join(scope.directory, 'uplink.json'),
      limitBytes: 500_000,
      log: silentLog,
    });
    const egress = createEgress({}, day);
    scope.closers.push(() => egress.stop());
    const socket = connect(await listen(scope, createServer()), '127.0.0.1');
    scope.closers.push(() => socket.destroy());
    const outcomes = Array.from({ length: 3 }, () => egress.admit('viewers', socket, 262_144));
    expect(outcomes.map(outcome => (typeof outcome === 'function' ? 'sent' : outcome.code))).toEqual([
      'sent',
      'budget-used',
      'budget-used',
    ]);
  });
});

describe('the daily budget', () => {
  const pathIn = ({ directory }: Scope) => join(directory, 'uplink.json');

  it('is never exceeded, is reported, and starts again on the next day', async ({ scope }) => {
    let now = new Date(2026, 0, 1, 22, 0, 0);
    const limit = 3_300_000;
    const day = await DayBudget.open({
      path: pathIn(scope),
      limitBytes: limit,
      log: silentLog,
      now: () => now,
    });
    const site = await startSite(scope, createEgress({}, day));
    const responses: ClientResponse[] = [];
    for (let number = 0; number < 9; number++) responses.push(await ask(site.port, number));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 503, 503, 503]);
    expect(responses.at(-1)).toMatchObject({ code: 'budget-used', retryAfter: '3600' });
    expect(site.egress.bytes.viewers).toBeLessThanOrEqual(limit);
    now = new Date(2026, 0, 2, 0, 0, 1);
    expect((await ask(site.port, 0)).status).toBe(200);
  });

  it('survives a restart and, except for a part of a block, a crash', async ({ scope }) => {
    const now = () => new Date(2026, 0, 1, 12, 0, 0);
    const limit = 2 ** 30;
    const first = await DayBudget.open({ path: pathIn(scope), limitBytes: limit, log: silentLog, now });
    first.use(100_000_000);
    await first.stop();
    const second = await DayBudget.open({ path: pathIn(scope), limitBytes: limit, log: silentLog, now });
    expect(second.usedBytes).toBe(100_000_000);
    second.use(50_000_000);
    await expect
      .poll(async () => JSON.parse(await readFile(pathIn(scope), 'utf8')).bytes)
      .toBeGreaterThan(150_000_000);
    // It was killed without a stop, so the bytes that it had claimed count as used.
    const third = await DayBudget.open({ path: pathIn(scope), limitBytes: limit, log: silentLog, now });
    expect(third.usedBytes).toBeGreaterThanOrEqual(150_000_000);
    expect(third.usedBytes).toBeLessThan(150_000_000 + limit / 100);
    await third.stop();
    await second.stop();
  });

  it('starts at zero if its file is damaged', async ({ scope }) => {
    await writeFile(pathIn(scope), '{');
    const day = await DayBudget.open({ path: pathIn(scope), limitBytes: 2 ** 20, log: silentLog });
    expect(day.usedBytes).toBe(0);
    await day.stop();
  });
});

describe('a site that only accepts uploads', () => {
  it('serves other sites and trusted viewers, and rejects other viewers', async ({ scope }) => {
    let isTrusted = false;
    const site = await startSite(scope, createEgress({}, undefined), () => isTrusted);
    expect(await ask(site.port, 0)).toMatchObject({ status: 503, code: 'uploads-only' });
    expect((await ask(site.port, 0, { 'tributary-fill': 'x' })).status).toBe(200);
    isTrusted = true;
    expect((await ask(site.port, 0)).status).toBe(200);
    expect(site.buffer.fastPath).toBeUndefined();
  });
});

describe('windows of the day', () => {
  const at = (hours: number, minutes: number) => new Date(2026, 0, 1, hours, minutes);
  const window = (text: string): DayWindow => {
    const parsed = parseDayWindow(text);
    if (!parsed) throw new Error(`${text} was not accepted`);
    return parsed;
  };

  it('can pass midnight, exclude their end, and always match if there are none', () => {
    const night = [window('22:00-06:30')];
    expect(
      [at(21, 59), at(22, 0), at(3, 0), at(6, 29), at(6, 30)].map(time => isWithin(night, time)),
    ).toEqual([false, true, true, true, false]);
    const two = [window('01:00-02:00'), window('12:30-24:00')];
    expect([at(0, 30), at(1, 30), at(2, 0), at(23, 59)].map(time => isWithin(two, time))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(isWithin([], at(4, 0))).toBe(true);
  });

  it.each(['1:00-02:00', '01:00', '25:00-01:00', '01:60-02:00', '01:00-24:30', ''])(
    'are invalid: "%s"',
    text => {
      expect(parseDayWindow(text)).toBeUndefined();
    },
  );
});

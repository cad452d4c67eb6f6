/**
 * The raw-socket fast paths against node:http and the framework: the same mutated requests must have the same responses (status,
 * headers, body, and the end of the connection) on servers that differ only in their fast path. `HTTP_CASES` sets the number of
 * cases, and `HTTP_SEED` the first seed.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createHttp, type FastPath, type HttpOptions } from '../src/kernel/http/server.ts';
import { createLifetime } from '../src/kernel/lifecycle/lifetime.ts';
import { silentLog } from '../src/kernel/log.ts';
import { parsePrefix } from '../src/kernel/network.ts';
import { problem } from '../src/kernel/problem.ts';
import { newSiteId } from '../src/protocol/base/ids.ts';
import { createStreamBuffer, isMediaUrl } from '../src/site/delivery/delivery.ts';
import { createTrackerHttp } from '../src/tracker/http/server.ts';
import { createPlayFastPath, type PlayFastPath } from '../src/tracker/play/fast-path.ts';
import { createInstrument } from '../src/tracker/play/instrument.ts';
import { servePlay, serveSteer } from '../src/tracker/play/routes.ts';
import { mutatedRequests } from './support/mutated-requests.ts';

const CASES = Number(process.env.HTTP_CASES ?? 2_000);
const SEED = Number(process.env.HTTP_SEED ?? 1);
const AT_ONCE = 24;
/** Fixed, so that a seed always makes the same requests. */
const ID = '01a22ade-357a-723a-8ad8-99f1e5b3b18';
const LAST = 'GET /healthz HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Sends these pieces and one more request, and reads until the connection ends or nothing comes for this time. */
async function exchange(port: number, pieces: readonly string[], idleMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setNoDelay();
  socket.on('error', () => {});
  let received = '';
  socket.on('data', piece => {
    received += piece.toString('latin1');
  });
  const ended = once(socket, 'close').then(() => 'closed');
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (socket.writable) socket.write(piece, 'latin1');
    await Promise.race([once(socket, 'data').catch(() => {}), ended, sleep(idleMs / 10)]);
  }
  if (socket.writable) socket.write(LAST);
  let state = 'open';
  for (let before = -1; state === 'open' && before !== received.length; ) {
    before = received.length;
    state = await Promise.race([ended, sleep(idleMs).then(() => 'open')]);
  }
  socket.destroy();
  return `${normalize(received)}\n${state}`;
}

/**
 * Without the date and the start of the process, and without what follows a response that ends the connection, because clients must not read it; the headers
 * of each response in order, with names in lower case.
 */
function normalize(text: string): string {
  const responses = text.split(/(?=HTTP\/1\.1 \d{3} )/).map(response => {
    const end = response.indexOf('\r\n\r\n');
    const [status, ...headers] = response.slice(0, end).split('\r\n');
    const names = headers
      .map(line => line.replace(/^[^:]*/, name => name.toLowerCase()))
      .filter(line => !line.startsWith('date:'));
    const body = response.slice(end).replace(/"startedAt":"[^"]*"/, '"startedAt":""');
    return [status, ...names.sort(), body].join('\n');
  });
  const last = responses.findIndex(response => response.includes('\nconnection: close\n'));
  return responses.slice(0, last === -1 ? undefined : last + 1).join('\n');
}

async function compare(ports: readonly number[], cases: readonly string[][]): Promise<void> {
  const differences: unknown[] = [];
  const queue = cases.entries();
  const same = async (pieces: readonly string[], idleMs: number) => {
    const responses = await Promise.all(ports.map(port => exchange(port, pieces, idleMs)));
    return { responses, isSame: new Set(responses).size === 1 };
  };
  const work = async (): Promise<void> => {
    for (const [number, pieces] of queue) {
      if ((await same(pieces, 100)).isSame) continue;
      // A busy machine may have responded too late.
      const { responses, isSame } = await same(pieces, 1_000);
      if (!isSame) differences.push({ number, pieces, responses });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(differences).toEqual([]);
}

const portOf = async (options: Omit<HttpOptions, 'log' | 'ready'>): Promise<number> => {
  const { app } = await createHttp({ ...options, log: silentLog, ready: () => undefined });
  closers.push(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
};

describe('with and without the fast path', () => {
  it(`a site gives the same responses to ${CASES} mutated requests`, async () => {
    const base = `/v/${ID}1/${ID}2`;
    const origin = createServer(({ url = '' }, response) => {
      if (url.includes('unknown')) return void response.writeHead(404).end('{}');
      const body = `${url}\n`.repeat(url.endsWith('.m3u8') ? 60 : 3);
      response.writeHead(200, { etag: `"${url.length}"`, 'content-length': body.length }).end(body);
    });
    await once(origin.listen(0, '127.0.0.1'), 'listening');
    closers.push(async () => origin.close());
    const startSite = async (isFast: boolean): Promise<number> => {
      const directory = await mkdtemp(join(tmpdir(), 'tributary-comparison-'));
      closers.push(() => rm(directory, { recursive: true, force: true }));
      const buffer = await createStreamBuffer({
        siteId: () => newSiteId(),
        directory,
        memoryBytes: 2 ** 24,
        diskBytes: 2 ** 24,
        origin: { url: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` },
        trackerUrl: () => undefined,
        mayPrefetch: () => false,
        log: silentLog,
      });
      closers.push(() => buffer.stop());
      const fastPath: FastPath | undefined = isFast ? buffer.fastPath : undefined;
      return portOf({
        part: 'site',
        before(request, response) {
          if (!isMediaUrl(request.url)) return false;
          buffer.handle(request, response);
          return true;
        },
        server: { fastPath },
      });
    };
    const targets = [
      ...['media.m3u8', '0.m4s', '1.m4s', 'init.mp4', 'unknown.m4s'].map(
        file => `${base}/source-video/${file}`,
      ),
      ...[
        `${base}/multivariant.m3u8`,
        `${base}/manifest.mpd`,
        `${base}/timeline.json`,
        '/healthz',
        `/t/x${base}/0.m4s`,
      ],
    ];
    await compare([await startSite(true), await startSite(false)], mutatedRequests(targets, CASES, SEED));
  }, 120_000);

  it(`a tracker gives the same responses to ${CASES} mutated requests`, async () => {
    const video = `${ID}3`;
    const unknown = `${ID}4`;
    const lifetime = createLifetime(silentLog);
    closers.push(() => lifetime.stop());
    const start = async (isRaw: boolean, isFast: boolean): Promise<number> => {
      const fastPath = createPlayFastPath();
      const open: PlayFastPath['open'] = isRaw ? fastPath.open : () => ({ handle: () => false });
      const deps = {
        fastPath: { handle: fastPath.handle, open },
        notReadyReason: () => undefined,
        log: silentLog,
      };
      const { app, metrics } = await createTrackerHttp(deps, lifetime);
      const respond = (request: { readonly video: string }): string => {
        if (request.video === unknown)
          throw problem('video-unknown', 'No video.', { headers: { 'retry-after': '2' } });
        // The response contains the parsed request, so that no difference stays hidden.
        const text = JSON.stringify(request, (name, value) =>
          name === 'isMember' ? value || undefined : value,
        );
        return `${text}\n${'中文'.repeat(300)}`;
      };
      const playDeps = {
        config: {
          baseUrl: 'http://a.example',
          trustClientParameter: true,
          trustedProxies: [parsePrefix('127.0.0.0/8')],
        },
        viewers: { at: (address: string) => ({ address }), filling: (site: string) => ({ site }) },
        instrument: createInstrument(metrics),
        responses: {
          json: respond,
          hls: respond,
          dash: async (request: { readonly video: string }) => respond(request),
        },
        steer: (id: string, query: unknown) => ({
          VERSION: 1,
          TTL: 10,
          'RELOAD-URI': `${respond({ video: id })} ${JSON.stringify(query)}`,
          'PATHWAY-PRIORITY': ['a'],
        }),
        registry: { findSite: () => undefined },
        log: silentLog,
      } as never;
      servePlay(app, playDeps);
      serveSteer(app, playDeps);
      if (isFast) fastPath.enable(playDeps);
      await app.listen({ host: '127.0.0.1', port: 0 });
      return (app.server.address() as AddressInfo).port;
    };
    const targets = [
      ...[
        `/play/${video}`,
        `/play/${video}.m3u8`,
        `/play/${video}.mpd`,
        `/steer/${video}`,
        `/play/${unknown}`,
      ],
      ...[`/steer/${unknown}`, `/play/${video}.m3u`, '/status', '/healthz', `/steer/${video}.m3u8`],
    ];
    const ports = [await start(true, true), await start(false, true), await start(false, false)];
    await compare(ports, mutatedRequests(targets, CASES, SEED));
  }, 120_000);
});

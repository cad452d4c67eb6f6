import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../protocol/ids.ts';
import { createStreamBuffer, type StreamBuffer } from './buffer.ts';
import { etagOf, parseMediaFile } from './media-file.ts';
import { selectRange } from './ranges.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const VIDEO = newVideoId();
const KEY = `/v/${VIDEO}/${newRevisionId()}/source-video/0.m4s`;
const BODY = randomBytes(300_000);
const FILE = parseMediaFile(KEY);
if (!FILE) throw new Error('the key of this test is none');
const ETAG = etagOf(FILE);

const closers: (() => Promise<void> | void)[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-buffer-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(directory, { recursive: true, force: true });
});

async function serve(handler: Handler): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const sendBody: Handler = (_request, response) => {
  response.writeHead(200, { 'content-length': BODY.length, etag: ETAG }).end(BODY);
};
const refuse =
  (status: number, code: string): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code }));
  };

interface Setup {
  readonly url: string;
  readonly buffer: StreamBuffer;
}
async function start(
  originUrl: string,
  options: { trackerUrl?: string; memoryBytes?: number; diskBytes?: number } = {},
): Promise<Setup> {
  const buffer = await createStreamBuffer({
    siteId: () => '0190a5b0-0000-7000-8000-000000000001',
    directory: join(directory, 'kept'),
    memoryBytes: options.memoryBytes ?? 2 ** 24,
    diskBytes: options.diskBytes ?? 2 ** 24,
    origin: { url: originUrl },
    trackerUrl: () => options.trackerUrl,
    log: silentLog,
  });
  closers.push(() => buffer.stop());
  return { buffer, url: await serve((request, response) => buffer.handle(request, response)) };
}

const fetchBytes = async (url: string, init?: RequestInit): Promise<Buffer> =>
  Buffer.from(await (await fetch(url, init)).arrayBuffer());

/** A tracker that names these sites as sources. */
const trackerOf = (baseUrls: readonly string[]): Promise<string> =>
  serve((_request, response) => {
    const source = (baseUrl: string) => ({
      site: newSiteId(),
      name: 'A site',
      address: '127.0.0.1:1',
      baseUrl,
      hls: `${baseUrl}/x`,
      dash: null,
      reason: 'r',
      reasons: [],
      score: 1,
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        video: VIDEO,
        revision: newRevisionId(),
        name: 'A film',
        sources: baseUrls.map(source),
        hls: 'x',
        dash: null,
        steering: 'x',
      }),
    );
  });

describe('parseMediaFile', () => {
  it.each([
    `${KEY}?CMCD=br%3D1`,
    KEY.replace('source-video/0.m4s', 'multivariant.m3u8'),
    KEY.replace('0.m4s', 'init.mp4'),
  ])('takes %s', url => expect(parseMediaFile(url)).toBeDefined());
  it.each([
    '/v/',
    KEY.replace('0.m4s', '..'),
    KEY.replace('source-video/0.m4s', '../../etc/passwd'),
    KEY.replace('source-video', '%2e%2e'),
    KEY.replace('source-video/', 'source-video%2f'),
    KEY.replace('source-video', 'a/b'),
    KEY.replace('0.m4s', '.m4s'),
    KEY.toUpperCase(),
    `${KEY}/x`,
    `http://evil${KEY}`,
  ])('refuses %s', url => expect(parseMediaFile(url)).toBeUndefined());
  it('leaves the query out of the key', () => expect(parseMediaFile(`${KEY}?x=1`)?.key).toBe(KEY));
});

describe('selectRange', () => {
  it.each<[string | undefined, string | undefined, unknown]>([
    [undefined, undefined, { kind: 'whole' }],
    ['bytes=0-9', undefined, { kind: 'part', start: 0, end: 10 }],
    ['bytes=90-', undefined, { kind: 'part', start: 90, end: 100 }],
    ['bytes=90-900', undefined, { kind: 'part', start: 90, end: 100 }],
    ['bytes=-10', undefined, { kind: 'part', start: 90, end: 100 }],
    ['bytes=-1000', undefined, { kind: 'part', start: 0, end: 100 }],
    ['bytes=100-', undefined, { kind: 'unsatisfiable' }],
    ['bytes=-0', undefined, { kind: 'unsatisfiable' }],
    ['bytes=9-5', undefined, { kind: 'whole' }],
    ['bytes=0-1,5-6', undefined, { kind: 'whole' }],
    ['items=0-1', undefined, { kind: 'whole' }],
    ['bytes=-', undefined, { kind: 'whole' }],
    ['bytes=0-9', '"e"', { kind: 'part', start: 0, end: 10 }],
    ['bytes=0-9', '"other"', { kind: 'whole' }],
    ['bytes=0-9', 'W/"e"', { kind: 'whole' }],
  ])('%s with If-Range %s', (range, ifRange, expected) => {
    expect(selectRange(range, ifRange, '"e"', 100)).toEqual(expected);
  });
});

describe('the buffer', () => {
  it('answers from its origin once, then from memory', async () => {
    let requests = 0;
    const { url, buffer } = await start(
      await serve((request, response) => {
        requests++;
        sendBody(request, response);
      }),
    );
    expect((await fetchBytes(url + KEY)).equals(BODY)).toBe(true);
    expect((await fetchBytes(`${url}${KEY}?CMCD=x`)).equals(BODY)).toBe(true);
    expect(requests).toBe(1);
    expect(buffer.stats()).toMatchObject({ hits: 1, misses: 1, fills: 1, egressBytes: 2 * BODY.length });
  });

  it('speaks HTTP as RFC 9110 has it, cold and warm', async () => {
    const { url } = await start(await serve(sendBody));
    for (const temperature of ['cold', 'warm']) {
      const part = await fetch(url + KEY, { headers: { range: 'bytes=100-199' } });
      expect([temperature, part.status, part.headers.get('content-range')]).toEqual([
        temperature,
        206,
        `bytes 100-199/${BODY.length}`,
      ]);
      expect(Buffer.from(await part.arrayBuffer()).equals(BODY.subarray(100, 200))).toBe(true);
      expect((await fetch(url + KEY, { headers: { 'if-none-match': `W/${ETAG}, "x"` } })).status).toBe(304);
      const beyond = await fetch(url + KEY, { headers: { range: `bytes=${BODY.length}-` } });
      expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${BODY.length}`]);
      const head = await fetch(url + KEY, { method: 'HEAD' });
      expect(head.headers.get('content-length')).toBe(String(BODY.length));
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      const whole = await fetch(url + KEY);
      expect(Object.fromEntries(whole.headers)).toMatchObject({
        'content-type': 'video/mp4',
        'access-control-allow-origin': '*',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        etag: ETAG,
      });
      await whole.arrayBuffer();
    }
    expect((await fetch(url + KEY, { method: 'OPTIONS' })).status).toBe(204);
    expect((await fetch(url + KEY, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/v/x`)).status).toBe(404);
  });

  it('makes one fill of two hundred requests at once', async () => {
    let requests = 0;
    const { url } = await start(
      await serve(async (request, response) => {
        requests++;
        await sleep(50);
        sendBody(request, response);
      }),
    );
    const bodies = await Promise.all(Array.from({ length: 200 }, () => fetchBytes(url + KEY)));
    expect(bodies.every(body => body.equals(BODY))).toBe(true);
    expect(requests).toBe(1);
  });

  it('serves while it fills, and a leader who leaves hurts nobody', async () => {
    let release = (): void => {};
    const { url } = await start(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-length': BODY.length });
        response.write(BODY.subarray(0, 1_000));
        release = () => response.end(BODY.subarray(1_000));
      }),
    );
    const leader = httpRequest(url + KEY).on('error', () => {});
    leader.end();
    const [first] = (await new Promise<[Buffer]>(done =>
      leader.once('response', response => response.once('data', (chunk: Buffer) => done([chunk]))),
    )) as [Buffer];
    expect(first.equals(BODY.subarray(0, first.length))).toBe(true);
    const follower = fetchBytes(url + KEY);
    leader.destroy();
    await sleep(20);
    release();
    expect((await follower).equals(BODY)).toBe(true);
  });

  it('goes on at the next holder where the first one broke off', async () => {
    const broken = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': BODY.length, etag: ETAG });
      response.write(BODY.subarray(0, 100_000), () => response.destroy());
    });
    const ranges: (string | undefined)[] = [];
    const holder = await start(await serve(sendBody));
    const good = await serve((request, response) => {
      ranges.push(request.headers.range);
      holder.buffer.handle(request, response);
    });
    const origin = await serve(refuse(404, 'video-unknown'));
    directory = await mkdtemp(join(tmpdir(), 'tributary-buffer-'));
    const { url } = await start(origin, { trackerUrl: await trackerOf([broken, good]) });
    expect(
      createHash('sha256')
        .update(await fetchBytes(url + KEY))
        .digest('hex'),
    ).toBe(createHash('sha256').update(BODY).digest('hex'));
    expect(ranges).toHaveLength(1);
    expect(ranges[0]).toMatch(/^bytes=\d{4,6}-$/);
  });

  it('cuts viewers off rather than finish half a segment, and keeps nothing of it', async () => {
    let healthy = false;
    const { url, buffer } = await start(
      await serve((request, response) => {
        if (healthy) return sendBody(request, response);
        response.writeHead(200, { 'content-length': BODY.length });
        response.write(BODY.subarray(0, 100_000), () => response.destroy());
      }),
    );
    await expect(fetchBytes(url + KEY)).rejects.toThrow();
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
    healthy = true;
    expect((await fetchBytes(url + KEY)).equals(BODY)).toBe(true);
  });

  it('keeps nothing that is longer or shorter than announced, or of unknown length', async () => {
    for (const head of [{ 'content-length': 10 }, {}] as const) {
      directory = await mkdtemp(join(tmpdir(), 'tributary-buffer-'));
      const { url, buffer } = await start(
        await serve((_request, response) => {
          response.strictContentLength = false;
          response.writeHead(200, head).end(BODY.subarray(0, 5));
          response.socket?.end();
        }),
      );
      const answer = await fetch(url + KEY).then(
        response => response.arrayBuffer().then(() => response.status),
        () => 'cut off',
      );
      expect([502, 200, 'cut off']).toContain(answer);
      expect(buffer.stats().memoryBytes).toBe(0);
    }
  });

  it.each([
    [404, 'file-unknown', 404, 'file-unknown'],
    [404, 'video-unknown', 503, 'no-source'],
    [410, 'video-withdrawn', 410, 'video-withdrawn'],
  ])('says what the origin says: %i %s', async (status, code, expectedStatus, expectedCode) => {
    const { url } = await start(await serve(refuse(status, code)));
    const response = await fetch(url + KEY);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      expectedStatus,
      expectedCode,
    ]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('asks no third site for another buffer', async () => {
    let asked = 0;
    const third = await serve((request, response) => {
      asked++;
      sendBody(request, response);
    });
    const { url } = await start(await serve(refuse(404, 'video-unknown')), {
      trackerUrl: await trackerOf([third]),
    });
    const headers = { 'tributary-fill': '0190a5b0-0000-7000-8000-000000000002' };
    expect((await fetch(url + KEY, { headers })).status).toBe(404);
    expect(asked).toBe(0);
    expect((await fetchBytes(url + KEY)).equals(BODY)).toBe(true);
    // What it has, it gives.
    expect((await fetchBytes(url + KEY, { headers })).equals(BODY)).toBe(true);
  });

  it('finds its disk tier again after a restart, and takes no altered file from it', async () => {
    let requests = 0;
    const origin = await serve((request, response) => {
      requests++;
      sendBody(request, response);
    });
    const first = await start(origin);
    await fetchBytes(first.url + KEY);
    await first.buffer.stop();
    const second = await start(origin);
    expect((await fetchBytes(second.url + KEY)).equals(BODY)).toBe(true);
    expect(requests).toBe(1);
    await second.buffer.stop();
    const [name = ''] = await readdir(join(directory, 'kept', VIDEO));
    const path = join(directory, 'kept', VIDEO, name);
    const content = await readFile(path);
    content[5_000] = (content[5_000] ?? 0) ^ 1;
    await writeFile(path, content);
    const third = await start(origin);
    expect((await fetchBytes(third.url + KEY)).equals(BODY)).toBe(true);
    expect(requests).toBe(2);
  });

  it('stays within its limits in memory and on disk', async () => {
    const { url, buffer } = await start(await serve(sendBody), {
      memoryBytes: 1_000_000,
      diskBytes: 2_000_000,
    });
    for (let number = 0; number < 20; number++) {
      await fetchBytes(url + KEY.replace('0.m4s', `${number}.m4s`));
      expect(buffer.stats().memoryBytes).toBeLessThanOrEqual(1_000_000);
    }
    await buffer.stop();
    expect(buffer.stats().diskBytes).toBeGreaterThan(1_000_000);
    expect(buffer.stats().diskBytes).toBeLessThanOrEqual(2_000_000);
    await expect
      .poll(async () => (await readdir(join(directory, 'kept', VIDEO))).length)
      .toBe(Math.floor(2_000_000 / (BODY.length + 32)));
  });

  it('forgets a withdrawn video', async () => {
    const { url, buffer } = await start(await serve(sendBody));
    await fetchBytes(url + KEY);
    await buffer.drop(VIDEO);
    expect((await fetch(url + KEY)).status).toBe(410);
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
    expect(await readdir(join(directory, 'kept'))).toEqual([]);
  });
});

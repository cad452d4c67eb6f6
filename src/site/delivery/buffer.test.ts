import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeServer } from '../../kernel/http/server.ts';
import { type KeyPair, readOrMakeKey } from '../../kernel/identity/keys.ts';
import { formatProof, signBytes } from '../../kernel/identity/proofs.ts';
import { silentLog } from '../../kernel/log.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../protocol/ids.ts';
import { createStreamBuffer, type StreamBuffer } from './buffer.ts';
import type { Egress } from './egress/egress.ts';
import { FILL_TIMING, type FillTiming } from './fill/upstream-client.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const VIDEO = newVideoId();
const SELF = newSiteId();
const KEY = `/v/${VIDEO}/${newRevisionId()}/source-video/0.m4s`;
const BODY = randomBytes(300_000);
const ETAG = '"as-cut/1"';
const segment = (number: number): string => KEY.replace('0.m4s', `${number}.m4s`);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const ORIGIN = await readOrMakeKey(join(await mkdtemp(join(tmpdir(), 'tributary-key-')), 'key'));
const STRANGER = await readOrMakeKey(join(await mkdtemp(join(tmpdir(), 'tributary-key-')), 'key'));
/** What the video's own site says of a file. */
const provedBy = (key: KeyPair, path: string, body: Buffer): Record<string, string> => {
  const flat = formatProof(signBytes(key, path, createHash('sha256').update(body).digest('base64')));
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
};
const proved = (path: string | undefined, body = BODY): Record<string, string> =>
  provedBy(ORIGIN, path ?? '', body);

const closers: (() => Promise<void> | void)[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-buffer-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(handler: Handler, listen: { path: string } | undefined = undefined): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>(done =>
    listen ? server.listen(listen.path, done) : server.listen(0, '127.0.0.1', done),
  );
  closers.push(
    () =>
      new Promise(done => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  );
  return listen ? listen.path : `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const sendBody: Handler = (request, response) => {
  response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...proved(request.url) }).end(BODY);
};
/** Announces all of BODY, sends the first 100,000 bytes and breaks off. */
const sendHalf: Handler = (request, response) => {
  response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...proved(request.url) });
  response.write(BODY.subarray(0, 100_000), () => response.destroy());
};
const refuse =
  (status: number, code: string): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code }));
  };
const unknownHere = refuse(404, 'video-unknown');

/** Counts what passes, and remembers its headers. */
function counted(handler: Handler): Handler & { readonly seen: IncomingHttpHeaders[] } {
  const seen: IncomingHttpHeaders[] = [];
  const counting: Handler = (request, response) => {
    seen.push(request.headers);
    handler(request, response);
  };
  return Object.assign(counting, { seen });
}

interface Setup {
  readonly url: string;
  readonly buffer: StreamBuffer;
}
async function start(
  origin: string,
  options: {
    trackerUrl?: string;
    memoryBytes?: number;
    diskBytes?: number;
    timing?: Partial<FillTiming>;
    folder?: string;
    siteId?: string;
    egress?: Egress;
    mayFetchAhead?: boolean;
    servesViewer?: () => boolean;
  } = {},
): Promise<Setup> {
  const buffer = await createStreamBuffer({
    siteId: () => options.siteId ?? SELF,
    directory: join(directory, options.folder ?? 'kept'),
    memoryBytes: options.memoryBytes ?? 2 ** 24,
    diskBytes: options.diskBytes ?? 2 ** 24,
    origin: origin.startsWith('/') ? { socketPath: origin } : { url: origin },
    trackerUrl: () => options.trackerUrl,
    log: silentLog,
    mayPrefetch: () => options.mayFetchAhead ?? false,
    ...(options.egress ? { egress: options.egress } : {}),
    ...(options.servesViewer ? { servesViewer: options.servesViewer } : {}),
    timing: { ...FILL_TIMING, ...options.timing },
  });
  closers.push(() => buffer.stop());
  return { buffer, url: await serve((request, response) => buffer.handle(request, response)) };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly code: string | undefined;
}
/** Without a pool and without any opinion of its own, unlike fetch. @throws Error if the answer breaks off. */
function ask(
  url: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
  agent: Agent | false = false,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { origin } = new URL(url);
    // Kept alive: only a connection that is cut off shows that an answer is not whole, never one closed in order.
    const request = httpRequest(origin, {
      path: url.slice(origin.length),
      headers: { connection: 'keep-alive', ...headers },
      method,
      agent,
    });
    request.setTimeout(3_000, () => reject(new Error('hangs')));
    request.on('error', reject);
    request.on('response', response => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(pieces);
        const isProblem = response.headers['content-type'] === 'application/problem+json' && body.length > 0;
        const code = isProblem ? (JSON.parse(body.toString()) as { code: string }).code : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, code });
      });
    });
    request.end();
  });
}

/** What node's client says of a connection that was cut off; never "hangs". */
const CUT_OFF = /aborted|socket hang up|ECONNRESET/;
const brokenOr = (error: Error): string => (CUT_OFF.test(error.message) ? 'broken' : error.message);

interface TrackerState {
  answer: 'sites' | 'nothing' | number;
  asked: string[];
}
/** A tracker that names these sites as sources, until told otherwise. */
async function trackerOf(
  sites: readonly (string | { readonly site: string; readonly baseUrl: string })[],
): Promise<{ readonly url: string; readonly state: TrackerState }> {
  const state: TrackerState = { answer: 'sites', asked: [] };
  const sources = sites.map(site =>
    typeof site === 'string' ? { site: newSiteId(), baseUrl: site, name: 'A site', extra: true } : site,
  );
  const origin = { site: newSiteId(), publicKey: ORIGIN.publicKey };
  const url = await serve((request, response) => {
    state.asked.push(request.url ?? '');
    if (state.answer === 'nothing') response.destroy();
    else if (state.answer === 'sites')
      response.end(JSON.stringify({ video: VIDEO, sources, origin, more: 1 }));
    else refuse(state.answer, state.answer === 410 ? 'video-withdrawn' : 'video-unknown')(request, response);
  });
  return { url, state };
}

describe('HTTP, cold and warm (RFC 9110)', () => {
  const whole = { status: 200, body: BODY };
  const cases: readonly [string, OutgoingHttpHeaders, { status: number; body?: Buffer; range?: string }][] = [
    ['the whole', {}, whole],
    [
      'a range',
      { range: 'bytes=100-199' },
      { status: 206, body: BODY.subarray(100, 200), range: `bytes 100-199/${BODY.length}` },
    ],
    [
      'a suffix',
      { range: 'bytes=-5' },
      { status: 206, body: BODY.subarray(-5), range: `bytes 299995-299999/${BODY.length}` },
    ],
    ['an open range', { range: 'bytes=299990-' }, { status: 206, body: BODY.subarray(299_990) }],
    ['several ranges', { range: 'bytes=0-1,5-6' }, whole],
    [
      'a range behind the end',
      { range: `bytes=${BODY.length}-` },
      { status: 416, range: `bytes */${BODY.length}` },
    ],
    [
      'If-Range that holds',
      { range: 'bytes=0-9', 'if-range': ETAG },
      { status: 206, body: BODY.subarray(0, 10) },
    ],
    ['If-Range that does not', { range: 'bytes=0-9', 'if-range': '"x"' }, whole],
    ['If-Range with a weak tag', { range: 'bytes=0-9', 'if-range': `W/${ETAG}` }, whole],
    ['If-Range with a date', { range: 'bytes=0-9', 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' }, whole],
    ['If-None-Match that matches', { 'if-none-match': `"x", W/${ETAG}` }, { status: 304 }],
    ['If-None-Match before Range', { 'if-none-match': '*', range: 'bytes=0-9' }, { status: 304 }],
    ['If-None-Match that does not', { 'if-none-match': '"x"' }, whole],
  ];
  it.each(cases)('%s', async (_name, headers, expected) => {
    const { url, buffer } = await start(await serve(sendBody));
    for (const temperature of ['cold', 'warm']) {
      const { status, body, headers: got, code } = await ask(url + KEY, headers);
      expect([temperature, status]).toEqual([temperature, expected.status]);
      if (expected.body) expect(sha256(body)).toBe(sha256(expected.body));
      if (expected.range) expect(got['content-range']).toBe(expected.range);
      expect(got['access-control-allow-origin']).toBe('*');
      expect(got['x-content-type-options']).toBe('nosniff');
      if (status === 416) expect(code).toBe('range-unsatisfiable');
      else {
        expect(got.etag).toBe(ETAG);
        expect(got['cache-control']).toBe('public, max-age=31536000, immutable');
      }
    }
    expect(buffer.stats()).toMatchObject({ hits: 1, misses: 1, fills: 1 });
  });

  it('HEAD says what GET would, and Range is not for it', async () => {
    const { url } = await start(await serve(sendBody));
    for (const headers of [{}, { range: 'bytes=0-9' }, {}, { range: 'bytes=0-9' }]) {
      const { status, body, headers: got } = await ask(url + KEY, headers, 'HEAD');
      expect([status, body.length, got['content-length']]).toEqual([200, 0, String(BODY.length)]);
    }
  });

  it('opens itself to every page', async () => {
    const { url } = await start(await serve(sendBody));
    const preflight = await ask(url + KEY, { origin: 'https://a.example' }, 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers['content-length']).toBeUndefined();
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    });
    expect((await ask(url + KEY)).headers).toMatchObject({
      'timing-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'access-control-expose-headers': expect.stringContaining('Content-Range'),
      'accept-ranges': 'bytes',
    });
    const refused = await ask(url + KEY, {}, 'POST');
    expect([refused.status, refused.code, refused.headers.allow]).toEqual([
      405,
      'method-not-allowed',
      'GET, HEAD, OPTIONS',
    ]);
  });

  it.each([
    ['source-video/0.m4s', 'video/mp4'],
    ['source-audio/0.m4s', 'audio/mp4'],
    ['source-audio-2/init.mp4', 'audio/mp4'],
    ['source-audio/media.m3u8', 'application/vnd.apple.mpegurl'],
    ['multivariant.m3u8', 'application/vnd.apple.mpegurl'],
    ['manifest.mpd', 'application/dash+xml'],
    ['poster.jpg', 'image/jpeg'],
    ['captions-en.vtt', 'text/vtt; charset=utf-8'],
  ])('names the type of %s itself', async (file, type) => {
    const origin = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': 4 }).end('film');
    });
    const { url } = await start(origin);
    expect((await ask(`${url}${KEY.replace('source-video/0.m4s', file)}`)).headers['content-type']).toBe(
      type,
    );
  });

  it('makes a validator where the origin gives none, or only a weak one', async () => {
    const origin = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': BODY.length, etag: 'W/"x"' }).end(BODY);
    });
    const { url } = await start(origin);
    expect((await ask(url + KEY)).headers.etag).toBeUndefined();
    const { etag } = (await ask(url + KEY)).headers;
    expect(etag).toMatch(/^"sha256-.{43}"$/);
    expect((await ask(url + KEY, { 'if-none-match': etag })).status).toBe(304);
  });

  it('leaves the query out of the key', async () => {
    const origin = counted(sendBody);
    const { url } = await start(await serve(origin));
    for (const query of ['?CMCD=br%3D1', '', '?x']) expect((await ask(url + KEY + query)).status).toBe(200);
    expect(origin.seen).toHaveLength(1);
  });

  it.each([
    '/v/',
    KEY.replace('0.m4s', '..'),
    KEY.replace('source-video/0.m4s', '../../../etc/passwd'),
    KEY.replace('source-video', '%2e%2e'),
    KEY.replace('source-video/', 'source-video%2f'),
    KEY.replace('source-video', 'a/b'),
    KEY.replace('0.m4s', '.m4s'),
    KEY.replace('.m4s', '.exe'),
    KEY.replace('0.m4s', '0.m4s%00'),
    KEY.toUpperCase(),
    KEY.replace('/v/', '/v//'),
    `${KEY}/x`,
    `/x/..${KEY}`,
  ])('asks nobody for %s', async path => {
    const origin = counted(sendBody);
    const { url } = await start(await serve(origin));
    const { status, code } = await ask(url + path);
    expect([status, code, origin.seen.length]).toEqual([404, 'not-found', 0]);
  });

  it('answers pipelined requests in order, and counts none as active when the connection is gone', async () => {
    const releases = new Map<string, () => void>();
    const { url, buffer } = await start(
      await serve((request, response) => {
        if (request.url === KEY) sendBody(request, response);
        else releases.set(request.url ?? '', () => sendBody(request, response));
      }),
    );
    await ask(url + KEY);
    const pipeline = (...paths: readonly string[]) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
      return socket;
    };
    const inOrder = pipeline(segment(1), KEY);
    const pieces: Buffer[] = [];
    inOrder.on('data', (piece: Buffer) => pieces.push(piece));
    await expect.poll(() => releases.has(segment(1)) && buffer.stats().activeResponses).toBe(2);
    expect(pieces).toEqual([]);
    releases.get(segment(1))?.();
    await expect.poll(() => Buffer.concat(pieces).length).toBeGreaterThan(2 * BODY.length);
    inOrder.destroy();
    // The second waits for its turn: it has no socket yet that could be closed. (With bytes of its own waiting, node stops
    // to read the connection, and learns of its end at the next write only.)
    const broken = pipeline(segment(2), segment(3));
    await expect.poll(() => releases.has(segment(3)) && buffer.stats().activeResponses).toBe(2);
    broken.destroy();
    await expect.poll(() => buffer.stats().activeResponses).toBe(0);
  });
});

describe('a fill', () => {
  it('goes through a unix socket too', async () => {
    const { url } = await start(await serve(sendBody, { path: join(directory, 'origin.sock') }));
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it('is one for two hundred requests at once', async () => {
    const origin = counted((request, response) => void sleep(50).then(() => sendBody(request, response)));
    const { url } = await start(await serve(origin));
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(url + KEY)));
    expect(answers.filter(({ body }) => body.equals(BODY))).toHaveLength(200);
    expect(origin.seen).toHaveLength(1);
  });

  it('serves while it arrives: head and first bytes are there before the origin has finished', async () => {
    let send = (_bytes: number): void => {};
    const { url } = await start(
      await serve((_request, response) => {
        let at = 0;
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG }).flushHeaders();
        send = bytes => {
          response.write(BODY.subarray(at, at + bytes));
          at += bytes;
        };
      }),
    );
    const request = httpRequest(url + KEY, { agent: false }).end();
    const response = await new Promise<IncomingMessage>(done => request.once('response', done));
    expect(response.headers['content-length']).toBe(String(BODY.length));
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    send(1_000);
    await expect.poll(() => Buffer.concat(pieces).length).toBe(1_000);
    send(BODY.length);
    await expect.poll(() => sha256(Buffer.concat(pieces))).toBe(sha256(BODY));
  });

  it('serves a range out of what has arrived', async () => {
    const { url } = await start(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG });
        response.write(BODY.subarray(0, 50_000));
      }),
    );
    const part = await ask(url + KEY, { range: 'bytes=10-40009' });
    expect([part.status, sha256(part.body)]).toEqual([206, sha256(BODY.subarray(10, 40_010))]);
  });

  it('outlives the viewer who caused it', async () => {
    let release = (): void => {};
    const { url, buffer } = await start(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG });
        response.write(BODY.subarray(0, 1_000));
        release = () => response.end(BODY.subarray(1_000));
      }),
    );
    const leader = httpRequest(url + KEY, { agent: false }).on('error', () => {});
    leader.end();
    await new Promise(done => leader.once('response', response => response.once('data', done)));
    const follower = ask(url + KEY);
    await expect.poll(() => buffer.stats().activeResponses).toBe(2);
    leader.destroy();
    await expect.poll(() => buffer.stats().activeResponses).toBe(1);
    release();
    expect(sha256((await follower).body)).toBe(sha256(BODY));
  });

  it('is kept when all viewers have left', async () => {
    let release = (): void => {};
    const origin = counted((request, response) => {
      release = () => sendBody(request, response);
    });
    const { url, buffer } = await start(await serve(origin));
    const only = httpRequest(url + KEY, { agent: false }).on('error', () => {});
    only.end();
    await expect.poll(() => origin.seen.length).toBe(1);
    only.destroy();
    await expect.poll(() => buffer.stats().activeResponses).toBe(0);
    release();
    await expect.poll(() => buffer.stats().memoryBytes).toBeGreaterThan(BODY.length);
    expect((await ask(url + KEY)).status).toBe(200);
    expect(origin.seen).toHaveLength(1);
  });

  it('gives a viewer who does not read no more than the connection takes', async () => {
    const big = randomBytes(30_000_000);
    const { url, buffer } = await start(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-length': big.length, etag: ETAG }).end(big);
      }),
      { memoryBytes: 2 ** 27, diskBytes: 2 ** 27 },
    );
    const slow = httpRequest(url + KEY, { agent: false }).end();
    const response = await new Promise<IncomingMessage>(done => slow.once('response', done));
    response.pause();
    await expect.poll(() => buffer.stats().memoryBytes, { timeout: 5_000 }).toBeGreaterThan(big.length);
    expect(buffer.stats().egress.viewers).toBeLessThan(big.length);
    const hash = createHash('sha256');
    for await (const piece of response) hash.update(piece as Buffer);
    expect(hash.digest('hex')).toBe(sha256(big));
  });

  it('takes up a connection again that the origin has just closed', async () => {
    // The second request of every connection is answered by closing it, as a server does that finds it idle for too long.
    let connections = 0;
    const origin = createTcpServer(socket => {
      connections++;
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', () => {
        requests++;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });
    await new Promise<void>(done => origin.listen(0, '127.0.0.1', done));
    closers.push(() => void origin.close());
    const { url, buffer } = await start(`http://127.0.0.1:${(origin.address() as AddressInfo).port}`);
    for (const number of [0, 1, 2]) expect((await ask(url + segment(number))).body.toString()).toBe('ok');
    expect([connections, buffer.stats().fillsFailed]).toEqual([3, 0]);
  });

  it.each<[string, Handler, RegExp]>([
    ['breaks off', sendHalf, /broken/],
    [
      'is shorter than announced',
      (_q, response) => void response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort`),
      /broken/,
    ],
    ['does not say its length', (_q, response) => void response.writeHead(200).end(BODY), /502 fill-failed/],
    [
      'is too large',
      (_q, response) => void response.writeHead(200, { 'content-length': 2 ** 31 }).flushHeaders(),
      /502 fill-failed/,
    ],
    [
      'is encoded',
      (_q, response) =>
        void response.writeHead(200, { 'content-length': 3, 'content-encoding': 'gzip' }).end('abc'),
      /502 fill-failed/,
    ],
    [
      'is a part',
      (_q, response) =>
        void response.writeHead(206, { 'content-length': 3, 'content-range': 'bytes 0-2/9' }).end('abc'),
      /502 fill-failed/,
    ],
    ['is an error', refuse(500, 'cut-failed'), /502 fill-failed/],
    [
      'is a redirect',
      (_q, response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
      /502 fill-failed/,
    ],
  ])('keeps nothing of an answer that %s, and asks again', async (_name, bad, outcome) => {
    let isWell = false;
    const { url, buffer } = await start(
      await serve((request, response) => (isWell ? sendBody : bad)(request, response)),
    );
    const first = await ask(url + KEY).then(({ status, code }) => `${status} ${code}`, brokenOr);
    expect(first).toMatch(outcome);
    await expect.poll(() => buffer.stats()).toMatchObject({ fillsFailed: 1, memoryBytes: 0, diskBytes: 0 });
    expect(await readdir(join(directory, 'kept'))).toEqual([]);
    isWell = true;
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it.each<[string, Handler, RegExp]>([
    ['never answers', () => {}, /502 fill-failed/],
    [
      'stops half-way',
      (_q, response) => void response.writeHead(200, { 'content-length': 9 }).write('a'),
      /broken/,
    ],
    [
      'stops within a refusal',
      (_q, response) => void response.writeHead(404, { 'content-length': 9 }).write('{'),
      /404/,
    ],
  ])('does not wait for ever for an origin that %s', async (_name, hang, outcome) => {
    const { url, buffer } = await start(await serve(hang), { timing: { firstByteMs: 200, idleMs: 200 } });
    const answer = await ask(url + KEY).then(({ status, code }) => `${status} ${code}`, brokenOr);
    expect(answer).toMatch(outcome);
    expect(buffer.stats()).toMatchObject({ activeFills: 0, memoryBytes: 0 });
  });

  it('cuts off an origin that sends a byte now and then', async () => {
    const origin = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      const drip = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(drip));
    });
    const { url } = await start(origin, { timing: { idleMs: 1_000, bodyMs: 200 } });
    await expect(ask(url + KEY)).rejects.toThrow(CUT_OFF);
  });

  it('is one of a bounded number', async () => {
    const origin = counted(() => {});
    const { url, buffer } = await start(await serve(origin), { timing: { firstByteMs: 1_500 } });
    const answers = Array.from({ length: 32 + 256 + 5 }, (_, number) => ask(url + segment(number)));
    await expect.poll(() => buffer.stats().activeFills).toBe(32 + 256);
    expect(origin.seen.length).toBeLessThanOrEqual(32);
    const busy = await Promise.race(answers);
    expect([busy.status, busy.code, busy.headers['retry-after']]).toEqual([503, 'busy', '1']);
    await buffer.stop();
    await Promise.allSettled(answers);
  });

  it.each([
    [404, 'file-unknown', 404, 'file-unknown'],
    [404, 'video-unknown', 503, 'no-source'],
    [410, 'video-withdrawn', 410, 'video-withdrawn'],
  ])(
    'says what the origin says (%i %s), and does not ask again at once',
    async (status, code, ...expected) => {
      const origin = counted(refuse(status, code));
      const { url } = await start(await serve(origin));
      const answer = await ask(url + KEY);
      expect([answer.status, answer.code]).toEqual(expected);
      if (answer.status === 503) expect(answer.headers['retry-after']).toBe('2');
      else {
        await ask(url + KEY);
        expect(origin.seen).toHaveLength(1);
      }
    },
  );
});

describe('other sites', () => {
  it('are asked in the order of the tracker, this one left out, and named to it', async () => {
    const [origin, self, first, second] = [unknownHere, sendBody, unknownHere, sendBody].map(counted);
    const tracker = await trackerOf([
      { site: SELF, baseUrl: await serve(self!) },
      { site: newSiteId(), baseUrl: 'file:///etc' },
      { site: 'no id', baseUrl: 'http://127.0.0.1:1' },
      await serve(first!),
      await serve(second!),
    ]);
    const { url } = await start(await serve(origin!), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect([self, first, second].map(site => site!.seen.length)).toEqual([0, 1, 1]);
    expect(second!.seen[0]?.['tributary-fill']).toBe(SELF);
    expect(origin!.seen[0]?.['tributary-fill']).toBeUndefined();
    expect(tracker.state.asked).toEqual([`/play/${VIDEO}?fill=${SELF}`]);
  });

  it('are not asked for a file that the origin knows not to exist', async () => {
    const other = counted(sendBody);
    const tracker = await trackerOf([await serve(other)]);
    const { url } = await start(await serve(refuse(404, 'file-unknown')), { trackerUrl: tracker.url });
    expect((await ask(url + KEY)).status).toBe(404);
    expect([other.seen.length, tracker.state.asked.length]).toEqual([0, 0]);
  });

  it('help out when the own origin is broken', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const { url } = await start(await serve(refuse(500, 'x')), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it('go on where one broke off, byte for byte', async () => {
    const good = await start(await serve(sendBody), { folder: 'good', siteId: newSiteId() });
    const second = counted((request, response) => good.buffer.handle(request, response));
    const tracker = await trackerOf([await serve(sendHalf), await serve(second)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(second.seen).toHaveLength(1);
    expect(second.seen[0]).toMatchObject({ range: 'bytes=100000-', 'if-range': ETAG });
    // What was put together is what is kept.
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(second.seen).toHaveLength(1);
  });

  it('may go on with the whole, of which the first part is passed over', async () => {
    const tracker = await trackerOf([await serve(sendHalf), await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it.each<[string, Handler, Handler]>([
    [
      'of other bytes',
      sendHalf,
      ({ url }, response) =>
        void response
          .writeHead(200, {
            'content-length': BODY.length,
            etag: ETAG,
            ...proved(url, Buffer.alloc(BODY.length)),
          })
          .end(Buffer.alloc(BODY.length)),
    ],
    [
      'of another part',
      sendHalf,
      ({ url }, response) =>
        void response
          .writeHead(206, {
            'content-length': 10,
            'content-range': `bytes 0-9/${BODY.length}`,
            etag: ETAG,
            ...proved(url),
          })
          .end(BODY.subarray(0, 10)),
    ],
  ])('never go on with an answer %s', async (_name, first, second) => {
    const tracker = await trackerOf([await serve(first), await serve(second)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    await expect(ask(url + KEY)).rejects.toThrow(CUT_OFF);
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0, activeFills: 0 });
  });

  it('that failed just now come last', async () => {
    const bad = counted(refuse(500, 'x'));
    const tracker = await trackerOf([await serve(bad), await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    for (const number of [0, 1, 2]) expect((await ask(url + segment(number))).status).toBe(200);
    expect(bad.seen).toHaveLength(1);
  });

  it('cannot withdraw what another holds', async () => {
    const tracker = await trackerOf([await serve(refuse(410, 'video-withdrawn')), await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it('that say "withdrawn" are not believed: that is for its own site and the tracker to say', async () => {
    const site = counted((request, response) =>
      (request.url === segment(0) ? sendBody : refuse(410, 'video-withdrawn'))(request, response),
    );
    const tracker = await trackerOf([await serve(site)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    await ask(url + segment(0));
    expect((await ask(url + segment(1))).code).toBe('no-source');
    expect((await ask(url + segment(0))).status).toBe(200);
    expect([site.seen.length, buffer.stats().hits]).toEqual([2, 1]);
  });

  it('are remembered while the tracker is away', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect((await ask(url + segment(0))).status).toBe(200);
    const now = Date.now;
    try {
      Date.now = () => now() + 11_000;
      tracker.state.answer = 'nothing';
      expect((await ask(url + segment(1))).status).toBe(200);
      expect(tracker.state.asked).toHaveLength(2);
      // Not asked for every segment then.
      expect((await ask(url + segment(2))).status).toBe(200);
      expect(tracker.state.asked).toHaveLength(2);
    } finally {
      Date.now = now;
    }
  });

  it.each<[TrackerState['answer'], number, string]>([
    ['nothing', 503, 'no-source'],
    [503, 503, 'no-source'],
    [404, 404, 'video-unknown'],
    [410, 410, 'video-withdrawn'],
  ])('tracker answers %s: %i %s', async (answer, ...expected) => {
    const tracker = await trackerOf([]);
    tracker.state.answer = answer;
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    const { status, code } = await ask(url + KEY);
    expect([status, code]).toEqual(expected);
  });

  it('get what is here, and never make it ask a third one', async () => {
    const third = counted(sendBody);
    const tracker = await trackerOf([await serve(third)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    const headers = { 'tributary-fill': newSiteId() };
    const refused = await ask(url + KEY, headers);
    expect([refused.status, refused.code, third.seen.length]).toEqual([404, 'video-unknown', 0]);
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(sha256((await ask(url + KEY, headers)).body)).toBe(sha256(BODY));
    expect(third.seen).toHaveLength(1);
  });

  it('that ask each other for the same file do not wait for one another', async () => {
    const [a, b] = [newSiteId(), newSiteId()];
    const urls: Record<string, string> = {};
    const trackerUrl = await serve((_request, response) => {
      const sources = [a, b].map(site => ({ site, baseUrl: urls[site] }));
      response.end(JSON.stringify({ video: VIDEO, sources }));
    });
    const origin = await serve(
      (request, response) => void sleep(20).then(() => unknownHere(request, response)),
    );
    for (const siteId of [a, b])
      urls[siteId] = (await start(origin, { trackerUrl, siteId, folder: siteId })).url;
    const before = performance.now();
    const answers = await Promise.all([ask(urls[a] + KEY), ask(urls[b] + KEY)]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(performance.now() - before).toBeLessThan(1_500);
  });
});

describe('as a shared cache (RFC 9111)', () => {
  const sendWith =
    (headers: OutgoingHttpHeaders): Handler =>
    (_request, response) => {
      response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...headers }).end(BODY);
    };

  it.each<[string, OutgoingHttpHeaders]>([
    ['no-store', { 'cache-control': 'no-store' }],
    ['private, among others', { 'cache-control': 'max-age=600, Private' }],
    ['no-cache', { 'cache-control': 'no-cache' }],
    ['max-age=0', { 'cache-control': 'max-age=0' }],
    ['s-maxage=0', { 'cache-control': 'max-age=600, s-maxage=0' }],
    ['Vary', { vary: 'Cookie' }],
    ['Set-Cookie', { 'set-cookie': 'a=b' }],
  ])('it keeps nothing that came with %s, and lets nobody else keep it', async (_name, headers) => {
    const origin = counted(sendWith(headers));
    const { url, buffer } = await start(await serve(origin));
    for (const _ of [1, 2]) {
      const answer = await ask(url + KEY);
      expect([sha256(answer.body), answer.headers['cache-control']]).toEqual([sha256(BODY), 'no-store']);
      expect([answer.headers.vary, answer.headers['set-cookie']]).toEqual([undefined, undefined]);
    }
    expect(origin.seen).toHaveLength(2);
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
  });

  it.each<[string, OutgoingHttpHeaders]>([
    ['public, max-age', { 'cache-control': 'public, max-age=31536000, immutable' }],
    ['s-maxage, which stands above max-age=0', { 'cache-control': 'max-age=0, s-maxage=60' }],
    ['a word that nobody knows', { 'cache-control': 'no-storage, x="no-store-x"' }],
  ])('it keeps what came with %s', async (_name, headers) => {
    const origin = counted(sendWith(headers));
    const { url } = await start(await serve(origin));
    for (const _ of [1, 2]) expect((await ask(url + KEY)).status).toBe(200);
    expect(origin.seen).toHaveLength(1);
  });

  it('a client may not make it ask again, as it may not with other caches of CDNs', async () => {
    const origin = counted(sendBody);
    const { url } = await start(await serve(origin));
    await ask(url + KEY);
    for (const headers of [
      { 'cache-control': 'no-cache' },
      { pragma: 'no-cache' },
      { 'cache-control': 'no-store' },
    ])
      expect((await ask(url + KEY, headers)).status).toBe(200);
    expect(origin.seen).toHaveLength(1);
  });

  it('304 and 206 carry what they must, and no more', async () => {
    const { url } = await start(await serve(sendBody));
    await ask(url + KEY);
    const unchanged = await ask(url + KEY, { 'if-none-match': ETAG });
    expect(unchanged.headers).toMatchObject({
      etag: ETAG,
      'cache-control': 'public, max-age=31536000, immutable',
      date: expect.any(String),
    });
    expect([unchanged.body.length, unchanged.headers['content-length']]).toEqual([0, undefined]);
    const part = await ask(url + KEY, { range: 'bytes=0-0' });
    expect(part.headers).toMatchObject({ etag: ETAG, 'content-length': '1', 'accept-ranges': 'bytes' });
    // A validator that we never gave: the date is none of ours, so the condition is passed over (section 13.1.3).
    const dated = await ask(url + KEY, { 'if-modified-since': new Date().toUTCString() });
    expect(dated.status).toBe(200);
    const head = await ask(url + KEY, { 'if-none-match': ETAG }, 'HEAD');
    expect(head.status).toBe(304);
  });
});

describe('bytes of other sites', () => {
  /** As long as BODY, with one bit turned over near the end. */
  const ALTERED = Buffer.from(BODY);
  ALTERED[BODY.length - 1_000]! ^= 1;
  const sendAltered: Handler = ({ url }, response) => {
    response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...proved(url) }).end(ALTERED);
  };
  const sendAs =
    (headers: (path: string) => Record<string, string>): Handler =>
    ({ url = '' }, response) => {
      response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...headers(url) }).end(BODY);
    };

  it('that were altered are never finished, never kept, and their holder comes last from then on', async () => {
    const liar = counted(sendAltered);
    const honest = counted(sendBody);
    const tracker = await trackerOf([await serve(liar), await serve(honest)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    // The first viewer was given bytes that turned out to be wrong: cut off, so that no player takes them for whole.
    expect(await ask(url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    // What the other holder sent in the same fill is right, and kept.
    await expect.poll(() => buffer.stats().memoryBytes).toBeGreaterThan(BODY.length);
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    for (const number of [1, 2, 3])
      expect(sha256((await ask(url + segment(number))).body)).toBe(sha256(BODY));
    expect([liar.seen.length, honest.seen.length]).toEqual([1, 4]);
  });

  it('that are few are checked before any of them is given', async () => {
    const playlist = KEY.replace('0.m4s', 'media.m3u8');
    const right = Buffer.from('#EXTM3U right');
    const send =
      (body: string): Handler =>
      ({ url }, response) =>
        void response.writeHead(200, { 'content-length': body.length, ...proved(url, right) }).end(body);
    const tracker = await trackerOf([await serve(send('#EXTM3U wrong')), await serve(send(String(right)))]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect((await ask(url + playlist)).body.toString()).toBe(String(right));
  });

  it('are kept by nobody where no holder is left who has the right ones', async () => {
    const tracker = await trackerOf([await serve(sendAltered)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(await ask(url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0, activeFills: 0 });
    expect(await readdir(join(directory, 'kept'))).toEqual([]);
  });

  it.each<[string, (path: string) => Record<string, string>]>([
    ['without a proof', () => ({})],
    ['signed for another path', () => proved(segment(7))],
    ['signed by another site', path => provedBy(STRANGER, path, BODY)],
    [
      'whose signature is of other bytes',
      path => ({ ...proved(path), 'Repr-Digest': proved(path, ALTERED)['Repr-Digest'] ?? '' }),
    ],
    [
      'that name the right key and are signed with another',
      path => ({ ...proved(path), Signature: provedBy(STRANGER, path, BODY).Signature ?? '' }),
    ],
  ])('are refused %s, before a viewer is given one of them', async (_name, headers) => {
    const tracker = await trackerOf([await serve(sendAs(headers))]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    const { status, code } = await ask(url + KEY);
    expect([status, code]).toEqual([502, 'fill-failed']);
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, egress: { fills: 0 } });
  });

  it('go on with their proof to a third site, also out of the disk and after a restart', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const middle = { trackerUrl: tracker.url, folder: 'middle', siteId: newSiteId() };
    const first = await start(await serve(unknownHere), middle);
    await ask(first.url + KEY);
    const far = await trackerOf([first.url]);
    const third = await start(await serve(unknownHere), { trackerUrl: far.url, folder: 'third' });
    expect(sha256((await ask(third.url + KEY)).body)).toBe(sha256(BODY));
    await first.buffer.stop();

    const again = await start(await serve(unknownHere), middle);
    const farther = await trackerOf([again.url]);
    const fourth = await start(await serve(unknownHere), { trackerUrl: farther.url, folder: 'fourth' });
    expect(sha256((await ask(fourth.url + KEY)).body)).toBe(sha256(BODY));
    expect(again.buffer.stats()).toMatchObject({ diskReads: 1, fills: 0 });
    // Viewers are not burdened with it.
    expect((await ask(fourth.url + KEY)).headers['repr-digest']).toBeUndefined();
  });
});

describe('the link between sites', () => {
  it('carries a title that a hundred viewers watch once: at most 1.02 times its size', async () => {
    const SEGMENTS = 25;
    const origin: Handler = (request, response) => {
      const number = Number(/(\d+)\.m4s$/.exec(request.url ?? '')?.[1]);
      if (number >= SEGMENTS) refuse(404, 'file-unknown')(request, response);
      else sendBody(request, response);
    };
    const home = await start(await serve(origin), { folder: 'home', siteId: newSiteId() });
    const tracker = await trackerOf([home.url]);
    const far = await start(await serve(unknownHere), {
      trackerUrl: tracker.url,
      folder: 'far',
      mayFetchAhead: true,
    });
    const watch = async (viewer: number): Promise<void> => {
      // They come one after the other, and overtake one another.
      await sleep(viewer * 2);
      for (let number = 0; number < SEGMENTS; number++) {
        const { body } = await ask(`${far.url}${segment(number)}?CMCD=sid%3D${viewer}`);
        if (!body.equals(BODY)) throw new Error(`viewer ${viewer} was given other bytes`);
      }
    };
    await Promise.all(Array.from({ length: 100 }, (_, viewer) => watch(viewer)));
    await expect.poll(() => home.buffer.stats().activeResponses).toBe(0);
    const wire = home.buffer.stats().egress.fills;
    const title = SEGMENTS * BODY.length;
    expect(wire).toBeGreaterThan(title);
    expect(wire / title).toBeLessThan(1.02);
  });
});

describe('the lane, while a segment arrives', () => {
  async function startLane(origin: string, options: Parameters<typeof start>[1] = {}): Promise<Setup> {
    const { buffer } = await start(origin, options);
    const server = createNodeServer(buffer.handle, { fastPath: buffer.fastPath });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    closers.push(
      () =>
        new Promise(done => {
          buffer.fastPath?.close();
          server.close(() => done());
          server.closeAllConnections();
        }),
    );
    return { buffer, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  it('answers two hundred viewers out of one fill, as node:http would', async () => {
    let release = (): void => {};
    const origin = counted((request, response) => {
      release = () => sendBody(request, response);
    });
    const { url, buffer } = await startLane(await serve(origin));
    const asked = Array.from({ length: 200 }, () => ask(url + KEY));
    await expect.poll(() => buffer.stats().activeResponses, { timeout: 10_000 }).toBe(200);
    release();
    const answers = await Promise.all(asked);
    expect(answers.filter(({ body }) => body.equals(BODY))).toHaveLength(200);
    expect(origin.seen).toHaveLength(1);
    const slow = await start(await serve(sendBody), { folder: 'slow' });
    const { date: _date, connection: _connection, 'keep-alive': _alive, ...headers } = answers[0]!.headers;
    const { date, connection, 'keep-alive': alive, ...others } = (await ask(slow.url + KEY)).headers;
    expect(headers).toEqual(others);
    expect([date, connection, alive].every(Boolean)).toBe(true);
    await expect
      .poll(() => buffer.stats())
      .toMatchObject({ misses: 200, activeResponses: 0, activeFills: 0 });
    // Heads are counted with the bodies.
    expect(buffer.stats().egress.viewers).toBeGreaterThan(200 * (BODY.length + 400));
  });

  it('says why not, keeps the connection, and answers what comes next on it', async () => {
    let isWell = false;
    const { url, buffer } = await startLane(
      await serve((request, response) => (isWell ? sendBody : refuse(500, 'x'))(request, response)),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closers.push(() => agent.destroy());
    const refused = await ask(url + KEY, {}, 'GET', agent);
    expect([refused.status, refused.code]).toEqual([502, 'fill-failed']);
    isWell = true;
    expect(sha256((await ask(url + KEY, {}, 'GET', agent)).body)).toBe(sha256(BODY));
    expect(sha256((await ask(url + KEY, {}, 'GET', agent)).body)).toBe(sha256(BODY));
    expect(buffer.stats()).toMatchObject({ misses: 2, hits: 1, activeResponses: 0 });
  });

  it('cuts off what cannot be finished, and what turned out to be altered', async () => {
    const half = await startLane(await serve(sendHalf), { folder: 'half' });
    expect(await ask(half.url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    const altered = Buffer.from(BODY);
    altered[7]! ^= 1;
    const tracker = await trackerOf([
      await serve(({ url }, response) => {
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...proved(url) }).end(altered);
      }),
    ]);
    const lied = await startLane(await serve(unknownHere), { folder: 'lied', trackerUrl: tracker.url });
    expect(await ask(lied.url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    for (const { buffer } of [half, lied])
      await expect.poll(() => buffer.stats()).toMatchObject({ activeResponses: 0, memoryBytes: 0 });
  });

  it('lets a viewer leave, and gives one who does not read no more than the connection takes', async () => {
    const big = randomBytes(30_000_000);
    let release = (): void => {};
    const { url, buffer } = await startLane(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-length': big.length, etag: ETAG });
        response.write(big.subarray(0, 1_000));
        release = () => response.end(big.subarray(1_000));
      }),
      { memoryBytes: 2 ** 27, diskBytes: 2 ** 27 },
    );
    const leader = httpRequest(url + KEY, { agent: false }).on('error', () => {});
    leader.end();
    await new Promise(done => leader.once('response', response => response.once('data', done)));
    const slow = httpRequest(url + KEY, { agent: false }).end();
    const response = await new Promise<IncomingMessage>(done => slow.once('response', done));
    response.pause();
    leader.destroy();
    release();
    await expect.poll(() => buffer.stats().memoryBytes, { timeout: 5_000 }).toBeGreaterThan(big.length);
    await expect.poll(() => buffer.stats().activeResponses).toBe(1);
    expect(buffer.stats().egress.viewers).toBeLessThan(big.length);
    const hash = createHash('sha256');
    for await (const piece of response) hash.update(piece as Buffer);
    expect(hash.digest('hex')).toBe(sha256(big));
  });
});

describe('what comes next', () => {
  const away = async (answer: Handler = sendBody) => {
    const holder = counted(answer);
    const tracker = await trackerOf([await serve(holder)]);
    return { holder, trackerUrl: tracker.url };
  };

  it('is fetched ahead of the viewer, who then waits for nothing', async () => {
    const { holder, trackerUrl } = await away();
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl, mayFetchAhead: true });
    await ask(url + segment(0));
    await expect.poll(() => holder.seen.length).toBe(3);
    await expect.poll(() => buffer.stats().activeFills).toBe(0);
    expect(holder.seen.map(({ priority }) => priority)).toEqual([undefined, 'u=6', 'u=6']);
    // Each step of the viewer moves the window on by one.
    await ask(url + segment(1));
    await expect.poll(() => holder.seen.length).toBe(4);
    await expect.poll(() => buffer.stats().activeFills).toBe(0);
    await ask(url + segment(2));
    await expect.poll(() => holder.seen.length).toBe(5);
    expect(buffer.stats()).toMatchObject({ misses: 1, hits: 2 });
  });

  it('is left alone where this site has the video itself, and outside of the time for it', async () => {
    const origin = counted(sendBody);
    const own = await start(await serve(origin), { mayFetchAhead: true });
    await ask(own.url + segment(0));
    const { holder, trackerUrl } = await away();
    const late = await start(await serve(unknownHere), { trackerUrl, folder: 'late', mayFetchAhead: false });
    await ask(late.url + segment(0));
    await sleep(100);
    expect([origin.seen.length, holder.seen.length]).toEqual([1, 1]);
  });

  it('is fetched in earnest once a viewer waits for it, though it was refused before', async () => {
    const refusals = new Map<string | undefined, () => void>();
    const { holder, trackerUrl } = await away((request, response) => {
      if (request.headers.priority === undefined) sendBody(request, response);
      else refusals.set(request.url, () => refuse(503, 'link-full')(request, response));
    });
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl, mayFetchAhead: true });
    await ask(url + segment(0));
    await expect.poll(() => holder.seen.length).toBe(3);
    const waiting = ask(url + segment(2));
    await expect.poll(() => buffer.stats().activeResponses).toBe(1);
    refusals.get(segment(2))?.();
    expect(sha256((await waiting).body)).toBe(sha256(BODY));
  });
});

describe('what is kept', () => {
  const kept = async (): Promise<string[]> => readdir(join(directory, 'kept', VIDEO));

  it('on disk outlives a restart, its validator included, and is read once for all who wait', async () => {
    const origin = counted(sendBody);
    const originUrl = await serve(origin);
    const first = await start(originUrl);
    await ask(first.url + KEY);
    await first.buffer.stop();
    const second = await start(originUrl);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(second.url + KEY)));
    expect(answers.every(({ body, headers }) => body.equals(BODY) && headers.etag === ETAG)).toBe(true);
    expect(origin.seen).toHaveLength(1);
    expect(second.buffer.stats()).toMatchObject({ fills: 0, diskReads: 1, hits: 50 });
  });

  it.each<[string, (path: string) => Promise<void>]>([
    [
      'altered',
      async path => {
        const content = await readFile(path);
        content[5_000] = (content[5_000] ?? 0) ^ 1;
        await writeFile(path, content);
      },
    ],
    [
      'with an altered validator',
      async path => {
        const content = await readFile(path);
        const at = content.indexOf(ETAG);
        content[at + 1] = (content[at + 1] ?? 0) ^ 1;
        await writeFile(path, content);
      },
    ],
    ['torn', path => truncate(path, 5_000)],
    ['empty', path => truncate(path, 0)],
    ['gone', path => rm(path)],
  ])('on disk is a miss when it is %s', async (_name, harm) => {
    const origin = counted(sendBody);
    const originUrl = await serve(origin);
    const first = await start(originUrl);
    await ask(first.url + KEY);
    await first.buffer.stop();
    const [name = ''] = await kept();
    const path = join(directory, 'kept', VIDEO, name);
    const { ino } = await stat(path);
    await harm(path);
    const second = await start(originUrl);
    expect(sha256((await ask(second.url + KEY)).body)).toBe(sha256(BODY));
    expect(origin.seen).toHaveLength(2);
    await second.buffer.stop();
    // The bad one is gone, a good one is in its place.
    expect((await stat(path)).size).toBeGreaterThan(BODY.length);
    expect(ino).toBeGreaterThan(0);
    const third = await start(originUrl);
    expect(sha256((await ask(third.url + KEY)).body)).toBe(sha256(BODY));
    expect(origin.seen).toHaveLength(2);
  });

  it('on disk is a miss under the name of another file', async () => {
    const originUrl = await serve((request, response) => {
      const body = Buffer.from(request.url ?? '');
      response.writeHead(200, { 'content-length': body.length, etag: ETAG }).end(body);
    });
    const first = await start(originUrl);
    await ask(first.url + segment(0));
    await first.buffer.stop();
    const [zero = ''] = await kept();
    await ask((await start(originUrl)).url + segment(1));
    await expect.poll(async () => (await kept()).filter(name => !name.endsWith('.part')).length).toBe(2);
    const one = (await kept()).find(name => name !== zero) ?? '';
    await rename(join(directory, 'kept', VIDEO, zero), join(directory, 'kept', VIDEO, one));
    const second = await start(originUrl);
    expect((await ask(second.url + segment(1))).body.toString()).toBe(segment(1));
  });

  it('stays within its limits, the least recently used out first', async () => {
    const origin = counted(sendBody);
    const { url, buffer } = await start(await serve(origin), {
      memoryBytes: 1_000_000,
      diskBytes: 2_000_000,
    });
    for (let number = 0; number < 20; number++) {
      await ask(url + segment(number));
      // The first one stays in demand.
      await ask(url + segment(0));
      const { memoryBytes, diskBytes } = buffer.stats();
      expect(memoryBytes).toBeLessThanOrEqual(1_000_000);
      expect(diskBytes).toBeLessThanOrEqual(2_000_000);
    }
    expect(origin.seen).toHaveLength(20);
    await buffer.stop();
    const names = await kept();
    const sizes = await Promise.all(names.map(name => stat(join(directory, 'kept', VIDEO, name))));
    const total = sizes.reduce((sum, { size }) => sum + size, 0);
    expect(total).toBe(buffer.stats().diskBytes);
    expect(names).toHaveLength(6);
  });

  it('on disk stays longer for having been in demand in memory', async () => {
    const origin = counted(sendBody);
    // Two files fit into memory, four on the disk.
    const { url, buffer } = await start(await serve(origin), { memoryBytes: 650_000, diskBytes: 1_250_000 });
    // 0 and 1 are asked for twice, so that 2 pushes 0 out of memory although it was in demand; what follows is asked for once.
    for (const number of [0, 0, 1, 1, 2, 0, 3, 4, 5, 0]) {
      await ask(url + segment(number));
      const filled = origin.seen.length;
      await expect.poll(() => buffer.stats().diskBytes).toBeGreaterThan(Math.min(filled, 4) * BODY.length);
    }
    expect(origin.seen).toHaveLength(6);
    expect(buffer.stats().diskReads).toBeGreaterThan(0);
  });

  it('is brought within a smaller limit at the next start', async () => {
    const originUrl = await serve(sendBody);
    const first = await start(originUrl);
    for (let number = 0; number < 5; number++) await ask(first.url + segment(number));
    await first.buffer.stop();
    expect(await kept()).toHaveLength(5);
    const second = await start(originUrl, { diskBytes: 700_000 });
    expect(second.buffer.stats().diskBytes).toBeLessThanOrEqual(700_000);
    expect(await kept()).toHaveLength(2);
  });

  it('what is larger than memory allows is served all the same', async () => {
    const { url, buffer } = await start(await serve(sendBody), { memoryBytes: 1_000, diskBytes: 1_000 });
    for (const _ of [1, 2]) expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0, fills: 2 });
  });

  it('a disk that fails only means that nothing is kept there', async () => {
    // A file stands where the directory of the video should be.
    await mkdir(join(directory, 'kept'));
    await writeFile(join(directory, 'kept', VIDEO), '');
    const { url, buffer } = await start(await serve(sendBody));
    for (const _ of [1, 2]) expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(buffer.stats()).toMatchObject({ hits: 1, fills: 1, diskBytes: 0 });
    // And one where the whole tier should be.
    await writeFile(join(directory, 'file'), '');
    const other = await start(await serve(sendBody), { folder: 'file' });
    expect(sha256((await ask(other.url + KEY)).body)).toBe(sha256(BODY));
  });
});

describe('a withdrawn video', () => {
  it('is forgotten, and can be allowed again', async () => {
    const origin = counted(sendBody);
    const { url, buffer } = await start(await serve(origin));
    await ask(url + KEY);
    await buffer.drop(VIDEO);
    const gone = await ask(url + KEY);
    expect([gone.status, gone.code]).toEqual([410, 'video-withdrawn']);
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
    expect(await readdir(join(directory, 'kept'))).toEqual([]);
    expect(origin.seen).toHaveLength(1);
    buffer.allow(VIDEO);
    expect((await ask(url + KEY)).status).toBe(200);
    expect(origin.seen).toHaveLength(2);
  });

  it('is cut off while it fills, and not kept', async () => {
    const { url, buffer } = await start(
      await serve((request, response) => {
        if (request.url === segment(1)) return;
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG });
        response.write(BODY.subarray(0, 1_000));
      }),
    );
    const flowing = ask(url + segment(0)).then(
      () => 'whole',
      () => 'cut off',
    );
    const waiting = ask(url + segment(1));
    await expect.poll(() => buffer.stats().egress.viewers).toBe(1_000);
    await buffer.drop(VIDEO);
    expect(await flowing).toBe('cut off');
    expect((await waiting).code).toBe('video-withdrawn');
    await expect.poll(() => buffer.stats().activeFills).toBe(0);
    expect(buffer.stats().memoryBytes).toBe(0);
  });

  it('is forgotten too when the tracker says that it is gone', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    await ask(url + segment(0));
    tracker.state.answer = 410;
    const now = Date.now;
    try {
      Date.now = () => now() + 11_000;
      expect((await ask(url + segment(1))).status).toBe(410);
    } finally {
      Date.now = now;
    }
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
    // The sites that the tracker named before are forgotten with it.
    expect((await ask(url + segment(0))).status).toBe(410);
  });
});

describe('stop', () => {
  it('ends what is under way and begins nothing new', async () => {
    const origin = counted(() => {});
    const { url, buffer } = await start(await serve(origin));
    const waiting = ask(url + KEY);
    await expect.poll(() => origin.seen.length).toBe(1);
    await buffer.stop();
    expect((await waiting).status).toBe(503);
    expect((await ask(url + segment(1))).status).toBe(503);
    expect(origin.seen).toHaveLength(1);
  });
});

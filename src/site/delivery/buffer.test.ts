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
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeServer } from '../../kernel/http/server.ts';
import { type KeyPair, readOrMakeKey } from '../../kernel/identity/keys.ts';
import { formatProof, signBytes } from '../../kernel/identity/proofs.ts';
import { silentLog } from '../../kernel/log.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../protocol/base/ids.ts';
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
const OTHER_SITE = await readOrMakeKey(join(await mkdtemp(join(tmpdir(), 'tributary-key-')), 'key'));
/** The proof of the video's own site for a file. */
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
/** Announces all of BODY, sends the first 100,000 bytes and closes the connection. */
const sendHalf: Handler = (request, response) => {
  response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...proved(request.url) });
  response.write(BODY.subarray(0, 100_000), () => response.destroy());
};
const reject =
  (status: number, code: string): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code }));
  };
const unknownHere = reject(404, 'video-unknown');

/** Records the headers of every request. */
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
    directory: join(directory, options.folder ?? 'cache'),
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

interface ClientResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly code: string | undefined;
}
/** Sends exactly this request, without a pool, unlike fetch. @throws Error if the response is cut off */
function ask(
  url: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
  agent: Agent | false = false,
): Promise<ClientResponse> {
  return new Promise((resolve, reject) => {
    const { origin } = new URL(url);
    // Kept alive, so that only a destroyed connection shows that a response is incomplete, never a regular close.
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

/** The errors of node's client for a connection that was cut off; never "hangs". */
const CUT_OFF = /aborted|socket hang up|ECONNRESET/;
const brokenOr = (error: Error): string => (CUT_OFF.test(error.message) ? 'broken' : error.message);

interface TrackerState {
  mode: 'sites' | 'nothing' | number;
  asked: string[];
}
/** A tracker that names these sites as sources, until the test sets another mode. */
async function trackerOf(
  sites: readonly (string | { readonly site: string; readonly baseUrl: string })[],
): Promise<{ readonly url: string; readonly state: TrackerState }> {
  const state: TrackerState = { mode: 'sites', asked: [] };
  const sources = sites.map(site =>
    typeof site === 'string' ? { site: newSiteId(), baseUrl: site, name: 'A site', extra: true } : site,
  );
  const origin = { site: newSiteId(), publicKey: ORIGIN.publicKey };
  const url = await serve((request, response) => {
    state.asked.push(request.url ?? '');
    if (state.mode === 'nothing') response.destroy();
    else if (state.mode === 'sites') response.end(JSON.stringify({ video: VIDEO, sources, origin, more: 1 }));
    else reject(state.mode, state.mode === 410 ? 'video-withdrawn' : 'video-unknown')(request, response);
  });
  return { url, state };
}

describe('HTTP, cold and warm (RFC 9110)', () => {
  const whole = { status: 200, body: BODY };
  const cases: readonly [string, OutgoingHttpHeaders, { status: number; body?: Buffer; range?: string }][] = [
    ['the whole file', {}, whole],
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
      'a range after the end',
      { range: `bytes=${BODY.length}-` },
      { status: 416, range: `bytes */${BODY.length}` },
    ],
    [
      'If-Range that matches',
      { range: 'bytes=0-9', 'if-range': ETAG },
      { status: 206, body: BODY.subarray(0, 10) },
    ],
    ['If-Range that does not match', { range: 'bytes=0-9', 'if-range': '"x"' }, whole],
    ['If-Range with a weak tag', { range: 'bytes=0-9', 'if-range': `W/${ETAG}` }, whole],
    ['If-Range with a date', { range: 'bytes=0-9', 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' }, whole],
    ['If-None-Match that matches', { 'if-none-match': `"x", W/${ETAG}` }, { status: 304 }],
    ['If-None-Match before Range', { 'if-none-match': '*', range: 'bytes=0-9' }, { status: 304 }],
    ['If-None-Match that does not match', { 'if-none-match': '"x"' }, whole],
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

  it('HEAD has the headers of GET, and ignores Range', async () => {
    const { url } = await start(await serve(sendBody));
    for (const headers of [{}, { range: 'bytes=0-9' }, {}, { range: 'bytes=0-9' }]) {
      const { status, body, headers: got } = await ask(url + KEY, headers, 'HEAD');
      expect([status, body.length, got['content-length']]).toEqual([200, 0, String(BODY.length)]);
    }
  });

  it('compresses playlists for clients that ask, and never segments, ranges or fills', async () => {
    const playlist = KEY.replace('0.m4s', 'media.m3u8');
    const text = Buffer.from('#EXTINF:4\n0.m4s\n'.repeat(500));
    const origin = counted(({ url }, response) => {
      const body = url === playlist ? text : BODY;
      response.writeHead(200, { 'content-length': body.length, etag: ETAG }).end(body);
    });
    const { url } = await start(await serve(origin));
    for (const key of [playlist, KEY]) await ask(url + key);
    const gzip = { 'accept-encoding': 'gzip' };
    const plain = await ask(url + playlist);
    const coded = await ask(url + playlist, gzip);
    expect(plain.body.equals(text)).toBe(true);
    expect(plain.headers).toMatchObject({ vary: 'Accept-Encoding', etag: ETAG });
    expect(gunzipSync(coded.body).equals(text)).toBe(true);
    const etag = ETAG.replace(/"$/, '-gzip"');
    expect(coded.headers).toMatchObject({ vary: 'Accept-Encoding', etag, 'content-encoding': 'gzip' });
    const head = await ask(url + playlist, gzip, 'HEAD');
    expect(head.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(coded.body.length),
    });
    expect((await ask(url + playlist, { ...gzip, 'if-none-match': etag })).status).toBe(304);
    expect((await ask(url + playlist, { 'if-none-match': etag })).status).toBe(200);
    const part = await ask(url + playlist, { ...gzip, range: 'bytes=0-6' });
    expect([part.status, part.body.toString()]).toEqual([206, '#EXTINF']);
    const fill = await ask(url + playlist, { ...gzip, 'tributary-fill': 'x' });
    expect([fill.headers['content-encoding'], fill.body.equals(text)]).toEqual([undefined, true]);
    const media = await ask(url + KEY, gzip);
    expect([media.headers['content-encoding'], media.headers.vary]).toEqual([undefined, undefined]);
  });

  it('lets pages of every origin read responses', async () => {
    const { url } = await start(await serve(sendBody));
    const preflight = await ask(url + KEY, { origin: 'https://a.example' }, 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers['content-length']).toBeUndefined();
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': expect.stringMatching(/^\*, Authorization,/),
    });
    expect((await ask(url + KEY)).headers).toMatchObject({
      'timing-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'access-control-expose-headers': expect.stringMatching(/Content-Range.*Retry-After/),
      'accept-ranges': 'bytes',
    });
    const rejected = await ask(url + KEY, {}, 'POST');
    expect([rejected.status, rejected.code, rejected.headers.allow]).toEqual([
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
  ])('sets the content type of %s itself', async (file, type) => {
    const origin = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': 4 }).end('data');
    });
    const { url } = await start(origin);
    expect((await ask(`${url}${KEY.replace('source-video/0.m4s', file)}`)).headers['content-type']).toBe(
      type,
    );
  });

  it('makes a validator if the origin sends none, or only a weak one', async () => {
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
  ])('rejects %s without a request upstream', async path => {
    const origin = counted(sendBody);
    const { url } = await start(await serve(origin));
    const { status, code } = await ask(url + path);
    expect([status, code, origin.seen.length]).toEqual([404, 'not-found', 0]);
  });

  it('responds to pipelined requests in order, and counts none as active when the connection is closed', async () => {
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
    // The second response waits for the first, so it has no socket yet that could be closed. (If it already had bytes, node would
    // stop reading the connection, and would notice its end only at the next write.)
    const broken = pipeline(segment(2), segment(3));
    await expect.poll(() => releases.has(segment(3)) && buffer.stats().activeResponses).toBe(2);
    broken.destroy();
    await expect.poll(() => buffer.stats().activeResponses).toBe(0);
  });
});

describe('a fill', () => {
  it('can use a unix socket', async () => {
    const { url } = await start(await serve(sendBody, { path: join(directory, 'origin.sock') }));
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it('is shared by two hundred concurrent requests', async () => {
    const origin = counted((request, response) => void sleep(50).then(() => sendBody(request, response)));
    const { url } = await start(await serve(origin));
    const responses = await Promise.all(Array.from({ length: 200 }, () => ask(url + KEY)));
    expect(responses.filter(({ body }) => body.equals(BODY))).toHaveLength(200);
    expect(origin.seen).toHaveLength(1);
  });

  it('is served while it arrives: head and first bytes are sent before the origin has finished', async () => {
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

  it('is served as a range as soon as that has arrived', async () => {
    const { url } = await start(
      await serve((_request, response) => {
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG });
        response.write(BODY.subarray(0, 50_000));
      }),
    );
    const part = await ask(url + KEY, { range: 'bytes=10-40009' });
    expect([part.status, sha256(part.body)]).toEqual([206, sha256(BODY.subarray(10, 40_010))]);
  });

  it('continues when the viewer who caused it leaves', async () => {
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

  it('is cached even if all viewers have left', async () => {
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

  it('sends a viewer who does not read no more than the connection accepts', async () => {
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

  it('is retried if the origin has just closed an idle connection', async () => {
    // Closes every connection at its second request, like a server whose idle timeout has just passed.
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
    ['is cut off', sendHalf, /broken/],
    [
      'is shorter than announced',
      (_q, response) => void response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort`),
      /broken/,
    ],
    [
      'does not state its length',
      (_q, response) => void response.writeHead(200).end(BODY),
      /502 fill-failed/,
    ],
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
    ['is an error', reject(500, 'cut-failed'), /502 fill-failed/],
    [
      'is a redirect',
      (_q, response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
      /502 fill-failed/,
    ],
  ])('caches nothing of a response that %s, and asks again', async (_name, bad, outcome) => {
    let isWell = false;
    const { url, buffer } = await start(
      await serve((request, response) => (isWell ? sendBody : bad)(request, response)),
    );
    const first = await ask(url + KEY).then(({ status, code }) => `${status} ${code}`, brokenOr);
    expect(first).toMatch(outcome);
    await expect.poll(() => buffer.stats()).toMatchObject({ fillsFailed: 1, memoryBytes: 0, diskBytes: 0 });
    expect(await readdir(join(directory, 'cache'))).toEqual([]);
    isWell = true;
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it.each<[string, Handler, RegExp]>([
    ['never responds', () => {}, /502 fill-failed/],
    [
      'stops in the middle',
      (_q, response) => void response.writeHead(200, { 'content-length': 9 }).write('a'),
      /broken/,
    ],
    [
      'stops within a problem',
      (_q, response) => void response.writeHead(404, { 'content-length': 9 }).write('{'),
      /404/,
    ],
  ])('does not wait forever for an origin that %s', async (_name, hang, outcome) => {
    const { url, buffer } = await start(await serve(hang), { timing: { firstByteMs: 200, idleMs: 200 } });
    const reply = await ask(url + KEY).then(({ status, code }) => `${status} ${code}`, brokenOr);
    expect(reply).toMatch(outcome);
    expect(buffer.stats()).toMatchObject({ activeFills: 0, memoryBytes: 0 });
  });

  it('ends if the origin sends only a byte now and then', async () => {
    const origin = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      const drip = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(drip));
    });
    const { url } = await start(origin, { timing: { idleMs: 1_000, bodyMs: 200 } });
    await expect(ask(url + KEY)).rejects.toThrow(CUT_OFF);
  });

  it('is one of a limited number', async () => {
    const origin = counted(() => {});
    const { url, buffer } = await start(await serve(origin), { timing: { firstByteMs: 1_500 } });
    const responses = Array.from({ length: 32 + 256 + 5 }, (_, number) => ask(url + segment(number)));
    await expect.poll(() => buffer.stats().activeFills).toBe(32 + 256);
    expect(origin.seen.length).toBeLessThanOrEqual(32);
    const busy = await Promise.race(responses);
    expect([busy.status, busy.code, busy.headers['retry-after']]).toEqual([503, 'busy', '1']);
    await buffer.stop();
    await Promise.allSettled(responses);
  });

  it.each([
    [404, 'file-unknown', 404, 'file-unknown'],
    [404, 'video-unknown', 503, 'no-source'],
    [410, 'video-withdrawn', 410, 'video-withdrawn'],
  ])(
    'responds as the origin does (%i %s), and does not ask again at once',
    async (status, code, ...expected) => {
      const origin = counted(reject(status, code));
      const { url } = await start(await serve(origin));
      const reply = await ask(url + KEY);
      expect([reply.status, reply.code]).toEqual(expected);
      if (reply.status === 503) expect(reply.headers['retry-after']).toBe('2');
      else {
        await ask(url + KEY);
        expect(origin.seen).toHaveLength(1);
      }
    },
  );
});

describe('other sites', () => {
  it('are asked in the order of the tracker, without this one', async () => {
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

  it('are not asked for a file if the origin knows that it does not exist', async () => {
    const other = counted(sendBody);
    const tracker = await trackerOf([await serve(other)]);
    const { url } = await start(await serve(reject(404, 'file-unknown')), { trackerUrl: tracker.url });
    expect((await ask(url + KEY)).status).toBe(404);
    expect([other.seen.length, tracker.state.asked.length]).toEqual([0, 0]);
  });

  it('are used when the site’s own origin fails', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const { url } = await start(await serve(reject(500, 'x')), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it('continue where another was cut off, byte for byte', async () => {
    const good = await start(await serve(sendBody), { folder: 'good', siteId: newSiteId() });
    const second = counted((request, response) => good.buffer.handle(request, response));
    const tracker = await trackerOf([await serve(sendHalf), await serve(second)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(second.seen).toHaveLength(1);
    expect(second.seen[0]).toMatchObject({ range: 'bytes=100000-', 'if-range': ETAG });
    // The combined file is cached.
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(second.seen).toHaveLength(1);
  });

  it('may continue with the whole file, whose first part is skipped', async () => {
    const tracker = await trackerOf([await serve(sendHalf), await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it.each<[string, Handler, Handler]>([
    [
      'with other bytes',
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
      'with another part',
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
  ])('never continue with a response %s', async (_name, first, second) => {
    const tracker = await trackerOf([await serve(first), await serve(second)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    await expect(ask(url + KEY)).rejects.toThrow(CUT_OFF);
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0, activeFills: 0 });
  });

  it('that have just failed come last', async () => {
    const bad = counted(reject(500, 'x'));
    const tracker = await trackerOf([await serve(bad), await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    for (const number of [0, 1, 2]) expect((await ask(url + segment(number))).status).toBe(200);
    expect(bad.seen).toHaveLength(1);
  });

  it('cannot withdraw the video of another site', async () => {
    const tracker = await trackerOf([await serve(reject(410, 'video-withdrawn')), await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
  });

  it('that say "withdrawn" are ignored: only the video’s own site and the tracker can say that', async () => {
    const site = counted((request, response) =>
      (request.url === segment(0) ? sendBody : reject(410, 'video-withdrawn'))(request, response),
    );
    const tracker = await trackerOf([await serve(site)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    await ask(url + segment(0));
    expect((await ask(url + segment(1))).code).toBe('no-source');
    expect((await ask(url + segment(0))).status).toBe(200);
    expect([site.seen.length, buffer.stats().hits]).toEqual([2, 1]);
  });

  it('are remembered while the tracker is unavailable', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect((await ask(url + segment(0))).status).toBe(200);
    const now = Date.now;
    try {
      Date.now = () => now() + 11_000;
      tracker.state.mode = 'nothing';
      expect((await ask(url + segment(1))).status).toBe(200);
      expect(tracker.state.asked).toHaveLength(2);
      // The tracker is not asked again for every segment.
      expect((await ask(url + segment(2))).status).toBe(200);
      expect(tracker.state.asked).toHaveLength(2);
    } finally {
      Date.now = now;
    }
  });

  it.each<[TrackerState['mode'], number, string]>([
    ['nothing', 503, 'no-source'],
    [503, 503, 'no-source'],
    [404, 404, 'video-unknown'],
    [410, 410, 'video-withdrawn'],
  ])('if the tracker responds with %s: %i %s', async (mode, ...expected) => {
    const tracker = await trackerOf([]);
    tracker.state.mode = mode;
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    const { status, code } = await ask(url + KEY);
    expect([status, code]).toEqual(expected);
  });

  it('get the files of this site, and never make it ask a third one', async () => {
    const third = counted(sendBody);
    const tracker = await trackerOf([await serve(third)]);
    const { url } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    const headers = { 'tributary-fill': newSiteId() };
    const rejected = await ask(url + KEY, headers);
    expect([rejected.status, rejected.code, third.seen.length]).toEqual([404, 'video-unknown', 0]);
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(sha256((await ask(url + KEY, headers)).body)).toBe(sha256(BODY));
    expect(third.seen).toHaveLength(1);
  });

  it('that request the same file from each other do not wait for one another', async () => {
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
    const responses = await Promise.all([ask(urls[a] + KEY), ask(urls[b] + KEY)]);
    expect(responses.map(({ status }) => status)).toEqual([503, 503]);
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
  ])('it stores no response with %s, and lets no other cache store it', async (_name, headers) => {
    const origin = counted(sendWith(headers));
    const { url, buffer } = await start(await serve(origin));
    for (const _ of [1, 2]) {
      const reply = await ask(url + KEY);
      expect([sha256(reply.body), reply.headers['cache-control']]).toEqual([sha256(BODY), 'no-store']);
      expect([reply.headers.vary, reply.headers['set-cookie']]).toEqual([undefined, undefined]);
    }
    expect(origin.seen).toHaveLength(2);
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
  });

  it.each<[string, OutgoingHttpHeaders]>([
    ['public, max-age', { 'cache-control': 'public, max-age=31536000, immutable' }],
    ['s-maxage, which overrides max-age=0', { 'cache-control': 'max-age=0, s-maxage=60' }],
    ['an unknown directive', { 'cache-control': 'no-storage, x="no-store-x"' }],
  ])('it stores a response with %s', async (_name, headers) => {
    const origin = counted(sendWith(headers));
    const { url } = await start(await serve(origin));
    for (const _ of [1, 2]) expect((await ask(url + KEY)).status).toBe(200);
    expect(origin.seen).toHaveLength(1);
  });

  it('clients cannot force a revalidation, as with other caches of CDNs', async () => {
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

  it('304 and 206 have the headers that they must have, and no others', async () => {
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
    // This buffer never sends Last-Modified, so it ignores a condition with a date (section 13.1.3).
    const dated = await ask(url + KEY, { 'if-modified-since': new Date().toUTCString() });
    expect(dated.status).toBe(200);
    const head = await ask(url + KEY, { 'if-none-match': ETAG }, 'HEAD');
    expect(head.status).toBe(304);
  });
});

describe('bytes of other sites', () => {
  /** BODY with one bit flipped near the end. */
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

  it('that were altered are never completed or cached, and their holder comes last from then on', async () => {
    const hostile = counted(sendAltered);
    const honest = counted(sendBody);
    const tracker = await trackerOf([await serve(hostile), await serve(honest)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    // The first viewer received altered bytes. The response is cut off, so that no player takes it for complete.
    expect(await ask(url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    // The other holder sent the right bytes in the same fill, and they are cached.
    await expect.poll(() => buffer.stats().memoryBytes).toBeGreaterThan(BODY.length);
    expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    for (const number of [1, 2, 3])
      expect(sha256((await ask(url + segment(number))).body)).toBe(sha256(BODY));
    expect([hostile.seen.length, honest.seen.length]).toEqual([1, 4]);
  });

  it('of a small file are verified before any of them is sent', async () => {
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

  it('are not cached if no holder has the right ones', async () => {
    const tracker = await trackerOf([await serve(sendAltered)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    expect(await ask(url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0, activeFills: 0 });
    expect(await readdir(join(directory, 'cache'))).toEqual([]);
  });

  it.each<[string, (path: string) => Record<string, string>]>([
    ['without a proof', () => ({})],
    ['signed for another path', () => proved(segment(7))],
    ['signed by another site', path => provedBy(OTHER_SITE, path, BODY)],
    [
      'with a signature of other bytes',
      path => ({ ...proved(path), 'Repr-Digest': proved(path, ALTERED)['Repr-Digest'] ?? '' }),
    ],
    [
      'with the right key but a signature of another',
      path => ({ ...proved(path), Signature: provedBy(OTHER_SITE, path, BODY).Signature ?? '' }),
    ],
  ])('are rejected %s, before any of them is sent to a viewer', async (_name, headers) => {
    const tracker = await trackerOf([await serve(sendAs(headers))]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    const { status, code } = await ask(url + KEY);
    expect([status, code]).toEqual([502, 'fill-failed']);
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, egress: { fills: 0 } });
  });

  it('are passed to a third site with their proof, even from disk after a restart', async () => {
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
    // Viewers do not get the proof.
    expect((await ask(fourth.url + KEY)).headers['repr-digest']).toBeUndefined();
  });
});

describe('the link between sites', () => {
  it('carries a video that a hundred viewers watch once: at most 1.02 times its size', async () => {
    const SEGMENTS = 25;
    const origin: Handler = (request, response) => {
      const number = Number(/(\d+)\.m4s$/.exec(request.url ?? '')?.[1]);
      if (number >= SEGMENTS) reject(404, 'file-unknown')(request, response);
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
      // The viewers start one after the other, and overtake each other.
      await sleep(viewer * 2);
      for (let number = 0; number < SEGMENTS; number++) {
        const { body } = await ask(`${far.url}${segment(number)}?CMCD=sid%3D${viewer}`);
        if (!body.equals(BODY)) throw new Error(`viewer ${viewer} received other bytes`);
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

describe('the fast path, while a segment arrives', () => {
  async function startFastPath(origin: string, options: Parameters<typeof start>[1] = {}): Promise<Setup> {
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

  it('serves two hundred viewers from one fill, with the headers of node:http', async () => {
    let release = (): void => {};
    const origin = counted((request, response) => {
      release = () => sendBody(request, response);
    });
    const { url, buffer } = await startFastPath(await serve(origin));
    const asked = Array.from({ length: 200 }, () => ask(url + KEY));
    await expect.poll(() => buffer.stats().activeResponses, { timeout: 10_000 }).toBe(200);
    release();
    const responses = await Promise.all(asked);
    expect(responses.filter(({ body }) => body.equals(BODY))).toHaveLength(200);
    expect(origin.seen).toHaveLength(1);
    const slow = await start(await serve(sendBody), { folder: 'slow' });
    const { date: _date, connection: _connection, 'keep-alive': _alive, ...headers } = responses[0]!.headers;
    const { date, connection, 'keep-alive': alive, ...others } = (await ask(slow.url + KEY)).headers;
    expect(headers).toEqual(others);
    expect([date, connection, alive].every(Boolean)).toBe(true);
    await expect
      .poll(() => buffer.stats())
      .toMatchObject({ misses: 200, activeResponses: 0, activeFills: 0 });
    // Heads are counted as well as bodies.
    expect(buffer.stats().egress.viewers).toBeGreaterThan(200 * (BODY.length + 400));
  });

  it('responds with a problem, keeps the connection, and serves the next request on it', async () => {
    let isWell = false;
    const { url, buffer } = await startFastPath(
      await serve((request, response) => (isWell ? sendBody : reject(500, 'x'))(request, response)),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closers.push(() => agent.destroy());
    const rejected = await ask(url + KEY, {}, 'GET', agent);
    expect([rejected.status, rejected.code]).toEqual([502, 'fill-failed']);
    isWell = true;
    expect(sha256((await ask(url + KEY, {}, 'GET', agent)).body)).toBe(sha256(BODY));
    expect(sha256((await ask(url + KEY, {}, 'GET', agent)).body)).toBe(sha256(BODY));
    expect(buffer.stats()).toMatchObject({ misses: 2, hits: 1, activeResponses: 0 });
  });

  it('cuts off a response that cannot be completed, or whose bytes were altered', async () => {
    const half = await startFastPath(await serve(sendHalf), { folder: 'half' });
    expect(await ask(half.url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    const altered = Buffer.from(BODY);
    altered[7]! ^= 1;
    const tracker = await trackerOf([
      await serve(({ url }, response) => {
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG, ...proved(url) }).end(altered);
      }),
    ]);
    const altering = await startFastPath(await serve(unknownHere), {
      folder: 'altering',
      trackerUrl: tracker.url,
    });
    expect(await ask(altering.url + KEY).then(() => 'finished', brokenOr)).toBe('broken');
    for (const { buffer } of [half, altering])
      await expect.poll(() => buffer.stats()).toMatchObject({ activeResponses: 0, memoryBytes: 0 });
  });

  it('lets a viewer leave, and sends one who does not read no more than the connection accepts', async () => {
    const big = randomBytes(30_000_000);
    let release = (): void => {};
    const { url, buffer } = await startFastPath(
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

describe('the next segments', () => {
  const startHolder = async (handler: Handler = sendBody) => {
    const holder = counted(handler);
    const tracker = await trackerOf([await serve(holder)]);
    return { holder, trackerUrl: tracker.url };
  };

  it('are prefetched, so that the viewer does not wait', async () => {
    const { holder, trackerUrl } = await startHolder();
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl, mayFetchAhead: true });
    await ask(url + segment(0));
    await expect.poll(() => holder.seen.length).toBe(3);
    await expect.poll(() => buffer.stats().activeFills).toBe(0);
    expect(holder.seen.map(({ priority }) => priority)).toEqual([undefined, 'u=6', 'u=6']);
    // Each request of the viewer moves the window by one segment.
    await ask(url + segment(1));
    await expect.poll(() => holder.seen.length).toBe(4);
    await expect.poll(() => buffer.stats().activeFills).toBe(0);
    await ask(url + segment(2));
    await expect.poll(() => holder.seen.length).toBe(5);
    expect(buffer.stats()).toMatchObject({ misses: 1, hits: 2 });
  });

  it('are not prefetched if this site has the video itself, or outside the permitted hours', async () => {
    const origin = counted(sendBody);
    const own = await start(await serve(origin), { mayFetchAhead: true });
    await ask(own.url + segment(0));
    const { holder, trackerUrl } = await startHolder();
    const late = await start(await serve(unknownHere), { trackerUrl, folder: 'late', mayFetchAhead: false });
    await ask(late.url + segment(0));
    await sleep(100);
    expect([origin.seen.length, holder.seen.length]).toEqual([1, 1]);
  });

  it('are fetched with normal priority once a viewer waits, even if the prefetch was rejected', async () => {
    const rejections = new Map<string | undefined, () => void>();
    const { holder, trackerUrl } = await startHolder((request, response) => {
      if (request.headers.priority === undefined) sendBody(request, response);
      else rejections.set(request.url, () => reject(503, 'link-full')(request, response));
    });
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl, mayFetchAhead: true });
    await ask(url + segment(0));
    await expect.poll(() => holder.seen.length).toBe(3);
    const waiting = ask(url + segment(2));
    await expect.poll(() => buffer.stats().activeResponses).toBe(1);
    rejections.get(segment(2))?.();
    expect(sha256((await waiting).body)).toBe(sha256(BODY));
  });
});

describe('a cached file', () => {
  const listFiles = async (): Promise<string[]> => readdir(join(directory, 'cache', VIDEO));

  it('on disk survives a restart with its validator, and is read once for concurrent requests', async () => {
    const origin = counted(sendBody);
    const originUrl = await serve(origin);
    const first = await start(originUrl);
    await ask(first.url + KEY);
    await first.buffer.stop();
    const second = await start(originUrl);
    const responses = await Promise.all(Array.from({ length: 50 }, () => ask(second.url + KEY)));
    expect(responses.every(({ body, headers }) => body.equals(BODY) && headers.etag === ETAG)).toBe(true);
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
    ['missing', path => rm(path)],
  ])('on disk is a miss when it is %s', async (_name, harm) => {
    const origin = counted(sendBody);
    const originUrl = await serve(origin);
    const first = await start(originUrl);
    await ask(first.url + KEY);
    await first.buffer.stop();
    const [name = ''] = await listFiles();
    const path = join(directory, 'cache', VIDEO, name);
    const { ino } = await stat(path);
    await harm(path);
    const second = await start(originUrl);
    expect(sha256((await ask(second.url + KEY)).body)).toBe(sha256(BODY));
    expect(origin.seen).toHaveLength(2);
    await second.buffer.stop();
    // A good file has replaced the bad one.
    expect((await stat(path)).size).toBeGreaterThan(BODY.length);
    expect(ino).toBeGreaterThan(0);
    const third = await start(originUrl);
    expect(sha256((await ask(third.url + KEY)).body)).toBe(sha256(BODY));
    expect(origin.seen).toHaveLength(2);
  });

  it('on disk is a miss under the name of another', async () => {
    const originUrl = await serve((request, response) => {
      const body = Buffer.from(request.url ?? '');
      response.writeHead(200, { 'content-length': body.length, etag: ETAG }).end(body);
    });
    const first = await start(originUrl);
    await ask(first.url + segment(0));
    await first.buffer.stop();
    const [zero = ''] = await listFiles();
    await ask((await start(originUrl)).url + segment(1));
    await expect.poll(async () => (await listFiles()).filter(name => !name.endsWith('.part')).length).toBe(2);
    const one = (await listFiles()).find(name => name !== zero) ?? '';
    await rename(join(directory, 'cache', VIDEO, zero), join(directory, 'cache', VIDEO, one));
    const second = await start(originUrl);
    expect((await ask(second.url + segment(1))).body.toString()).toBe(segment(1));
  });

  it('counts towards the limits of both tiers, and popular ones stay', async () => {
    const origin = counted(sendBody);
    const { url, buffer } = await start(await serve(origin), {
      memoryBytes: 1_000_000,
      diskBytes: 2_000_000,
    });
    for (let number = 0; number < 20; number++) {
      await ask(url + segment(number));
      // The first one stays popular.
      await ask(url + segment(0));
      const { memoryBytes, diskBytes } = buffer.stats();
      expect(memoryBytes).toBeLessThanOrEqual(1_000_000);
      expect(diskBytes).toBeLessThanOrEqual(2_000_000);
    }
    expect(origin.seen).toHaveLength(20);
    await buffer.stop();
    const names = await listFiles();
    const sizes = await Promise.all(names.map(name => stat(join(directory, 'cache', VIDEO, name))));
    const total = sizes.reduce((sum, { size }) => sum + size, 0);
    expect(total).toBe(buffer.stats().diskBytes);
    expect(names).toHaveLength(6);
  });

  it('stays on disk longer if it was in demand in memory', async () => {
    const origin = counted(sendBody);
    // Two files fit into memory, four on the disk.
    const { url, buffer } = await start(await serve(origin), { memoryBytes: 650_000, diskBytes: 1_250_000 });
    // 0 and 1 are requested twice, so that 2 evicts 0 from memory although it was in demand. The others are requested once.
    for (const number of [0, 0, 1, 1, 2, 0, 3, 4, 5, 0]) {
      await ask(url + segment(number));
      const filled = origin.seen.length;
      await expect.poll(() => buffer.stats().diskBytes).toBeGreaterThan(Math.min(filled, 4) * BODY.length);
    }
    expect(origin.seen).toHaveLength(6);
    expect(buffer.stats().diskReads).toBeGreaterThan(0);
  });

  it('is evicted at the next start if the limit is smaller', async () => {
    const originUrl = await serve(sendBody);
    const first = await start(originUrl);
    for (let number = 0; number < 5; number++) await ask(first.url + segment(number));
    await first.buffer.stop();
    expect(await listFiles()).toHaveLength(5);
    const second = await start(originUrl, { diskBytes: 700_000 });
    expect(second.buffer.stats().diskBytes).toBeLessThanOrEqual(700_000);
    expect(await listFiles()).toHaveLength(2);
  });

  it('is not required: a file that is too large for the cache is served as well', async () => {
    const { url, buffer } = await start(await serve(sendBody), { memoryBytes: 1_000, diskBytes: 1_000 });
    for (const _ of [1, 2]) expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0, fills: 2 });
  });

  it('is not required: a disk that fails only means that nothing is cached there', async () => {
    // A file is in the place of the video's directory.
    await mkdir(join(directory, 'cache'));
    await writeFile(join(directory, 'cache', VIDEO), '');
    const { url, buffer } = await start(await serve(sendBody));
    for (const _ of [1, 2]) expect(sha256((await ask(url + KEY)).body)).toBe(sha256(BODY));
    expect(buffer.stats()).toMatchObject({ hits: 1, fills: 1, diskBytes: 0 });
    // Another is in the place of the whole tier.
    await writeFile(join(directory, 'file'), '');
    const other = await start(await serve(sendBody), { folder: 'file' });
    expect(sha256((await ask(other.url + KEY)).body)).toBe(sha256(BODY));
  });
});

describe('a withdrawn video', () => {
  it('is deleted, and can be allowed again', async () => {
    const origin = counted(sendBody);
    const { url, buffer } = await start(await serve(origin));
    await ask(url + KEY);
    await buffer.drop(VIDEO);
    const withdrawn = await ask(url + KEY);
    expect([withdrawn.status, withdrawn.code]).toEqual([410, 'video-withdrawn']);
    expect(buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
    expect(await readdir(join(directory, 'cache'))).toEqual([]);
    expect(origin.seen).toHaveLength(1);
    buffer.allow(VIDEO);
    expect((await ask(url + KEY)).status).toBe(200);
    expect(origin.seen).toHaveLength(2);
  });

  it('is cut off while it is being filled, and not cached', async () => {
    const { url, buffer } = await start(
      await serve((request, response) => {
        if (request.url === segment(1)) return;
        response.writeHead(200, { 'content-length': BODY.length, etag: ETAG });
        response.write(BODY.subarray(0, 1_000));
      }),
    );
    const receiving = ask(url + segment(0)).then(
      () => 'whole',
      () => 'cut off',
    );
    const waiting = ask(url + segment(1));
    await expect.poll(() => buffer.stats().egress.viewers).toBe(1_000);
    await buffer.drop(VIDEO);
    expect(await receiving).toBe('cut off');
    expect((await waiting).code).toBe('video-withdrawn');
    await expect.poll(() => buffer.stats().activeFills).toBe(0);
    expect(buffer.stats().memoryBytes).toBe(0);
  });

  it('is also deleted when the tracker says that it was withdrawn', async () => {
    const tracker = await trackerOf([await serve(sendBody)]);
    const { url, buffer } = await start(await serve(unknownHere), { trackerUrl: tracker.url });
    await ask(url + segment(0));
    tracker.state.mode = 410;
    const now = Date.now;
    try {
      Date.now = () => now() + 11_000;
      expect((await ask(url + segment(1))).status).toBe(410);
    } finally {
      Date.now = now;
    }
    await expect.poll(() => buffer.stats()).toMatchObject({ memoryBytes: 0, diskBytes: 0 });
    // The sites that the tracker named before are forgotten as well.
    expect((await ask(url + segment(0))).status).toBe(410);
  });
});

describe('stop', () => {
  it('ends the fills in progress and starts no new ones', async () => {
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

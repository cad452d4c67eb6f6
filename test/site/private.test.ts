/** Private videos at a site's buffer and origin, over HTTP: nothing is served without a token, whatever the request. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeServer, type FastPath, type ServerOptions } from '../../src/kernel/http/server.ts';
import { type KeyPair, readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { formatProof, sha256Base64, signBytes } from '../../src/kernel/identity/proofs.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { RightsState } from '../../src/kernel/rights/rights-state.ts';
import { type Claims, deriveSiteKey, NO_SUBJECT, signRight } from '../../src/kernel/rights/rights-token.ts';
import {
  newRevisionId,
  newSiteId,
  newVideoId,
  type SiteId,
  type VideoId,
} from '../../src/protocol/base/ids.ts';
import { CLOCK_TOLERANCE_S, type RightsPage } from '../../src/protocol/rights.ts';
import {
  createStreamBuffer,
  type StreamBuffer,
  type UpstreamResponse,
} from '../../src/site/delivery/delivery.ts';
import { createOriginServer } from '../../src/site/media/cut/cut.ts';
import { createSiteRights, type SiteRights } from '../../src/site/rights/site-rights.ts';

const master = randomBytes(32);
const BODY = randomBytes(50_000);
const [closed, open] = [newVideoId(), newVideoId()];
const revision = newRevisionId();
const pathOf = (video: VideoId, file = 'source-video/0.m4s'): string => `/v/${video}/${revision}/${file}`;
const nowS = (): number => Math.floor(Date.now() / 1_000);

const closers: (() => Promise<unknown>)[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-private-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Site {
  readonly id: SiteId;
  readonly url: string;
  readonly book: RightsState;
  readonly rights: SiteRights;
  readonly buffer: StreamBuffer;
  /** The address of the same buffer without its fast path. */
  readonly slowUrl: string;
  /** The requests to its origin. */
  readonly asked: string[];
  /** Connections that the fast path handed to node:http. */
  handedOver(): number;
  readonly key: KeyPair;
  token(changes?: Partial<Claims>, video?: VideoId): string;
}

/** Milliseconds by which the sites' clocks are ahead. */
let aheadMs = 0;
beforeEach(() => {
  aheadMs = 0;
});

let position = 0;
const page = (site: SiteId, changes: Partial<RightsPage> = {}): RightsPage => ({
  position: ++position,
  more: false,
  keys: [{ generation: 1, key: deriveSiteKey(master, site).toString('base64url') }],
  videos: [],
  revoked: [],
  ...changes,
});

/** A buffer with its fast path in front of an origin, which has both videos if `hasVideos`; `ask` acts as the tracker. */
async function startSite(
  name: string,
  hasVideos: boolean,
  ask?: (video: VideoId) => Promise<UpstreamResponse>,
  trackerUrl?: string,
): Promise<Site> {
  const id = newSiteId();
  const book = RightsState.open(join(directory, `${name}.json`));
  book.apply(page(id));
  const rights = createSiteRights(book, silentLog, () => Date.now() + aheadMs);
  if (hasVideos) rights.markOwn(closed, true);
  const key = await readOrMakeKey(join(directory, `${name}.key`));
  const asked: string[] = [];
  const origin = createServer(async (request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    const path = url.replace(/^\/t\/[^/]*/, '');
    const isRefused = path.includes(closed) && !(url.startsWith('/t/') && isRight(url));
    const isHere = hasVideos && (path.includes(closed) || path.includes(open));
    if (!isHere || isRefused) {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      return void response.end('{"code":"video-unknown"}');
    }
    const proof = formatProof(signBytes(key, path, await sha256Base64(BODY)));
    response.writeHead(200, ['Content-Length', String(BODY.length), 'ETag', '"x"', ...proof]).end(BODY);
  });
  const isRight = (url: string): boolean => rights.checkToken(url.split('/')[2] ?? '', closed) === undefined;
  const originUrl = await listen(origin);
  const buffer = await createStreamBuffer({
    siteId: () => id,
    directory: join(directory, name),
    memoryBytes: 2 ** 24,
    diskBytes: 2 ** 24,
    origin: { url: originUrl },
    trackerUrl: () => trackerUrl,
    rights,
    fetchUpstreamsSigned: ask,
    mayPrefetch: () => false,
    log: silentLog,
  });
  const { fastPath } = buffer;
  if (!fastPath) throw new Error('this buffer has no fast path');
  let handedOver = 0;
  const counting: FastPath = {
    accept: (socket, handOver) =>
      fastPath.accept(socket, () => {
        handedOver++;
        handOver();
      }),
    close: fastPath.close,
  };
  const serve = (options: ServerOptions): Promise<string> =>
    listen(createNodeServer(buffer.handle, options) as ReturnType<typeof createServer>);
  const url = await serve({ fastPath: counting });
  const slowUrl = await serve({});
  closers.push(async () => fastPath.close());
  closers.push(() => buffer.stop());
  const signing = { generation: 1, key: deriveSiteKey(master, id) };
  return {
    id,
    url,
    slowUrl,
    handedOver: () => handedOver,
    book,
    rights,
    buffer,
    asked,
    key,
    token: (changes = {}, video = closed) =>
      signRight(
        signing,
        { kind: 'viewer', expiresS: nowS() + 600, subject: 'aaaaaaaaaaaaaaaa', ...changes },
        video,
      ),
  };
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  closers.push(
    () =>
      new Promise<void>(done => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The response of a tracker to a request without a grant. */
const startTracker = (): Promise<string> =>
  listen(
    createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end('{"code":"video-unknown","detail":"x"}');
    }),
  );

async function get(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  const body = Buffer.from(await response.arrayBuffer());
  const isProblem = response.headers.get('content-type') === 'application/problem+json';
  const code =
    isProblem && body.length > 0 ? (JSON.parse(body.toString()) as { code: string }).code : undefined;
  return { status: response.status, headers: response.headers, body, code };
}

describe('a private video at a site', () => {
  it('is not served without a token, also from memory, and looks like a missing video', async () => {
    const site = await startSite('a', true, undefined, await startTracker());
    const withRight = `${site.url}/t/${site.token()}${pathOf(closed)}`;
    const unknown = await get(site.url + pathOf(newVideoId()));
    const refuseAll = async (): Promise<void> => {
      for (const file of [
        'source-video/0.m4s',
        'multivariant.m3u8',
        'manifest.mpd',
        'timeline.json',
        'poster.jpg',
        'storyboard.vtt',
        'storyboard.jpg',
        'captions-en/captions.vtt',
        'record-1.json',
      ]) {
        const response = await get(site.url + pathOf(closed, file));
        expect([response.status, response.body.toString()], file).toEqual([404, unknown.body.toString()]);
      }
      for (const init of [
        { method: 'HEAD' },
        { headers: { range: 'bytes=0-9' } },
        { headers: { 'if-none-match': '"x"' } },
        { headers: { 'tributary-fill': newSiteId() } },
      ])
        expect((await get(site.url + pathOf(closed), init)).status, JSON.stringify(init)).toBe(404);
    };
    await refuseAll();
    expect(site.asked.every(url => !url.includes(closed))).toBe(true);
    expect((await get(withRight)).body.equals(BODY)).toBe(true);
    await refuseAll();
  });

  it('is cached once for all tokens, and by no shared cache', async () => {
    const site = await startSite('a', true);
    for (const expiresS of [nowS() + 60, nowS() + 600, nowS() + 6_000]) {
      const response = await get(`${site.url}/t/${site.token({ expiresS })}${pathOf(closed)}?CMCD=x`);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'private, max-age=60']);
    }
    const part = await get(`${site.url}/t/${site.token()}${pathOf(closed)}`, {
      headers: { range: 'bytes=5-9' },
    });
    expect([part.status, part.headers.get('cache-control')]).toEqual([206, 'private, max-age=60']);
    expect(site.asked).toHaveLength(1);
    // A public video stays public.
    expect((await get(site.url + pathOf(open))).headers.get('cache-control')).toMatch(/^public/);
    // With a token in the URL, shared caches must not keep it in any case.
    const both = await get(`${site.url}/t/${site.token({}, open)}${pathOf(open)}`);
    expect([both.status, both.headers.get('cache-control')]).toEqual([200, 'private, max-age=60']);
  });

  it('accepts only tokens for this site and this video that are neither expired nor revoked', async () => {
    const site = await startSite('a', true);
    const other = await startSite('b', true);
    const ask = async (token: string, path = pathOf(closed)) => {
      const { status, code } = await get(`${site.url}/t/${token}${path}`);
      return [status, code];
    };
    expect(await ask(site.token())).toEqual([200, undefined]);
    expect(await ask(other.token())).toEqual([403, 'token-invalid']);
    expect(await ask(site.token({}, open))).toEqual([403, 'token-invalid']);
    expect(await ask(site.token({ kind: 'grant' }))).toEqual([403, 'token-invalid']);
    expect(await ask('nonsense')).toEqual([403, 'token-invalid']);
    expect(await ask(site.token().replace(/^./, 'z'))).toEqual([403, 'token-invalid']);
    // The response is the same for a video that is not here.
    expect(await ask('nonsense', pathOf(newVideoId()))).toEqual([403, 'token-invalid']);
    expect(await ask(site.token(), '/../etc/passwd')).toEqual([404, 'not-found']);
    const tolerated = nowS() - CLOCK_TOLERANCE_S + 5;
    expect(await ask(site.token({ expiresS: tolerated }))).toEqual([200, undefined]);
    expect(await ask(site.token({ expiresS: nowS() - CLOCK_TOLERANCE_S - 5 }))).toEqual([
      403,
      'token-expired',
    ]);
    site.book.apply(page(site.id, { revoked: [{ grant: 'bbbbbbbbbbbbbbbb', expiresS: nowS() + 600 }] }));
    expect(await ask(site.token({ subject: 'bbbbbbbbbbbbbbbb' }))).toEqual([403, 'grant-revoked']);
    expect(await ask(site.token())).toEqual([200, undefined]);
    expect(await ask(site.rights.studioToken(closed, 'viewer'))).toEqual([200, undefined]);
    // The master key was rotated, and tokens of the old one are invalid.
    const fresh = deriveSiteKey(randomBytes(32), site.id).toString('base64url');
    site.book.apply(page(site.id, { keys: [{ generation: 2, key: fresh }] }));
    expect(await ask(site.token())).toEqual([403, 'token-invalid']);
  });

  it('becomes private and public again with the next request, while it is in memory', async () => {
    const site = await startSite('a', true);
    const url = site.url + pathOf(open);
    expect((await get(url)).status).toBe(200);
    expect((await get(url)).status).toBe(200);
    site.book.apply(page(site.id, { videos: [{ video: open, isPrivate: true }] }));
    expect((await get(url)).status).toBe(404);
    const tokened = await get(`${site.url}/t/${site.token({}, open)}${pathOf(open)}`);
    expect([tokened.status, tokened.headers.get('cache-control')]).toEqual([200, 'private, max-age=60']);
    expect((await get(url)).status).toBe(404);
    site.book.apply(page(site.id, { videos: [{ video: open, isPrivate: false }] }));
    const again = await get(url);
    expect([again.status, again.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
  });
});

interface WireResponse {
  readonly status: number;
  /** The head without the value of its date. */
  readonly headers: readonly string[];
  /** The bytes of the body, as latin1. */
  readonly body: string;
}
/** A connection that stays open, sends requests as players do, and returns the bytes on the wire. */
async function openConnection(url: string) {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1');
  closers.push(async () => void socket.destroy());
  let bytes = Buffer.alloc(0);
  let onBytes = (): void => {};
  socket.on('data', piece => {
    bytes = Buffer.concat([bytes, piece]);
    onBytes();
  });
  const read = async (length: () => number | undefined): Promise<Buffer> => {
    for (;;) {
      const enough = length();
      if (enough !== undefined && bytes.length >= enough) {
        const taken = bytes.subarray(0, enough);
        bytes = bytes.subarray(enough);
        return taken;
      }
      await new Promise<void>((done, failed) => {
        onBytes = done;
        socket.once('close', () => failed(new Error('it was closed')));
      });
    }
  };
  return {
    socket,
    async ask(path: string, more = ''): Promise<WireResponse> {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: site.example\r\n${more}\r\n`);
      const head = await read(() => {
        const end = bytes.indexOf('\r\n\r\n');
        return end === -1 ? undefined : end + 4;
      });
      const [line = '', ...headers] = head.toString('latin1').trim().split('\r\n');
      const length = Number(/^content-length: (\d+)$/im.exec(headers.join('\n'))?.[1]);
      return {
        status: Number(line.split(' ')[1]),
        headers: headers.map(header => header.replace(/^(date):.*/i, '$1')).sort(),
        body: (await read(() => length)).toString('latin1'),
      };
    },
  };
}

describe('the fast path', () => {
  /** One request each to the fast path and to node:http, on separate connections. */
  async function askBoth(site: Site, path: string, slowPath = path, more = '') {
    const before = site.handedOver();
    const fast = await (await openConnection(site.url)).ask(path, more);
    const isHandedOver = site.handedOver() > before;
    const slow = await (await openConnection(site.slowUrl)).ask(slowPath, more);
    return { fast, slow, isHandedOver };
  }

  it('serves a request with a token as node:http does, from memory and with a fill', async () => {
    const site = await startSite('a', true);
    const at = (file: string): string => `/t/${site.token()}${pathOf(closed, file)}`;
    const cold = await askBoth(site, at('source-video/0.m4s'), at('source-video/1.m4s'));
    const warm = await askBoth(site, at('source-video/0.m4s'));
    for (const { fast, slow, isHandedOver } of [cold, warm]) {
      expect(fast).toEqual(slow);
      expect([fast.status, fast.body === BODY.toString('latin1'), isHandedOver]).toEqual([200, true, false]);
      expect(fast.headers).toContain('Cache-Control: private, max-age=60');
    }
    const part = await askBoth(site, at('source-video/0.m4s'), undefined, 'Range: bytes=5-9\r\n');
    expect([part.fast.status, part.isHandedOver]).toEqual([206, true]);
    expect(part.fast).toEqual(part.slow);
  });

  it('serves a public video with a token as node:http does', async () => {
    const site = await startSite('a', true);
    const at = (file: string): string => `/t/${site.token({}, open)}${pathOf(open, file)}`;
    const cold = await askBoth(site, at('source-video/0.m4s'), at('source-video/1.m4s'));
    const warm = await askBoth(site, at('source-video/0.m4s'));
    for (const { fast, slow } of [cold, warm]) {
      expect(fast).toEqual(slow);
      expect(fast.headers).toContain('Cache-Control: private, max-age=60');
    }
    const bare = await askBoth(site, pathOf(open));
    expect(bare.fast).toEqual(bare.slow);
    expect(bare.fast.headers).toContain('Cache-Control: public, max-age=31536000, immutable');
  });

  it.each(['in memory', 'not here yet'])('refuses a video that is %s as node:http does', async where => {
    const site = await startSite('a', true);
    const other = await startSite('b', true);
    if (where === 'in memory') {
      await get(`${site.url}/t/${site.token()}${pathOf(closed)}`);
      await get(site.url + pathOf(open));
    }
    site.book.apply(page(site.id, { revoked: [{ grant: 'bbbbbbbbbbbbbbbb', expiresS: nowS() + 600 }] }));
    const over = nowS() - CLOCK_TOLERANCE_S - 5;
    const asked = site.asked.length;
    const refused: readonly [string, number, string][] = [
      [pathOf(closed), 404, 'video-unknown'],
      [`/t/${other.token()}${pathOf(closed)}`, 403, 'token-invalid'],
      [`/t/${site.token({}, open)}${pathOf(closed)}`, 403, 'token-invalid'],
      [`/t/${site.token()}${pathOf(open)}`, 403, 'token-invalid'],
      [`/t/${site.token({ kind: 'grant' })}${pathOf(closed)}`, 403, 'token-invalid'],
      [`/t/${site.token().replace(/^./, 'z')}${pathOf(closed)}`, 403, 'token-invalid'],
      [`/t/nonsense${pathOf(closed)}`, 403, 'token-invalid'],
      [`/t/${pathOf(closed)}`, 403, 'token-invalid'],
      [`/t/${site.token()}/t/${site.token()}${pathOf(closed)}`, 404, 'not-found'],
      [`/t/${site.token()}${pathOf(closed)}/..`, 404, 'not-found'],
      [`/t/${site.token()}/v/${closed}`, 404, 'not-found'],
      [`/t/${site.token({ expiresS: over })}${pathOf(closed)}`, 403, 'token-expired'],
      [`/t/${site.token({ subject: 'bbbbbbbbbbbbbbbb' })}${pathOf(closed)}`, 403, 'grant-revoked'],
    ];
    for (const [path, status, code] of refused) {
      const { fast, slow } = await askBoth(site, path);
      expect(fast, path).toEqual(slow);
      expect([fast.status, JSON.parse(fast.body).code], path).toEqual([status, code]);
    }
    // The origin was asked once, for a video that does not exist, as it is for every unknown one.
    const further = site.asked.slice(asked);
    expect(further).toHaveLength(1);
    for (const url of further) for (const video of [closed, open]) expect(url).not.toContain(video);
  });

  it('refuses at once on an open connection: revoked, expired, private now, withdrawn', async () => {
    const site = await startSite('a', true);
    const at = (claims: Partial<Claims> = {}): string => `/t/${site.token(claims)}${pathOf(closed)}`;
    const revoke = (grant: string): void =>
      site.book.apply(page(site.id, { revoked: [{ grant, expiresS: nowS() + 600 }] }));
    const changes: readonly [path: string, change: () => unknown, status: number, code: string][] = [
      [at({ subject: 'bbbbbbbbbbbbbbbb' }), () => revoke('bbbbbbbbbbbbbbbb'), 403, 'grant-revoked'],
      [
        at({ expiresS: nowS() + 600 }),
        () => {
          aheadMs = (700 + CLOCK_TOLERANCE_S) * 1_000;
        },
        403,
        'token-expired',
      ],
      [
        pathOf(open),
        () => site.book.apply(page(site.id, { videos: [{ video: open, isPrivate: true }] })),
        404,
        'video-unknown',
      ],
      [at({ expiresS: nowS() + 6_000 }), () => site.buffer.drop(closed), 410, 'video-withdrawn'],
    ];
    for (const [path, change, status, code] of changes) {
      const viewer = await openConnection(site.url);
      for (let round = 0; round < 3; round++) expect((await viewer.ask(path)).status, path).toBe(200);
      const before = site.handedOver();
      await change();
      const refused = await viewer.ask(path);
      expect([refused.status, JSON.parse(refused.body).code], path).toEqual([status, code]);
      // A video that is private now is handled as an unknown one, which the fast path refuses itself.
      expect(site.handedOver()).toBe(code === 'video-unknown' ? before : before + 1);
    }
  });

  it('counts a private response as node:http does: bytes, cache result and players’ reports', async () => {
    const site = await startSite('a', true);
    const path = `/t/${site.token()}${pathOf(closed)}?CMCD=mtp%3D5000`;
    expect((await get(site.url + path)).status).toBe(200);
    site.buffer.takeReports();
    const count = async (url: string) => {
      const counts = () => {
        const { hits, misses, egress } = site.buffer.stats();
        return { hits, misses, ...egress };
      };
      const before = counts();
      const { socket, ask } = await openConnection(url);
      await ask(path);
      socket.destroy();
      await expect.poll(() => site.buffer.stats().activeResponses).toBe(0);
      const after = counts();
      return {
        hits: after.hits - before.hits,
        misses: after.misses - before.misses,
        viewers: after.viewers - before.viewers,
        fills: after.fills - before.fills,
        reported: site.buffer.takeReports().viewers,
      };
    };
    const before = site.handedOver();
    const fast = await count(site.url);
    expect(site.handedOver()).toBe(before);
    expect(fast).toEqual(await count(site.slowUrl));
    expect(fast).toMatchObject({ hits: 1, misses: 0, reported: [{ client: '127.0.0.1', bps: 5_000_000 }] });
    expect(fast.viewers).toBeGreaterThan(BODY.length);
  });
});

describe('a private video from another site', () => {
  /** The tracker gives tokens to a site that signs its request. */
  const startPair = async () => {
    const home = await startSite('home', true);
    const member = (): string =>
      signRight(
        { generation: 1, key: deriveSiteKey(master, home.id) },
        { kind: 'member', expiresS: nowS() + 60, subject: NO_SUBJECT },
        closed,
      );
    const away = await startSite(
      'away',
      false,
      async video => ({
        video,
        sources: [{ site: home.id, baseUrl: home.url, token: member() }],
        origin: { publicKey: home.key.publicKey },
        isPrivate: true,
      }),
      await startTracker(),
    );
    return { home, away };
  };

  it('is filled for a request with a token, cached, and served to nobody else', async () => {
    const { home, away } = await startPair();
    // This site does not know that the video is private, and still cannot fill it.
    expect((await get(away.url + pathOf(closed))).status).toBe(404);
    const url = `${away.url}/t/${away.token()}${pathOf(closed)}`;
    const first = await get(url);
    expect([first.status, first.body.equals(BODY)]).toEqual([200, true]);
    expect(away.rights.isPrivate(closed)).toBe(true);
    expect((await get(away.url + pathOf(closed))).status).toBe(404);
    const before = home.asked.length;
    expect((await get(url)).status).toBe(200);
    expect(home.asked).toHaveLength(before);
    expect(away.buffer.stats().hits).toBe(1);
    // It still knows after a restart, without any other part running.
    await away.book.save();
    expect(RightsState.open(join(directory, 'away.json')).isPrivate(closed)).toBe(true);
  });

  it('is not served at one site with a token for the other', async () => {
    const { home, away } = await startPair();
    expect((await get(`${away.url}/t/${home.token()}${pathOf(closed)}`)).status).toBe(403);
    expect((await get(`${home.url}/t/${away.token()}${pathOf(closed)}`)).status).toBe(403);
  });
});

describe('a private video and an unknown one', () => {
  const WITHOUT_VALUES = /^(?:date)$/i;
  const linesOf = (headers: readonly string[]): string[] =>
    headers.filter(line => !WITHOUT_VALUES.test(line.split(':')[0] ?? ''));

  it.each(['in memory', 'not here yet'])(
    'cannot be distinguished by a response, or by what it takes to make one, if the private one is %s',
    async where => {
      const site = await startSite('a', true, undefined, await startTracker());
      if (where !== 'not here yet') await get(`${site.url}/t/${site.token()}${pathOf(closed)}`);
      /** Each request has its own connection, because the fast path hands a connection over for good. */
      const ask = async (path: string) => {
        const [asked, handedOver] = [site.asked.length, site.handedOver()];
        const { status, body, headers } = await (await openConnection(site.url)).ask(path);
        const effort = [site.asked.length - asked, site.handedOver() - handedOver];
        return { status, body, headers: linesOf(headers), effort };
      };
      for (const file of ['source-video/0.m4s', 'multivariant.m3u8', 'poster.jpg', 'record-1.json']) {
        const unknownPath = pathOf(newVideoId(), file);
        for (let round = 0; round < 3; round++) {
          const [unknown, refused] = [await ask(unknownPath), await ask(pathOf(closed, file))];
          expect(refused).toEqual(unknown);
          expect(unknown.status).toBe(404);
        }
      }
      expect(site.asked.filter(url => url.startsWith('/v/')).some(url => url.includes(closed))).toBe(false);
      for (const init of [{ method: 'HEAD' }, { headers: { range: 'bytes=0-9' } }]) {
        const [unknown, refused] = [
          await get(site.slowUrl + pathOf(newVideoId()), init),
          await get(site.slowUrl + pathOf(closed), init),
        ];
        const headersOf = ({ headers }: typeof refused) =>
          [...headers].filter(([name]) => !WITHOUT_VALUES.test(name));
        expect([refused.status, headersOf(refused)]).toEqual([unknown.status, headersOf(unknown)]);
      }
    },
  );
});

describe('the origin', () => {
  it('serves a private video only with a token of its site, also behind nginx', async () => {
    const book = RightsState.open();
    const rights = createSiteRights(book, silentLog);
    const key = await readOrMakeKey(join(directory, 'key'));
    const origin = createOriginServer({
      key: () => key,
      rights,
      locate: async () => undefined,
      copies: {
        read: async () => ({
          body: BODY,
          etag: '"x"',
          proof: signBytes(key, pathOf(closed), await sha256Base64(BODY)),
        }),
        forget() {},
      },
    });
    const url = await listen(origin.server);
    expect((await get(url + pathOf(closed))).status).toBe(200);
    rights.markOwn(closed, true);
    for (const headers of [{}, { 'if-none-match': '"x"' }, { 'tributary-fill': 'x' }] as Record<
      string,
      string
    >[])
      expect((await get(url + pathOf(closed), { headers })).code).toBe('video-unknown');
    expect((await get(`${url}/t/nonsense${pathOf(closed)}`)).status).toBe(404);
    expect((await get(`${url}/t/${rights.originToken(open)}${pathOf(closed)}`)).status).toBe(404);
    expect((await get(`${url}/t/${rights.originToken(closed)}${pathOf(closed)}`)).status).toBe(200);
  });
});

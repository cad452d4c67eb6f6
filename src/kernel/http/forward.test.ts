/** Attacks the forwarding part with raw bytes, in front of a real part, and reads what that part received. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { forward } from './forward.ts';
import { createNodeServer } from './server.ts';

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const servers: Server[] = [];
const received: Received[] = [];
/** The requests that the front has forwarded. */
let forwarded = 0;
let port: number;

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  const behind = await listen(
    createNodeServer(async (request, response) => {
      const { method, url, headers } = request;
      const body = await text(request).catch(() => undefined);
      if (body === undefined) return;
      received.push({ method, url, headers, body });
      response.writeHead(200, { connection: 'keep-alive, x-hop', 'x-hop': '1', 'x-kept': '1' }).end('done');
    }),
  );
  const target = new URL(`http://127.0.0.1:${behind}`);
  port = await listen(
    createNodeServer((request, response) => {
      forwarded++;
      forward(target, request, response);
    }),
  );
});
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});
beforeEach(() => {
  received.length = 0;
  forwarded = 0;
});

/** Sends these bytes and then a last request on the same connection. Returns everything that arrives. */
async function send(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  // Nothing responds to an incomplete request.
  const waiting = setTimeout(() => socket.destroy(), 1_000);
  setTimeout(() => socket.write('GET /last HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n'), 20);
  const response = await text(socket).catch(() => '');
  clearTimeout(waiting);
  return response;
}

const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
/** A request that the part behind trusts, because it seems to come from the front itself. */
const INJECTED = 'DELETE /injected HTTP/1.1\r\nHost: site.example\r\nX-Injected: 1\r\n\r\n';

const METHODS = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'TRACE', 'PROPFIND', 'SEARCH'];
/** Header lines, body, and whether RFC 9112 allows this (then the body must arrive). */
const FRAMINGS: readonly (readonly [string, string, string, boolean])[] = [
  ['Content-Length', `Content-Length: ${INJECTED.length}\r\n`, INJECTED, true],
  ['chunks', 'Transfer-Encoding: chunked\r\n', chunked(INJECTED), true],
  ['chunks in another case', 'transfer-ENCODING: Chunked\r\n', chunked(INJECTED), true],
  [
    'chunks with extensions',
    'Transfer-Encoding: chunked\r\n',
    chunked(INJECTED).replace('\r\n', ';a=b\r\n'),
    true,
  ],
  [
    'chunks and trailers',
    'Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n',
    `${chunked(INJECTED).slice(0, -2)}X-Forwarded-For: 192.0.2.1\r\n\r\n`,
    true,
  ],
  ['an expectation', `Expect: 100-continue\r\nContent-Length: ${INJECTED.length}\r\n`, INJECTED, true],
  [
    'a chunked body that Connection names',
    'Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n',
    chunked(INJECTED),
    true,
  ],
  [
    'a length that Connection names',
    `Connection: content-length\r\nContent-Length: ${INJECTED.length}\r\n`,
    INJECTED,
    true,
  ],
  [
    'an upgrade',
    `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: ${INJECTED.length}\r\n`,
    INJECTED,
    true,
  ],
  [
    'chunks and a length',
    `Transfer-Encoding: chunked\r\nContent-Length: ${INJECTED.length}\r\n`,
    chunked(INJECTED),
    false,
  ],
  ['a length and chunks', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', chunked(INJECTED), false],
  ['two lengths', `Content-Length: 0\r\nContent-Length: ${INJECTED.length}\r\n`, INJECTED, false],
  ['a list of lengths', `Content-Length: 0, ${INJECTED.length}\r\n`, INJECTED, false],
  ['a signed length', `Content-Length: +${INJECTED.length}\r\n`, INJECTED, false],
  ['the coding identity', 'Transfer-Encoding: identity\r\n', INJECTED, false],
  ['an unknown coding', 'Transfer-Encoding: xchunked\r\n', chunked(INJECTED), false],
  ['chunked not as the last coding', 'Transfer-Encoding: chunked, gzip\r\n', chunked(INJECTED), false],
  ['two codings', 'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', chunked(INJECTED), false],
  ['a folded coding', 'Transfer-Encoding:\r\n chunked\r\n', chunked(INJECTED), false],
  ['a folded length', `X: 1\r\n Content-Length: ${INJECTED.length}\r\n`, INJECTED, false],
  ['a space before the colon', 'Transfer-Encoding : chunked\r\n', chunked(INJECTED), false],
  ['a control character in the coding', 'Transfer-Encoding: \x0bchunked\r\n', chunked(INJECTED), false],
  ['a bare line feed', 'X: 1\nTransfer-Encoding: chunked\r\n', chunked(INJECTED), false],
  ['a bare carriage return', 'X: 1\rTransfer-Encoding: chunked\r\n', chunked(INJECTED), false],
  ['a chunk size with a sign', 'Transfer-Encoding: chunked\r\n', `+${chunked(INJECTED)}`, false],
  ['a chunk that ends early', 'Transfer-Encoding: chunked\r\n', `3\r\n${INJECTED}\r\n0\r\n\r\n`, false],
];

describe('a request', () => {
  const cases = METHODS.flatMap(method => FRAMINGS.map(framing => [method, ...framing] as const));
  it.each(cases)(
    '%s with %s never becomes two at the next part',
    async (method, _name, lines, body, allowed) => {
      const responses = await send(`${method} /first HTTP/1.1\r\nHost: site.example\r\n${lines}\r\n${body}`);
      // A request that was injected has no X-Forwarded-For, and none was forwarded for it.
      expect(received.every(({ headers }) => headers['x-forwarded-for'] === '127.0.0.1')).toBe(true);
      expect(received.length).toBeLessThanOrEqual(forwarded);
      if (!allowed) {
        expect(received.filter(({ body }) => body.includes('injected'))).toEqual([]);
        return;
      }
      expect(received).toMatchObject([
        { method, url: '/first', body: INJECTED },
        { method: 'GET', url: '/last', body: '' },
      ]);
      expect(responses.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    },
  );

  it.each(METHODS)('%s without a body has none at the next part', async method => {
    await send(`${method} /first HTTP/1.1\r\nHost: site.example\r\n\r\n`);
    expect(received).toMatchObject([
      { method, url: '/first', body: '' },
      { method: 'GET', url: '/last' },
    ]);
  });

  it('that ends in the middle of its body is not complete at the next part', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'DELETE /first HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    );
    await new Promise(done => setTimeout(done, 50));
    socket.destroy();
    await send('');
    expect(received.map(({ url }) => url)).toEqual(['/last']);
  });
});

describe('headers', () => {
  it('of one connection stay on it, in both directions', async () => {
    const response = await send(
      'GET /first HTTP/1.1\r\nHost: site.example\r\nConnection: X-One,x-two , keep-alive\r\nX-One: 1\r\nX-Two: 2\r\n' +
        'Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nX-Kept: 1\r\n\r\n',
    );
    const [first] = received;
    expect(first?.headers).toMatchObject({ host: 'site.example', 'x-kept': '1' });
    for (const name of ['x-one', 'x-two', 'keep-alive', 'proxy-connection', 'te'])
      expect(first?.headers).not.toHaveProperty(name);
    expect(response).toMatch(/x-kept: 1/i);
    expect(response).not.toMatch(/x-hop/i);
  });

  /** Without it, the request would seem to come from the proxy, whose network may be trusted. */
  it('that say where a request comes from cannot be removed by naming them', async () => {
    await send(
      'GET /first HTTP/1.1\r\nHost: site.example\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: x-forwarded-for, host\r\n\r\n',
    );
    expect(received[0]?.headers).toMatchObject({
      host: 'site.example',
      'x-forwarded-for': '192.0.2.7, 127.0.0.1',
    });
  });
});

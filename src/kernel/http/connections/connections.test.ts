/** Clients that hold connections without using them, against a real server with small limits. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../log.ts';
import { createFastPath } from '../fast-path.ts';
import { createHttp, createNodeServer, type ServerOptions } from '../server.ts';
import { createConnectionGate } from './connection-limit.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const LARGE = Buffer.alloc(32 * 2 ** 20);
async function listen(options: ServerOptions): Promise<number> {
  const server = createNodeServer((request, response) => {
    if (request.url === '/poll') return void setTimeout(() => response.end('polled'), 1_000);
    request.resume().on('end', () => response.end(request.url === '/large' ? LARGE : 'done'));
  }, options);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function open(port: number, bytes = ''): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  if (bytes !== '') socket.write(bytes);
  closers.push(() => socket.destroy());
  return socket;
}
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const isOpen = (socket: Socket): boolean => !socket.destroyed;
const readOnce = async (socket: Socket): Promise<string> =>
  String((await Promise.race([once(socket, 'data'), once(socket, 'close')]))[0]);

describe('connections in excess of a limit', () => {
  it.each([
    ['of one address', { perAddress: 5, total: 100, except: [] }, false],
    ['of all addresses', { perAddress: 100, total: 5, except: [] }, false],
    ['of one address, on a fast path', { perAddress: 5, total: 100, except: [] }, true],
  ])('%s get 503 with Retry-After, and those that end make room', async (_what, connections, isFast) => {
    const fastPath = isFast ? createFastPath(() => ({ handle: () => false })) : undefined;
    const port = await listen({ connections, fastPath });
    const sockets = Array.from({ length: 5 }, () => open(port));
    for (const socket of sockets) await once(socket, 'connect');
    await sleep(50);
    const refused = await text(open(port, get('/')));
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toMatch(/\r\nretry-after: \d+\r\n/i);
    expect(refused).toMatch(/\r\naccess-control-allow-origin: \*\r\n/i);
    expect(refused).toContain('"connections-full"');
    expect(sockets.every(isOpen)).toBe(true);
    for (const socket of sockets.splice(0, 2)) socket.destroy();
    await sleep(50);
    expect(await readOnce(open(port, get('/')))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('are reset when they are too many for a refusal', async () => {
    const port = await listen({ connections: { perAddress: 2, total: 1_000, except: [] } });
    const sockets = Array.from({ length: 150 }, () => open(port));
    await expect.poll(() => sockets.filter(isOpen).length).toBe(2 + 128);
  });

  it('are counted for the whole /64 of an IPv6 client', () => {
    const gate = createConnectionGate({ perAddress: 1, total: 10, except: [] });
    const from = (remoteAddress: string): Socket =>
      ({ remoteAddress, remotePort: Math.random(), once() {} }) as unknown as Socket;
    const [first, second, other] = [from('2001:db8::1'), from('2001:db8::2'), from('2001:db8:0:1::1')];
    for (const socket of [first, second, other]) expect(gate.admit(socket)).toBe(true);
    expect([first, second, other].map(gate.isExcess)).toEqual([false, true, false]);
  });
});

describe('a request body', () => {
  const slow = { bodyWindowMs: 200 };
  const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n';

  it.each([
    ['stalls', HEAD, ''],
    ['stalls after its first bytes', `${HEAD}${'x'.repeat(10_000)}`, ''],
    ['trickles', HEAD, 'x'],
    [
      'trickles in chunks',
      HEAD.replace('Content-Length: 100000', 'Transfer-Encoding: chunked'),
      '1\r\nx\r\n',
    ],
  ])('that %s ends its connection with 408', async (_what, start, more) => {
    const socket = open(await listen({ slow }), start);
    const trickle = setInterval(() => more && socket.write(more), 20);
    const response = await text(socket).catch(() => '');
    clearInterval(trickle);
    expect(response).toMatch(/^HTTP\/1\.1 408 /);
    expect(response).toContain('request-timeout');
  });

  it('leaves nothing with a connection that carries many requests', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const socket = open(await listen({ slow }));
    let received = '';
    socket.on('data', piece => {
      received += piece;
    });
    for (let count = 1; count <= 20; count++) {
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
      await expect.poll(() => received.match(/HTTP\/1\.1 200 /g)?.length).toBe(count);
    }
    await sleep(50);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('that arrives fast enough may take any time', async () => {
    const socket = open(await listen({ slow }), HEAD.replace('100000', '8000'));
    for (let sent = 0; sent < 8_000; sent += 80) {
      socket.write('x'.repeat(80));
      await sleep(10);
    }
    expect(await readOnce(socket)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a client', () => {
  const slow = { stalledMs: 200 };

  it('that does not read its response is disconnected', async () => {
    const port = await listen({ slow });
    const socket = open(port, get('/large')).pause();
    const closed = once(socket, 'close');
    await sleep(1_000);
    socket.resume();
    let bytes = 0;
    socket.on('data', piece => {
      bytes += piece.length;
    });
    await closed;
    expect(bytes).toBeLessThan(LARGE.length);
  });

  it('that waits for a slow response, or reads slowly, is not', async () => {
    const port = await listen({ slow });
    expect(await readOnce(open(port, get('/poll')))).toContain('polled');
    const patient = await listen({ slow: { stalledMs: 1_000 } });
    const socket = open(patient, get('/large').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    let bytes = 0;
    for await (const piece of socket) {
      bytes += piece.length;
      await sleep(3);
    }
    expect(bytes).toBeGreaterThan(LARGE.length);
  });
});

it('no route takes a large body before it has checked its caller', async () => {
  const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  expect(() => app.post('/open', { bodyLimit: 2 ** 20 }, () => '')).toThrow('Check the caller');
  await app.close();
});

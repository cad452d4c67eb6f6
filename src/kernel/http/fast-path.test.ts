import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createFastPath, createPlainGetParser, parsePlainGet } from './fast-path.ts';
import { createNodeServer } from './server.ts';

const BASE = '/v/018f0000-0000-7000-8000-000000000000/018f0000-0000-7000-8000-000000000001';
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: site.example\r\n${more}\r\n`;

describe('a plain request', () => {
  it.each([
    ['as curl sends it', get(`${BASE}/a.m4s`, 'User-Agent: curl/8\r\nAccept: */*\r\n')],
    ['with a query', get(`${BASE}/a.m4s?CMCD=br%3D1`)],
    ['on a persistent connection', get(`${BASE}/a.m4s`, 'Connection: keep-alive\r\n')],
    ['with an empty header', get(`${BASE}/a.m4s`, 'Accept:\r\n')],
  ])('is accepted %s', (_what, head) => {
    expect(parsePlainGet(head)).toMatch(/^\/v\/.*a\.m4s/);
  });

  const notPlain: readonly (readonly [string, string])[] = [
    ['another method', get(`${BASE}/a.m4s`).replace('GET', 'HEAD')],
    ['another version', get(`${BASE}/a.m4s`).replace('1.1', '1.0')],
    ['an absolute target', get(`http://site.example${BASE}/a.m4s`)],
    ['no Host', `GET ${BASE}/a.m4s HTTP/1.1\r\nAccept: */*\r\n\r\n`],
    ['two Hosts', get(`${BASE}/a.m4s`, 'host: other.example\r\n')],
    ['a range', get(`${BASE}/a.m4s`, 'Range: bytes=0-1\r\n')],
    ['a condition', get(`${BASE}/a.m4s`, 'if-none-match: "x"\r\n')],
    ['a body', get(`${BASE}/a.m4s`, 'Content-Length: 5\r\n')],
    ['a chunked body', get(`${BASE}/a.m4s`, 'Transfer-Encoding: chunked\r\n')],
    ['an upgrade', get(`${BASE}/a.m4s`, 'Connection: Upgrade\r\nUpgrade: h2c\r\n')],
    ['the end of the connection', get(`${BASE}/a.m4s`, 'Connection: close\r\n')],
    [
      'the end of the connection among other options',
      get(`${BASE}/a.m4s`, 'Connection: keep-alive, close\r\n'),
    ],
    ['the end of the connection in the older header', get(`${BASE}/a.m4s`, 'Proxy-Connection: close\r\n')],
    ['an expectation', get(`${BASE}/a.m4s`, 'Expect: 100-continue\r\n')],
    ['a folded line', get(`${BASE}/a.m4s`, 'X: a\r\n b\r\n')],
    ['a space before the colon', get(`${BASE}/a.m4s`, 'Transfer-Encoding : chunked\r\n')],
    ['bare line feeds', get(`${BASE}/a.m4s`).replaceAll('\r\n', '\n')],
    ['a bare line feed inside', get(`${BASE}/a.m4s`, 'X: a\nContent-Length: 5\r\n')],
    ['a NUL', get(`${BASE}/a.m4s`, 'X: \0\r\n')],
    ['a second request after it', get(`${BASE}/a.m4s`) + get(`${BASE}/a.m4s`)],
    ['only a part of its head', get(`${BASE}/a.m4s`).slice(0, -2)],
    ['bytes after it', `${get(`${BASE}/a.m4s`)}x`],
    ['a target with a space', get(`${BASE}/a b.m4s`)],
    ['no target', get('')],
  ];
  it.each(notPlain)('is rejected with %s', (_what, head) => {
    expect(parsePlainGet(head)).toBeUndefined();
  });

  /** Above all, the same header fields after another request line. */
  it('is parsed the same whatever was received before on the connection', () => {
    const plain = [get('/a'), get('/b?x'), get('/c', 'X: 1\r\n'), get('/a')];
    const heads = [...plain, ...notPlain.map(([, head]) => head), ...plain, ''];
    for (const first of heads) {
      for (const second of heads) {
        const parse = createPlainGetParser();
        expect([parse(first), parse(second), parse(first)]).toEqual(
          [first, second, first].map(parsePlainGet),
        );
      }
    }
  });
});

describe('a new connection', () => {
  const FIRST_BYTE_TIMEOUT_MS = 200;
  /** A client in another process, which sends its request this time after it has connected. Returns its response. */
  async function exchange(pauseMs: number, onConnection: () => void): Promise<string> {
    const fastPath = createFastPath(
      (socket: Socket) => ({
        handle: () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
      }),
      { firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS },
    );
    const server = createNodeServer((_request, response) => response.end(), {
      fastPath: {
        ...fastPath,
        accept(socket, handOver) {
          fastPath.accept(socket, handOver);
          setImmediate(onConnection);
        },
      },
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const program = `
      const socket = require('node:net').connect(${port}, '127.0.0.1', () => setTimeout(
        () => socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'), ${pauseMs}));
      socket.on('data', data => { process.stdout.write(data); socket.destroy(); });
      socket.on('error', () => {});`;
    const response = await text(spawn(process.execPath, ['-e', program]).stdout);
    fastPath.close();
    server.close();
    return response;
  }

  it('that sends nothing in time is closed', async () => {
    expect(await exchange(5 * FIRST_BYTE_TIMEOUT_MS, () => {})).toBe('');
  });

  it('is not closed because this process could not read in time', async () => {
    const block = (): void => {
      const endMs = Date.now() + 5 * FIRST_BYTE_TIMEOUT_MS;
      while (Date.now() < endMs);
    };
    expect(await exchange(FIRST_BYTE_TIMEOUT_MS / 4, block)).toMatch(/^HTTP\/1\.1 204 /);
  });
});

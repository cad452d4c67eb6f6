import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { type AddressInfo, connect as connectPlain, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificate.ts';
import { createNodeServer, type FastPath } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { newRevisionId, newVideoId } from '../../../protocol/base/ids.ts';
import { type CacheEntry, makeCacheEntry } from '../cache/memory-tier.ts';
import { parseMediaFile } from '../http/media-file.ts';
import { ALL_PUBLIC } from './buffer-rights.ts';
import type { ResponseCounts } from './fast-connection.ts';
import { createMediaFastPath } from './fast-path.ts';

const BASE = `/v/${newVideoId()}/${newRevisionId()}`;
const makeEntry = (name: string, body: Buffer): CacheEntry => {
  const file = parseMediaFile(`${BASE}/${name}`);
  if (!file) throw new Error(`${name} is not a media file`);
  return makeCacheEntry(file, { body, etag: `"${name}"` });
};
const SMALL = makeEntry('source-video/media.m3u8', randomBytes(1_000));
const LARGE = makeEntry('source-video/0.m4s', randomBytes(8 * 2 ** 20));
const cache = new Map([SMALL, LARGE].map(entry => [entry.file.key, entry]));
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: site.example\r\n${more}\r\n`;

const directory = mkdtempSync(join(tmpdir(), 'tributary-fast-path-'));
afterAll(() => rmSync(directory, { recursive: true }));
const files = makeCertificate(directory);
const certificate = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };

describe.each(['plain', 'TLS'])('the fast path, %s', transport => {
  const isTls = transport === 'TLS';
  const counts: ResponseCounts = { hits: 0, misses: 0, activeResponses: 0 };
  const viewed: string[] = [];
  let wireBytes = 0;
  let fastPath: FastPath;
  let port: number;
  let handedOver: string[];
  let close: () => Promise<void>;

  const reported: [string, string | undefined][] = [];
  const connect = (options: NetConnectOpts = { port, host: '127.0.0.1' }): Socket =>
    isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connectPlain(options);
  beforeEach(async () => {
    Object.assign(counts, { hits: 0, misses: 0, activeResponses: 0 });
    handedOver = [];
    viewed.length = 0;
    reported.length = 0;
    wireBytes = 0;
    fastPath = createMediaFastPath({
      cache: { find: key => cache.get(key), hasOnDisk: () => false, isWithdrawn: () => false },
      fills: {
        start: () => problem('file-unknown'),
        prefetchAfter: file => void viewed.push(file.file),
      },
      counts,
      egress: {
        count(_kind, bytes) {
          wireBytes += bytes;
        },
      },
      reports: {
        note: (_address, url, header) => void reported.push([url, header]),
        noteVideo() {},
        take: () => ({ viewers: [], videos: [] }),
      },
      rights: ALL_PUBLIC,
      hide: file => file,
    });
    const server = createNodeServer(
      (incoming, response) => {
        handedOver.push(`${incoming.method} ${incoming.url}`);
        incoming.resume().on('end', () => response.end(`node ${incoming.url}`));
      },
      { fastPath, certificate: isTls ? certificate : undefined },
    );
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    ({ port } = server.address() as AddressInfo);
    close = () =>
      new Promise(done => {
        fastPath.close();
        server.close(() => done());
        server.closeAllConnections();
      });
  });
  afterEach(() => close());

  /** Sends bytes, and returns the bytes received until `enough`. */
  async function exchange(
    pieces: readonly string[],
    enough: (text: string) => boolean,
    pauseMs = 0,
  ): Promise<string> {
    const socket = connect();
    try {
      return await new Promise<string>((resolve, reject) => {
        const chunks: Buffer[] = [];
        socket.on('data', chunk => {
          chunks.push(chunk);
          const text = Buffer.concat(chunks).toString('latin1');
          if (enough(text)) resolve(text);
        });
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('closed early')));
        void (async () => {
          for (const piece of pieces) {
            socket.write(piece);
            if (pauseMs > 0) await sleep(pauseMs);
          }
        })();
      });
    } finally {
      socket.destroy();
    }
  }
  const countHeads = (text: string): number => text.split('HTTP/1.1 200 OK').length - 1;

  it('serves one request after another on one connection, with complete bodies and headers', async () => {
    const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 1 });
    const options = { port, host: '127.0.0.1', agent, rejectUnauthorized: false };
    const ask = (entry: CacheEntry): Promise<IncomingMessage & { readonly bytes: Buffer }> =>
      new Promise((resolve, reject) => {
        (isTls ? requestTls : request)({ ...options, path: entry.file.key }, response => {
          const chunks: Buffer[] = [];
          response.on('data', chunk => chunks.push(chunk));
          response.on('end', () => resolve(Object.assign(response, { bytes: Buffer.concat(chunks) })));
        })
          .on('error', reject)
          .end();
      });
    const sockets = new Set<Socket>();
    for (const entry of [SMALL, LARGE, LARGE, SMALL]) {
      const response = await ask(entry);
      sockets.add(response.socket);
      expect(response.bytes.equals(entry.body)).toBe(true);
      expect(response.headers).toMatchObject({
        etag: entry.etag,
        'content-length': String(entry.body.length),
        'access-control-allow-origin': '*',
        'x-content-type-options': 'nosniff',
      });
      expect(Math.abs(Date.parse(response.headers.date ?? '') - Date.now())).toBeLessThan(5_000);
    }
    agent.destroy();
    expect(sockets.size).toBe(1);
    expect(handedOver).toEqual([]);
    expect(counts.hits).toBe(4);
    // Heads are counted as well, and the overhead of TLS: 22 bytes for each record of 16 KiB.
    const tlsBytes = isTls ? 2 * 22 * (LARGE.body.length / 2 ** 14) : 0;
    const bodies = 2 * (SMALL.body.length + LARGE.body.length);
    expect(wireBytes - bodies - tlsBytes).toBeGreaterThan(4 * 300);
    expect(wireBytes - bodies - tlsBytes).toBeLessThan(4 * 1_000);
  });

  it('hands over a connection with every byte, for good, at the first other request', async () => {
    const post = `POST /api HTTP/1.1\r\nHost: site.example\r\nContent-Length: 5\r\n\r\nhello`;
    const text = await exchange(
      [get(SMALL.file.key), post, get(SMALL.file.key)],
      seen => countHeads(seen) === 3,
      50,
    );
    expect(text.indexOf('node /api')).toBeGreaterThan(text.indexOf('\r\n\r\n'));
    expect(handedOver).toEqual(['POST /api', `GET ${SMALL.file.key}`]);
    expect(counts.hits).toBe(1);
  });

  it('hands over a request that arrives in pieces', async () => {
    const head = get(SMALL.file.key);
    await exchange([head.slice(0, 20), head.slice(20)], seen => seen.includes('node /v/'), 50);
    expect(handedOver).toEqual([`GET ${SMALL.file.key}`]);
  });

  it('keeps the order of a request that arrives while a response is still being sent', async () => {
    const socket = connect().pause();
    socket.write(get(LARGE.file.key));
    await expect.poll(() => counts.activeResponses).toBe(1);
    socket.write(get('/after'));
    // A TLS response in pieces leaves the next request in the kernel until its last piece is written.
    if (!isTls) await expect.poll(() => handedOver).toEqual(['GET /after']);
    const chunks: Buffer[] = [];
    const all = new Promise<Buffer>(resolve => {
      socket.on('data', chunk => {
        chunks.push(chunk);
        if (chunk.toString('latin1').includes('node /after')) resolve(Buffer.concat(chunks));
      });
    });
    socket.resume();
    const bytes = await all;
    const start = bytes.indexOf('\r\n\r\n') + 4;
    expect(bytes.subarray(start, start + LARGE.body.length).equals(LARGE.body)).toBe(true);
    expect(bytes.subarray(start + LARGE.body.length).toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK/);
    await expect.poll(() => counts.activeResponses).toBe(0);
    socket.destroy();
  });

  it('counts a response in progress until its viewer leaves', async () => {
    const socket = connect().pause();
    socket.write(get(LARGE.file.key));
    await expect.poll(() => counts.activeResponses).toBe(1);
    socket.destroy();
    await expect.poll(() => counts.activeResponses).toBe(0);
  });

  it('lets node:http reject a malformed request', async () => {
    const text = await exchange(['GET /v/ HTTP/1.1\r\nHost : a\r\n\r\n'], seen => seen.includes('\r\n\r\n'));
    expect(text).toMatch(/^HTTP\/1\.1 400/);
    expect(handedOver).toEqual([]);
  });

  it('ends its side when a client has ended its own', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const ended = new Promise(done => socket.on('end', done));
    socket.on('data', () => socket.end());
    socket.write(get(SMALL.file.key));
    await ended;
    expect(counts.hits).toBe(1);
  });

  it('ends its connections when it is closed', async () => {
    const socket = connect();
    const closed = new Promise(done => socket.on('close', done));
    socket.on('error', () => {});
    socket.write(get(SMALL.file.key));
    await new Promise(done => socket.once('data', done));
    fastPath.close();
    await closed;
  });
});

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
import { newRevisionId, newVideoId } from '../../../protocol/ids.ts';
import { type CacheEntry, makeCacheEntry } from '../cache/memory-tier.ts';
import { parseMediaFile } from '../http/media-file.ts';
import type { ResponseCounts } from './fast-connection.ts';
import { createMediaFastPath } from './fast-path.ts';
import { ALL_PUBLIC } from './rights.ts';

const BASE = `/v/${newVideoId()}/${newRevisionId()}`;
const keep = (name: string, body: Buffer): CacheEntry => {
  const file = parseMediaFile(`${BASE}/${name}`);
  if (!file) throw new Error(`${name} is no media file`);
  return makeCacheEntry(file, { body, etag: `"${name}"` });
};
const SMALL = keep('source-video/media.m3u8', randomBytes(1_000));
const LARGE = keep('source-video/0.m4s', randomBytes(8 * 2 ** 20));
const cache = new Map([SMALL, LARGE].map(kept => [kept.file.key, kept]));
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: site.example\r\n${more}\r\n`;

const directory = mkdtempSync(join(tmpdir(), 'tributary-fast-path-'));
afterAll(() => rmSync(directory, { recursive: true }));
const files = makeCertificate(directory);
const certificate = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };

describe.each(['plain', 'TLS'])('the fast path of a server, %s', transport => {
  const isTls = transport === 'TLS';
  const counts: ResponseCounts = { hits: 0, misses: 0, activeResponses: 0 };
  const viewed: string[] = [];
  let wireBytes = 0;
  let fastPath: FastPath;
  let port: number;
  let handedOver: string[];
  let close: () => Promise<void>;

  const told: [string, string | undefined][] = [];
  const connect = (options: NetConnectOpts = { port, host: '127.0.0.1' }): Socket =>
    isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connectPlain(options);
  beforeEach(async () => {
    Object.assign(counts, { hits: 0, misses: 0, activeResponses: 0 });
    handedOver = [];
    viewed.length = 0;
    told.length = 0;
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
        note: (_address, url, header) => void told.push([url, header]),
        noteVideo() {},
        take: () => ({ viewers: [], videos: [] }),
      },
      rights: ALL_PUBLIC,
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

  /** Sends bytes, and collects what comes until `enough`. */
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

  it('answers one request after another on one connection, bytes and headers whole', async () => {
    const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 1 });
    const options = { port, host: '127.0.0.1', agent, rejectUnauthorized: false };
    const ask = (kept: CacheEntry): Promise<IncomingMessage & { readonly bytes: Buffer }> =>
      new Promise((resolve, reject) => {
        (isTls ? requestTls : request)({ ...options, path: kept.file.key }, response => {
          const chunks: Buffer[] = [];
          response.on('data', chunk => chunks.push(chunk));
          response.on('end', () => resolve(Object.assign(response, { bytes: Buffer.concat(chunks) })));
        })
          .on('error', reject)
          .end();
      });
    const sockets = new Set<Socket>();
    for (const kept of [SMALL, LARGE, LARGE, SMALL]) {
      const answer = await ask(kept);
      sockets.add(answer.socket);
      expect(answer.bytes.equals(kept.body)).toBe(true);
      expect(answer.headers).toMatchObject({
        etag: kept.etag,
        'content-length': String(kept.body.length),
        'access-control-allow-origin': '*',
        'x-content-type-options': 'nosniff',
      });
      expect(Math.abs(Date.parse(answer.headers.date ?? '') - Date.now())).toBeLessThan(5_000);
    }
    agent.destroy();
    expect(sockets.size).toBe(1);
    expect(handedOver).toEqual([]);
    expect(counts.hits).toBe(4);
    // Heads are counted too, and what sealing adds: 22 bytes to each record of 16 KiB.
    const sealing = isTls ? 2 * 22 * (LARGE.body.length / 2 ** 14) : 0;
    const bodies = 2 * (SMALL.body.length + LARGE.body.length);
    expect(wireBytes - bodies - sealing).toBeGreaterThan(4 * 300);
    expect(wireBytes - bodies - sealing).toBeLessThan(4 * 1_000);
  });

  it('hands over what is not in memory, with every byte, and stays out from then on', async () => {
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

  it('hands over a request that comes in pieces', async () => {
    const head = get(SMALL.file.key);
    await exchange([head.slice(0, 20), head.slice(20)], seen => seen.includes('node /v/'), 50);
    expect(handedOver).toEqual([`GET ${SMALL.file.key}`]);
  });

  it('keeps the order of a request sent while an answer is still going out', async () => {
    const socket = connect().pause();
    socket.write(get(LARGE.file.key));
    await expect.poll(() => counts.activeResponses).toBe(1);
    socket.write(get('/after'));
    // What is sealed in pieces leaves the next request in the kernel until the last of them is written.
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

  it('counts an answer under way until its viewer leaves', async () => {
    const socket = connect().pause();
    socket.write(get(LARGE.file.key));
    await expect.poll(() => counts.activeResponses).toBe(1);
    socket.destroy();
    await expect.poll(() => counts.activeResponses).toBe(0);
  });

  it('lets node refuse what is malformed', async () => {
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

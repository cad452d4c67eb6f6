import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { call, formatAddress } from './client.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const options = { timeoutMs: 300, maxBytes: 1_000, response: z.strictObject({ ok: z.boolean() }) };

describe('call', () => {
  it('parses the response of a peer', async () => {
    const url = await serve((_request, response) => void response.end('{"ok":true}'));
    expect(await call(url, { ...options, timeoutMs: 10_000 })).toEqual({ ok: true });
  });

  it.each<[string, RequestListener, string]>([
    ['answers something else', (_request, response) => void response.end('{"ok":"yes"}'), 'peer-malformed'],
    ['answers no JSON', (_request, response) => void response.end('<html>'), 'peer-malformed'],
    [
      'answers too much',
      (_request, response) => void response.end(JSON.stringify('x'.repeat(2_000))),
      'peer-too-large',
    ],
    ['never answers', () => {}, 'peer-unreachable'],
    ['answers one byte and no more', (_request, response) => void response.write('{'), 'peer-unreachable'],
    [
      'redirects',
      (_request, response) => void response.writeHead(302, { location: '/x' }).end(),
      'peer-unreachable',
    ],
    [
      'refuses with a problem',
      (_request, response) => void response.writeHead(409).end('{"code":"video-public","detail":"No."}'),
      'video-public',
    ],
    ['refuses with nothing', (_request, response) => void response.writeHead(500).end(), 'peer-error'],
  ])('reports a peer that %s by its code, in time', async (_what, listener, code) => {
    const url = await serve(listener);
    const startedMs = Date.now();
    await expect(call(url, { ...options, abort: new AbortController().signal })).rejects.toMatchObject({
      code,
    });
    expect(Date.now() - startedMs).toBeLessThan(2_000);
  });

  it('ends when the caller aborts it', async () => {
    const url = await serve(() => {});
    const abort = new AbortController();
    const pending = call(url, { ...options, timeoutMs: 60_000, abort: abort.signal });
    abort.abort();
    await expect(pending).rejects.toMatchObject({ code: 'peer-unreachable' });
  });
});

describe('formatAddress', () => {
  it('brackets IPv6', () => {
    expect([formatAddress('192.0.2.1', 80), formatAddress('2001:db8::1', 80)]).toEqual([
      '192.0.2.1:80',
      '[2001:db8::1]:80',
    ]);
  });
});

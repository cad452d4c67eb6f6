import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../log.ts';
import { createHttp, type HttpServer } from '../server.ts';
import { acceptsGzip } from './gzip.ts';

it.each([
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['x-gzip', true],
  ['gzip, deflate, br, zstd', true],
  ['deflate, gzip;q=1.0, *;q=0.5', true],
  ['*', true],
  ['*;q=0', false],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['gzip; q=0.5', true],
  ['gzip;q=0.5, identity', false],
  ['gzip;q=0.5, identity;q=0.5', true],
  ['gzip;q=x', false],
  ['br', false],
  ['identity', false],
])('Accept-Encoding: %s allows gzip: %s', (header, expected) => {
  expect(acceptsGzip(header)).toBe(expected);
});

describe('a response of the framework', () => {
  const LONG = { text: 'a'.repeat(5_000) };
  let app: HttpServer;
  beforeEach(async () => {
    ({ app } = await createHttp({ part: 'central', log: silentLog, ready: () => undefined }));
    app.get('/long', (_request, reply) => reply.header('etag', '"1"').send(LONG));
    app.get('/short', () => ({ text: 'a' }));
    app.get('/image', (_request, reply) => reply.type('image/png').send(Buffer.alloc(5_000)));
  });
  afterEach(() => app.close());
  const ask = (url: string, encoding?: string, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ url, method, headers: encoding === undefined ? {} : { 'accept-encoding': encoding } });

  it('is compressed if the client asks for it, with another entity tag', async () => {
    const plain = await ask('/long');
    expect(plain.json()).toEqual(LONG);
    expect(plain.headers).toMatchObject({ vary: 'Accept-Encoding', etag: '"1"' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const coded = await ask('/long', 'gzip');
    expect(coded.headers).toMatchObject({
      vary: 'Accept-Encoding',
      etag: '"1-gzip"',
      'content-encoding': 'gzip',
      'content-length': String(coded.rawPayload.length),
    });
    expect(JSON.parse(gunzipSync(coded.rawPayload).toString())).toEqual(LONG);
    const head = await ask('/long', 'gzip', 'HEAD');
    expect(head.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': coded.headers['content-length'],
    });
    expect(head.rawPayload.length).toBe(0);
  });

  it.each(['/short', '/image'])('%s is not', async url => {
    const { headers } = await ask(url, 'gzip');
    expect(headers['content-encoding']).toBeUndefined();
  });
});

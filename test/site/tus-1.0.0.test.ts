/** Each MUST of the tus resumable upload protocol 1.0.0 that concerns a server, by the sections of the specification. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync, utimesSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSite } from '../../src/site/compose/running-site.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { startSite } from '../../src/site/start.ts';
import { eventually } from '../support/eventually.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

const TOKEN = 'operator-token-of-these-tests';
const ORIGIN = 'https://portal.example';
const MAX_BYTES = 2 ** 20;
const OFFSET_TYPE = 'application/offset+octet-stream';
const NAME = `name ${Buffer.from('A video').toString('base64')}`;

let directory: string;
let site: RunningSite;
let url: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('tus');
  const config = siteConfigSchema.parse({
    name: 'Test',
    listen: '127.0.0.1:0',
    baseUrl: 'http://127.0.0.1:9',
    sourceAddress: '127.0.0.1:9',
    dataDirectory: directory,
    operatorToken: TOKEN,
    uploadOrigins: [ORIGIN],
    maxUpload: '1 MiB',
    keepFree: '1 MB',
    logLevel: 'silent',
    workers: 0,
  });
  site = await startSite(config, {
    uiDirectory: '/nonexistent',
    prepareWorker: new URL('file:///nonexistent.js'),
  });
  url = site.url ?? '';
});
afterAll(async () => {
  await site?.stop();
  await removeDirectory(directory);
});

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Buffer | string;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** Sends a request with the headers that every request of a client has; undefined leaves one out. */
function send(method: string, path: string, { headers = {}, body, trailers }: Sent = {}): Promise<Received> {
  const all = {
    authorization: `Bearer ${TOKEN}`,
    'tus-resumable': '1.0.0',
    ...(body === undefined || trailers ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise((done, fail) => {
    const sending = request(new URL(path, url), { method, headers: sent }, async response => {
      let text = '';
      for await (const chunk of response) text += chunk;
      done({ status: response.statusCode ?? 0, headers: response.headers, body: text });
    });
    sending.once('error', fail);
    if (trailers) {
      sending.write(body ?? '');
      sending.addTrailers(trailers);
      sending.end();
    } else sending.end(body);
  });
}

const post = (headers: Record<string, string | undefined> = {}, body?: Buffer | string): Promise<Received> =>
  send('POST', '/api/uploads', {
    headers: { 'upload-length': '10', 'upload-metadata': NAME, ...headers },
    ...(body === undefined ? {} : { body }),
  });

async function create(headers: Record<string, string | undefined> = {}): Promise<string> {
  const { status, headers: received, body } = await post(headers);
  expect(status, body).toBe(201);
  return received.location ?? '';
}

const patch = (
  path: string,
  offset: number,
  body: Buffer | string,
  headers: Record<string, string | undefined> = {},
): Promise<Received> =>
  send('PATCH', path, {
    headers: { 'upload-offset': String(offset), 'content-type': OFFSET_TYPE, ...headers },
    body,
  });
const head = (path: string): Promise<Received> => send('HEAD', path);
const offsetOf = async (path: string): Promise<string | undefined> =>
  (await head(path)).headers['upload-offset'] as string | undefined;
const codeOf = ({ body }: Received): string => JSON.parse(body).code;
const digest = (algorithm: string, body: string): string =>
  `${algorithm} ${createHash(algorithm).update(body).digest('base64')}`;

describe('Core Protocol, Headers', () => {
  it('Upload-Offset MUST be a non-negative integer', async () => {
    const path = await create();
    for (const offset of ['-1', '1.5', 'x', '0x1', '']) {
      const response = await patch(path, 0, 'x', { 'upload-offset': offset });
      expect([response.status, codeOf(response)], offset).toEqual([400, 'upload-offset-needed']);
    }
    expect(await offsetOf(path)).toBe('0');
  });

  it('Upload-Length MUST be a non-negative integer', async () => {
    for (const length of ['-1', '1.5', 'x', '1e3'])
      expect(await post({ 'upload-length': length }), length).toMatchObject({ status: 400 });
  });

  it('Tus-Resumable MUST be included in every response except for OPTIONS', async () => {
    const path = await create();
    const responses = [
      await post(),
      await post({ 'upload-length': 'x' }),
      await head(path),
      await patch(path, 3, 'x'),
      await patch(path, 0, 'x'),
      await send('DELETE', path),
      await head(path),
    ];
    expect(responses.map(each => each.status)).toEqual([201, 400, 200, 409, 204, 204, 404]);
    for (const { headers } of responses) expect(headers['tus-resumable']).toBe('1.0.0');
  });

  it('another version MUST be answered with 412 and Tus-Version, and MUST NOT be processed', async () => {
    const path = await create();
    for (const version of ['0.2.2', '2.0.0', undefined]) {
      const response = await patch(path, 0, 'x', { 'tus-resumable': version });
      expect(response).toMatchObject({ status: 412, headers: { 'tus-version': '1.0.0' } });
      expect(await send('DELETE', path, { headers: { 'tus-resumable': version } })).toMatchObject({
        status: 412,
      });
    }
    expect(await offsetOf(path)).toBe('0');
  });

  it('X-HTTP-Method-Override MUST be interpreted as the method, and the actual method MUST be ignored', async () => {
    const path = await create();
    const as = (method: string, override: string, more: Sent = {}): Promise<Received> =>
      send(method, path, { ...more, headers: { ...more.headers, 'x-http-method-override': override } });
    const bytes = { headers: { 'upload-offset': '0', 'content-type': OFFSET_TYPE }, body: 'hello' };
    expect(await as('POST', 'PATCH', bytes)).toMatchObject({
      status: 204,
      headers: { 'upload-offset': '5' },
    });
    expect(await as('POST', 'HEAD')).toMatchObject({ status: 200, headers: { 'upload-offset': '5' } });
    expect(await as('DELETE', 'HEAD')).toMatchObject({ status: 200 });
    expect(await as('GET', 'options')).toMatchObject({ status: 204, headers: { 'tus-version': '1.0.0' } });
    expect(await as('POST', 'GET')).toMatchObject({ status: 405 });
    // A refusal has its body although HEAD is meant, because the client waits for one.
    expect(codeOf(await as('POST', 'HEAD', { headers: { 'tus-resumable': '3' } }))).toBe(
      'tus-version-unsupported',
    );
    expect(await as('GET', 'DELETE')).toMatchObject({ status: 204 });
    expect(await head(path)).toMatchObject({ status: 404 });
  });

  it('X-Forwarded-Proto of any proxy does not concern the protocol', async () => {
    for (const scheme of ['https, http', 'HTTPS', 'wss'])
      expect(await post({ 'x-forwarded-proto': scheme }), scheme).toMatchObject({ status: 201 });
  });
});

describe('Core Protocol, HEAD', () => {
  it('MUST always include Upload-Offset, even if it is 0 or the upload is complete', async () => {
    const path = await create();
    expect(await offsetOf(path)).toBe('0');
    await patch(path, 0, 'half.');
    expect(await offsetOf(path)).toBe('5');
    await patch(path, 5, '.half');
    expect(await offsetOf(path)).toBe('10');
  });

  it('MUST include Upload-Length if it is known, and prevent caching', async () => {
    expect(await head(await create())).toMatchObject({
      status: 200,
      headers: { 'upload-length': '10', 'cache-control': 'no-store' },
    });
  });

  it('of an unknown upload has no Upload-Offset', async () => {
    const { status, headers } = await head('/api/uploads/unknown');
    expect([status, headers['upload-offset']]).toEqual([404, undefined]);
  });

  it('during a PATCH that hangs ends the PATCH, keeps its bytes, and does not occupy the thread', async () => {
    const path = await create();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `PATCH ${path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer ${TOKEN}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: ${OFFSET_TYPE}\r\nContent-Length: 10\r\n\r\nhalf.`,
    );
    await sleep(200);
    const before = process.cpuUsage();
    expect(await offsetOf(path)).toBe('5');
    const { user, system } = process.cpuUsage(before);
    // The request waits for about three seconds. A loop would use them all.
    expect(user + system).toBeLessThan(1_500_000);
    expect(await patch(path, 5, '.half')).toMatchObject({ status: 204, headers: { 'upload-offset': '10' } });
    socket.destroy();
  });
});

describe('Core Protocol, PATCH', () => {
  it('MUST use Content-Type: application/offset+octet-stream; anything else is 415', async () => {
    const path = await create();
    for (const type of [undefined, 'text/plain'])
      expect(await patch(path, 0, 'x', { 'content-type': type })).toMatchObject({ status: 415 });
    expect(await offsetOf(path)).toBe('0');
  });

  it('with another offset MUST be answered with 409 without modifying the upload', async () => {
    const path = await create();
    await patch(path, 0, 'abc');
    for (const offset of [0, 2, 4]) expect(await patch(path, offset, 'x')).toMatchObject({ status: 409 });
    expect(await offsetOf(path)).toBe('3');
  });

  it('MUST be acknowledged with 204 and the sum of the offset and the stored bytes', async () => {
    const path = await create();
    expect(await patch(path, 0, 'abc')).toMatchObject({ status: 204, headers: { 'upload-offset': '3' } });
    expect(await patch(path, 3, 'defg')).toMatchObject({ status: 204, headers: { 'upload-offset': '7' } });
    expect(await patch(path, 7, '')).toMatchObject({ status: 204, headers: { 'upload-offset': '7' } });
  });

  it('of an unknown upload is 404', async () => {
    expect(await patch('/api/uploads/unknown', 0, 'x')).toMatchObject({ status: 404 });
  });

  it('stores what arrives before the connection is lost', async () => {
    const path = await create();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(
      `PATCH ${path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer ${TOKEN}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: ${OFFSET_TYPE}\r\nContent-Length: 10\r\n\r\nhalf.`,
    );
    socket.on('error', () => {});
    const file = join(directory, 'uploads', path.split('/').at(-1) ?? '');
    await eventually('the bytes are stored', () => statSync(file).size === 5);
    socket.destroy();
    expect(await offsetOf(path)).toBe('5');
  });

  it('that is refused early is answered before the connection closes, however much is sent', async () => {
    const path = await create();
    // More than the buffers of two sockets take up.
    const response = await patch(path, 3, Buffer.alloc(24 * 2 ** 20), { authorization: 'Bearer wrong' });
    expect(response.status).toBe(401);
    const conflict = await patch(path, 3, Buffer.alloc(24 * 2 ** 20));
    expect([conflict.status, codeOf(conflict)]).toEqual([409, 'upload-offset-conflict']);
  });
});

describe('Core Protocol, OPTIONS', () => {
  it('MUST contain Tus-Version, and MUST ignore Tus-Resumable', async () => {
    for (const version of [undefined, '0.0.1']) {
      const response = await send('OPTIONS', '/api/uploads', {
        headers: { 'tus-resumable': version, authorization: undefined },
      });
      expect(response).toMatchObject({
        status: 204,
        headers: {
          'tus-version': '1.0.0',
          'tus-max-size': String(MAX_BYTES),
          'tus-extension':
            'creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,termination,concatenation',
        },
      });
    }
  });

  it('allows the pages of named origins to upload with a token, and no others', async () => {
    const preflight = (origin: string): Promise<Received> =>
      send('OPTIONS', '/api/uploads', {
        headers: {
          origin,
          authorization: undefined,
          'tus-resumable': undefined,
          'access-control-request-method': 'PATCH',
          'access-control-request-headers': 'authorization,tus-resumable,upload-offset',
        },
      });
    expect(await preflight(ORIGIN)).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-methods': expect.stringContaining('PATCH'),
        'access-control-allow-headers': expect.stringMatching(
          /Authorization.*Upload-Checksum.*Upload-Offset/,
        ),
        vary: 'Origin',
      },
    });
    const foreign = await preflight('https://other.example');
    expect(Object.keys(foreign.headers).filter(name => name.startsWith('access-control-'))).toEqual([]);

    const created = await post({ origin: ORIGIN });
    expect(created).toMatchObject({
      status: 201,
      headers: {
        'access-control-allow-origin': ORIGIN,
        'access-control-expose-headers': expect.stringMatching(/Location.*Upload-Offset/),
      },
    });
    const refused = await post({ origin: ORIGIN, authorization: undefined });
    expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': ORIGIN } });
    const other = await post({ origin: 'https://other.example' });
    expect([other.status, codeOf(other)]).toEqual([403, 'cross-origin']);
  });
});

describe('Creation', () => {
  it('a request MUST include Upload-Length or Upload-Defer-Length: 1, and not both', async () => {
    expect(await post({ 'upload-length': undefined })).toMatchObject({ status: 400 });
    expect(await post({ 'upload-defer-length': '1' })).toMatchObject({ status: 400 });
    for (const value of ['0', '2', 'true']) {
      const response = await post({ 'upload-length': undefined, 'upload-defer-length': value });
      expect([response.status, codeOf(response)]).toEqual([400, 'upload-malformed']);
    }
  });

  it('a deferred length is reported as such until it is set in a PATCH, and MUST NOT be changed after that', async () => {
    const path = await create({ 'upload-length': undefined, 'upload-defer-length': '1' });
    const before = await head(path);
    expect(before).toMatchObject({ headers: { 'upload-defer-length': '1', 'upload-offset': '0' } });
    expect(before.headers['upload-length']).toBeUndefined();
    expect(await patch(path, 0, 'abc')).toMatchObject({ status: 204 });
    expect(await patch(path, 3, 'de', { 'upload-length': '4' })).toMatchObject({ status: 413 });
    const path2 = await create({ 'upload-length': undefined, 'upload-defer-length': '1' });
    expect(await patch(path2, 0, 'abc')).toMatchObject({ status: 204 });
    expect(await patch(path2, 3, 'x', { 'upload-length': '2' })).toMatchObject({ status: 400 });
    expect(await patch(path2, 3, 'x', { 'upload-length': String(MAX_BYTES + 1) })).toMatchObject({
      status: 413,
    });
    expect(await patch(path2, 3, 'de', { 'upload-length': '6' })).toMatchObject({ status: 204 });
    const after = await head(path2);
    expect(after).toMatchObject({ headers: { 'upload-length': '6', 'upload-offset': '5' } });
    expect(after.headers['upload-defer-length']).toBeUndefined();
    expect(await patch(path2, 5, 'f', { 'upload-length': '7' })).toMatchObject({ status: 400 });
    expect(await patch(path2, 5, 'f')).toMatchObject({ status: 204, headers: { 'upload-offset': '6' } });
  });

  it('MUST be acknowledged with 201 and a Location', async () => {
    expect(await post()).toMatchObject({
      status: 201,
      headers: { location: expect.stringMatching(/^\/api\/uploads\/[0-9a-f-]{36}$/) },
    });
  });

  it('of more than Tus-Max-Size MUST be answered with 413', async () => {
    const response = await post({ 'upload-length': String(MAX_BYTES + 1) });
    expect([response.status, codeOf(response)]).toEqual([413, 'upload-too-large']);
  });

  it.each([
    ['a key without a separator', 'name,, description YQ=='],
    ['an empty key', ' YQ=='],
    ['two spaces', 'name  YQ=='],
    ['a value that is not Base64', 'name ***'],
    ['a key that occurs twice', 'name YQ==,name Yg=='],
    ['a key that is not ASCII', 'näme YQ=='],
  ])('Upload-Metadata with %s is refused', async (_what, metadata) => {
    expect(await post({ 'upload-metadata': metadata })).toMatchObject({ status: 400 });
  });

  it('HEAD MUST return Upload-Metadata as the client specified it', async () => {
    // Encoders differ in keys without a value; they keep their order.
    const metadata = `zeta,${NAME},filename YS5tcDQ=,x-binary /////w==`;
    const path = await create({ 'upload-metadata': metadata });
    expect((await head(path)).headers['upload-metadata']).toBe(metadata);
    await patch(path, 0, 'ten bytes.');
    expect((await head(path)).headers['upload-metadata']).toBe(metadata);
  });

  it('without a name is refused with a sentence that names it', async () => {
    const response = await post({ 'upload-metadata': 'filename YS5tcDQ=' });
    expect([response.status, codeOf(response)]).toEqual([400, 'metadata-invalid']);
    expect(response.body).toContain('\\"name\\" in Upload-Metadata');
  });
});

describe('Creation With Upload', () => {
  it('MUST include Upload-Offset in the response: a part, or the whole upload', async () => {
    const part = await post({ 'content-type': OFFSET_TYPE }, 'abc');
    expect(part).toMatchObject({ status: 201, headers: { 'upload-offset': '3' } });
    const path = part.headers.location ?? '';
    expect(await patch(path, 3, 'defghij')).toMatchObject({ headers: { 'upload-offset': '10' } });
    const whole = await post({ 'content-type': OFFSET_TYPE }, 'ten bytes.');
    expect(whole).toMatchObject({ status: 201, headers: { 'upload-offset': '10' } });
    const empty = await post({ 'content-type': OFFSET_TYPE }, '');
    expect(empty).toMatchObject({ status: 201, headers: { 'upload-offset': '0' } });
  });

  it('with more bytes than announced is refused, and leaves nothing', async () => {
    const before = readdirSync(join(directory, 'uploads')).length;
    expect(await post({ 'content-type': OFFSET_TYPE }, 'eleven bytes')).toMatchObject({ status: 413 });
    expect(readdirSync(join(directory, 'uploads'))).toHaveLength(before);
  });
});

describe('Expiration', () => {
  it('Upload-Expires MUST be in every response to a POST or PATCH of an unfinished upload, as an HTTP date', async () => {
    const created = await post();
    const path = created.headers.location ?? '';
    for (const { headers } of [created, await patch(path, 0, 'abc')]) {
      const expires = headers['upload-expires']?.toString() ?? '';
      expect(new Date(expires).toUTCString()).toBe(expires);
      const days = (Date.parse(expires) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(6.9);
      expect(days).toBeLessThan(7.1);
    }
    expect((await patch(path, 3, 'defghij')).headers['upload-expires']).toBeUndefined();
  });

  it('counts from the last byte; an expired upload is 410, a finished one never expires', async () => {
    const path = await create();
    const file = join(directory, 'uploads', path.split('/').at(-1) ?? '');
    const at = (days: number): void => {
      const time = new Date(Date.now() - days * 86_400_000);
      utimesSync(file, time, time);
    };
    at(6.5);
    expect(await patch(path, 0, 'abc')).toMatchObject({ status: 204 });
    at(7.5);
    expect(await head(path)).toMatchObject({ status: 410 });
    expect(await patch(path, 3, 'x')).toMatchObject({ status: 410 });
  });
});

describe('Checksum', () => {
  it('OPTIONS MUST name the algorithms, sha1 among them', async () => {
    const { headers } = await send('OPTIONS', '/api/uploads');
    expect(headers['tus-checksum-algorithm']).toBe('sha1,sha256,sha512,md5');
  });

  it.each(['sha1', 'sha256', 'sha512', 'md5'])('%s: matching bytes are stored', async algorithm => {
    const path = await create();
    const checksum = { 'upload-checksum': digest(algorithm, 'hello') };
    expect(await patch(path, 0, 'hello', checksum)).toMatchObject({
      status: 204,
      headers: { 'upload-offset': '5' },
    });
  });

  it('a mismatch is 460, and the chunk MUST be discarded', async () => {
    const path = await create();
    await patch(path, 0, 'abc');
    const response = await patch(path, 3, 'defg', { 'upload-checksum': digest('sha1', 'other') });
    expect([response.status, codeOf(response)]).toEqual([460, 'upload-checksum-mismatch']);
    expect(await offsetOf(path)).toBe('3');
    const right = { 'upload-checksum': digest('sha1', 'defghij') };
    expect(await patch(path, 3, 'defghij', right)).toMatchObject({ status: 204 });
    expect(readdirSync(join(directory, 'uploads')).filter(name => name.includes('.'))).toEqual([]);
  });

  it('an unsupported algorithm or a malformed checksum is 400, and the chunk MUST be discarded', async () => {
    const path = await create();
    for (const checksum of ['crc1 AAAA', 'SHA1 AAAA', 'sha1', 'sha1 ***', 'sha1 AAAA AAAA', '']) {
      const response = await patch(path, 0, 'x', { 'upload-checksum': checksum });
      expect([response.status, codeOf(response)], checksum).toEqual([400, 'upload-checksum-unsupported']);
    }
    expect(await offsetOf(path)).toBe('0');
  });

  it('may follow the bytes as a trailer', async () => {
    const path = await create();
    const withTrailer = (body: string, checksum: string): Promise<Received> =>
      send('PATCH', path, {
        headers: { 'upload-offset': '0', 'content-type': OFFSET_TYPE, trailer: 'Upload-Checksum' },
        body,
        trailers: { 'Upload-Checksum': checksum },
      });
    expect(await withTrailer('hello', digest('sha1', 'other'))).toMatchObject({ status: 460 });
    expect(await withTrailer('hello', 'none AAAA')).toMatchObject({ status: 400 });
    expect(await offsetOf(path)).toBe('0');
    expect(await withTrailer('hello', digest('sha256', 'hello'))).toMatchObject({ status: 204 });
    expect(await offsetOf(path)).toBe('5');
  });

  it('of a connection that is lost keeps nothing that was not checked', async () => {
    const path = await create();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `PATCH ${path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer ${TOKEN}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nUpload-Checksum: ${digest('sha1', 'ten bytes.')}\r\nContent-Type: ${OFFSET_TYPE}\r\nContent-Length: 10\r\n\r\nten b`,
    );
    const chunk = `${path.split('/').at(-1)}.chunk`;
    const exists = (): boolean => readdirSync(join(directory, 'uploads')).includes(chunk);
    await eventually('the bytes arrive', exists);
    socket.destroy();
    await eventually('the bytes are discarded', () => !exists());
    expect(await offsetOf(path)).toBe('0');
  });

  it('is checked at the creation, too', async () => {
    const bytes = { 'content-type': OFFSET_TYPE, 'upload-checksum': digest('sha1', 'abc') };
    expect(await post(bytes, 'abd')).toMatchObject({ status: 460 });
    expect(await post(bytes, 'abc')).toMatchObject({ status: 201, headers: { 'upload-offset': '3' } });
  });
});

describe('Termination', () => {
  it('DELETE MUST be answered with 204; the upload is unknown after that', async () => {
    const path = await create();
    await patch(path, 0, 'abc');
    const files = readdirSync(join(directory, 'uploads')).length;
    expect(await send('DELETE', path)).toMatchObject({ status: 204 });
    expect(readdirSync(join(directory, 'uploads'))).toHaveLength(files - 1);
    for (const response of [await head(path), await patch(path, 3, 'x'), await send('DELETE', path)])
      expect(response.status).toBe(404);
  });
});

describe('Concatenation', () => {
  const part = async (body: string): Promise<string> => {
    const path = await create({
      'upload-concat': 'partial',
      'upload-length': String(body.length),
      'upload-metadata': undefined,
    });
    await patch(path, 0, body);
    return path;
  };
  const concatenate = (parts: readonly string[], more: Record<string, string> = {}): Promise<Received> =>
    post({ 'upload-length': undefined, 'upload-concat': `final;${parts.join(' ')}`, ...more });
  const names = async (): Promise<string[]> => {
    const { body } = await send('GET', '/api/videos');
    return JSON.parse(body).videos.map((video: { name: string }) => video.name);
  };

  it('joins partial uploads in the order of the list; the length MUST be the sum of their lengths', async () => {
    const [a, b, c] = [await part('aaaa'), await part('bb'), await part('ccc')];
    const name = `name ${Buffer.from('Joined').toString('base64')}`;
    const response = await concatenate([c, new URL(a, url).href, b], { 'upload-metadata': name });
    expect(response).toMatchObject({ status: 201, headers: { location: expect.any(String) } });
    const path = response.headers.location ?? '';
    expect(await head(path)).toMatchObject({
      headers: {
        'upload-offset': '9',
        'upload-length': '9',
        // "its value as received in the upload creation request"
        'upload-concat': `final;${c} ${new URL(a, url).href} ${b}`,
        'upload-metadata': name,
      },
    });
    const id = path.split('/').at(-1) ?? '';
    const { body } = await send('GET', `/api/videos/${id}`);
    expect(JSON.parse(body)).toMatchObject({ name: 'Joined', sizeBytes: 9 });
  });

  it('HEAD of a partial upload MUST contain Upload-Offset, Upload-Length and Upload-Concat', async () => {
    expect(await head(await part('abc'))).toMatchObject({
      headers: { 'upload-offset': '3', 'upload-length': '3', 'upload-concat': 'partial' },
    });
  });

  it('partial uploads are no videos', async () => {
    const before = await names();
    await part('abc');
    expect(await names()).toEqual(before);
  });

  it('PATCH of a final upload MUST be answered with 403', async () => {
    const { headers } = await concatenate([await part('abc')]);
    const response = await patch(headers.location ?? '', 3, 'x');
    expect([response.status, codeOf(response)]).toEqual([403, 'upload-finished']);
  });

  it.each([
    ['an unfinished part', async () => create({ 'upload-concat': 'partial' })],
    ['an upload that is no part', async () => create()],
    ['an unknown part', async () => '/api/uploads/01999999-9999-7999-8999-999999999999'],
    ['another path', async () => '/api/videos/01999999-9999-7999-8999-999999999999'],
  ])('of %s is refused, and changes nothing', async (_what, make) => {
    const bad = await make();
    const good = await part('abc');
    const before = await names();
    const refused = await concatenate([good, bad]);
    expect([refused.status, codeOf(refused)]).toEqual([400, 'upload-parts-invalid']);
    expect(await concatenate([])).toMatchObject({ status: 400 });
    expect(await names()).toEqual(before);
    expect(await offsetOf(good)).toBe('3');
  });

  it('of more than Tus-Max-Size is 413; another value of Upload-Concat is 400', async () => {
    const half = 'x'.repeat(MAX_BYTES / 2 + 1);
    const parts = [await part(half), await part(half)];
    expect(await concatenate(parts)).toMatchObject({ status: 413 });
    expect(await post({ 'upload-concat': 'all' })).toMatchObject({ status: 400 });
  });

  it('works with a client that sends parts in parallel', async () => {
    const body = Buffer.alloc(300_000, 'tributary');
    const path = await new Promise<string>((done, fail) => {
      const client = new Upload(body, {
        endpoint: `${url}/api/uploads`,
        headers: { authorization: `Bearer ${TOKEN}` },
        metadata: { name: 'Parallel' },
        parallelUploads: 3,
        retryDelays: null,
        onError: fail,
        onSuccess: () => done(new URL(client.url ?? '').pathname),
      });
      client.start();
    });
    const video = await eventually('it is checked', async () => {
      const found = JSON.parse((await send('GET', `/api/videos/${path.split('/').at(-1)}`)).body);
      return found.state === 'uploading' ? undefined : found;
    });
    expect(video).toMatchObject({ name: 'Parallel', sizeBytes: body.length });
    expect((await head(path)).headers['upload-length']).toBe(String(body.length));
  });
});

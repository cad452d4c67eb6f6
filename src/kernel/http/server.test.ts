import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod';
import { silentLog } from '../log.ts';
import { PROBLEM_TYPE } from '../problem.ts';
import { createHttp, type HttpServer } from './server.ts';

let app: HttpServer;
beforeEach(async () => {
  ({ app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined }));
  app.get('/', ({ headers, url }) => ({ host: headers.host, url }));
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => app.close());

it('a request without a Host is refused, except in HTTP/1.0', async () => {
  const { head, body } = await send('GET /readyz HTTP/1.1\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(body).toMatchObject({ code: 'request-invalid' });
  expect((await send('GET /readyz HTTP/1.0\r\n\r\n')).head).toMatch(/^HTTP\/1\.1 200 /);
});

it.each([
  ['http://site.example/readyz', 'a host'],
  ['HTTP://site.example:8080/readyz', 'a port'],
  ['http://site.example/readyz?x=1', 'a query'],
  ['https://[::1]:8080/readyz', 'an IPv6 address'],
])('the target %s in absolute form, with %s, is accepted', async target => {
  const { head } = await send(`GET ${target} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n`);
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
});

it('the authority of a target in absolute form replaces Host', async () => {
  const { body } = await send(
    'GET http://site.example:8080?x=1 HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n',
  );
  expect(body).toEqual({ host: 'site.example:8080', url: '/?x=1' });
});

/** Sends these bytes and reads the response until the connection ends. */
async function send(bytes: string): Promise<{ head: string; body: Record<string, unknown> }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { head, body: JSON.parse(body) as Record<string, unknown> };
}

it.each([
  ['an address that is no UTF-8', 'GET /%ff HTTP/1.1', 400, 'address-malformed'],
  ['an address with half an escape', 'GET /%z HTTP/1.1', 400, 'address-malformed'],
  [
    'an address longer than all headers may be',
    `GET /${'a'.repeat(17_000)} HTTP/1.1`,
    431,
    'headers-too-large',
  ],
  ['a header that is too long', `GET / HTTP/1.1\r\nX: ${'a'.repeat(17_000)}`, 431, 'headers-too-large'],
  ['a method that nobody knows', 'FOO / HTTP/1.1', 400, 'request-malformed'],
  ['bytes that are not HTTP', 'hello', 400, 'request-malformed'],
  ['a second Host', 'GET / HTTP/1.1\r\nHost: here', 400, 'request-invalid'],
  ['a second Host in another case', 'GET / HTTP/1.1\r\nhOST: there', 400, 'request-invalid'],
  ['an absolute target without a host', 'GET http:///readyz HTTP/1.1', 400, 'request-invalid'],
  ['an absolute target with a user', 'GET http://user@here/readyz HTTP/1.1', 400, 'request-invalid'],
  [
    'an unknown transfer coding',
    'GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked',
    400,
    'request-invalid',
  ],
  ['chunks in HTTP/1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked', 400, 'request-invalid'],
])('%s is refused with problem details', async (_what, start, status, code) => {
  const { head, body } = await send(`${start}\r\nHost: here\r\nConnection: close\r\n\r\n`);
  expect(head.split(' ')[1]).toBe(String(status));
  expect(head.toLowerCase()).toContain(`content-type: ${PROBLEM_TYPE}`);
  expect(body).toMatchObject({ status, code, title: expect.not.stringMatching('Error') });
});

it.each(['a b', 'user@here', 'here/path', 'here:port', '[::1', 'here#x', '"here"'])(
  'the Host %j is refused',
  async host => {
    const { head, body } = await send(`GET /readyz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(head).toMatch(/\r\nconnection: close/i);
    expect(body).toMatchObject({ code: 'request-invalid' });
  },
);

it('a request that does not match its schema is refused with the name of each field', async () => {
  const { app: server } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  try {
    server.post(
      '/videos/:id',
      {
        schema: {
          params: z.object({ id: z.uuid() }),
          querystring: z.object({ limit: z.coerce.number().max(200).optional() }),
          body: z.strictObject({ name: z.string().min(1), audience: z.enum(['public', 'private']) }),
        },
      },
      () => 'done',
    );
    const id = '019a0000-0000-7000-8000-000000000000';
    const post = async (url: string, payload?: object) => {
      const response = await server.inject({ method: 'POST', url, ...(payload ? { payload } : {}) });
      expect(response.statusCode).toBe(400);
      expect(response.headers['content-type']).toBe(PROBLEM_TYPE);
      return response.json();
    };
    expect(await post(`/videos/${id}`, { name: '', audiense: 1 })).toMatchObject({
      code: 'request-invalid',
      detail:
        '`name` must not be empty. `audience` is required. The request body has an unknown field: `audiense` (did you mean `audience`?).',
      errors: [
        { field: 'name', code: 'empty' },
        { field: 'audience', code: 'required' },
        { field: '', code: 'unknown-field', values: ['audiense'] },
      ],
    });
    expect(await post(`/videos/${id}`)).toMatchObject({ detail: 'The request body is required.' });
    expect(await post(`/videos/${id}?limit=many`, {})).toMatchObject({ code: 'request-invalid' });
    expect(await post(`/videos/${id}?limit=300`, { name: 'x', audience: 'public' })).toMatchObject({
      detail: '`limit` must be at most 200.',
    });
    expect(await post('/videos/x', {})).toMatchObject({ detail: '`id` must be a UUID.' });
  } finally {
    await server.close();
  }
});

import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../log.ts';
import { PROBLEM_TYPE } from '../problem.ts';
import { createHttp, type HttpServer } from './server.ts';

let app: HttpServer;
beforeEach(async () => {
  ({ app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined }));
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => app.close());

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
])('%s is refused with problem details', async (_what, start, status, code) => {
  const { head, body } = await send(`${start}\r\nHost: here\r\nConnection: close\r\n\r\n`);
  expect(head.split(' ')[1]).toBe(String(status));
  expect(head.toLowerCase()).toContain(`content-type: ${PROBLEM_TYPE}`);
  expect(body).toMatchObject({ status, code, title: expect.not.stringMatching('Error') });
});

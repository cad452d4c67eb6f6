/** Requests to the studio, as a browser in a trusted network and as others send them. */
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { createAccessGuard } from '../../kernel/access/access.ts';
import { credentialInvalid, sessionCookieName } from '../../kernel/access/credentials.ts';
import { parsePrefix } from '../../kernel/network.ts';
import type { Action } from '../../protocol/people/permissions.ts';
import { createAuthenticate } from '../people/authenticate.ts';
import { type AccessRules, isTrusted } from './access.ts';

const TOKEN = 'the-operator-token-of-this-test';
const prefix = (text: string) => parsePrefix(text) ?? expect.fail();
const rules: AccessRules = {
  trustedNetworks: [prefix('10.0.0.0/8'), prefix('127.0.0.0/8')],
  trustedProxies: [prefix('192.0.2.1/32')],
  baseUrl: 'https://hangzhou.example.edu',
  hosts: ['studio.internal:8090'],
};
const request = (from: string, headers: IncomingMessage['headers'], method = 'GET') =>
  ({ method, headers, socket: { remoteAddress: from } }) as IncomingMessage;
const credentials = { operatorToken: TOKEN, cookie: sessionCookieName('hangzhou') };
/** This site knows nobody. */
const people = { check: () => Promise.reject(credentialInvalid()) };
/** Why this request may not do that. */
async function refusal(what: IncomingMessage, action: Action = 'watch-internal'): Promise<unknown> {
  const guard = createAccessGuard({
    authenticate: createAuthenticate({ access: rules, credentials, people }),
  });
  try {
    await guard.require(what, action, {});
  } catch (error) {
    return error;
  }
}

it.each([
  'hangzhou.example.edu',
  'HANGZHOU.example.edu.:443',
  'studio.internal',
  'studio.internal:8090',
  'localhost:8090',
  '10.1.2.3:8090',
  '[::1]:8090',
])(
  'a trusted network counts for the name %s, and permits to watch internal videos, nothing else',
  async host => {
    expect(isTrusted(request('10.1.2.3', { host }), rules)).toBe(true);
    expect(await refusal(request('10.1.2.3', { host }))).toBeUndefined();
    for (const action of ['upload', 'edit', 'withdraw', 'publish', 'see-jobs', 'manage-site'] as const) {
      expect(await refusal(request('10.1.2.3', { host }), action)).toMatchObject({ code: 'sign-in-needed' });
    }
  },
);

it.each([
  'attacker.example',
  'attacker.example:8090',
  'hangzhou.example.edu.attacker.example',
  'localhost.attacker.example',
  '127.0.0.1.attacker.example',
  'user@hangzhou.example.edu',
  undefined,
  '',
])('a trusted network does not count for the foreign name %s', async host => {
  for (const from of ['10.1.2.3', '127.0.0.1']) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      // The page and this site seem to have the same origin.
      const origin = `http://${host}`;
      const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin && host !== undefined;
      const sent = request(from, { host, ...(isOrigin ? { origin } : {}) }, method);
      expect(isTrusted(sent, rules)).toBe(false);
      expect(await refusal(sent)).toMatchObject({ status: 401, code: 'sign-in-needed' });
    }
  }
  // The token is a secret that a foreign page does not have.
  expect(await refusal(request('10.1.2.3', { host, authorization: `Bearer ${TOKEN}` }))).toBeUndefined();
});

it('behind a proxy that rewrites the Host header, the name that the proxy passes on counts', () => {
  const through = (host: string, from = '192.0.2.1') =>
    request(from, { host: 'upstream', 'x-forwarded-host': host, 'x-forwarded-for': '10.1.2.3' });
  expect(isTrusted(through('hangzhou.example.edu'), rules)).toBe(true);
  expect(isTrusted(through('attacker.example'), rules)).toBe(false);
  // Only a proxy may say what the client called.
  expect(isTrusted(through('hangzhou.example.edu', '10.1.2.3'), rules)).toBe(false);
});

it.each([
  'Bearer wrong',
  `Bearer ${TOKEN}x`,
  'Bearer ',
  'Bearer',
  'bearer wrong',
  `Bearer ${TOKEN.toUpperCase()}`,
])('the wrong credential "%s" is refused even from a trusted network', async authorization => {
  const sent = request('10.1.2.3', { host: 'hangzhou.example.edu', authorization });
  expect(await refusal(sent)).toMatchObject({ status: 401, code: 'credential-invalid' });
});

it('a credential for a proxy is ignored, and the scheme is case-insensitive', async () => {
  const send = (from: string, authorization: string) =>
    refusal(request(from, { host: 'hangzhou.example.edu', authorization }));
  expect(await send('10.1.2.3', 'Basic dXNlcjpwYXNz')).toBeUndefined();
  expect(await send('198.51.100.7', 'Basic dXNlcjpwYXNz')).toMatchObject({
    status: 401,
    code: 'sign-in-needed',
  });
  expect(await send('198.51.100.7', `bearer ${TOKEN}`)).toBeUndefined();
});

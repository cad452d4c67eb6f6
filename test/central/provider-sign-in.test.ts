/** Signing in at central with a real provider of OpenID Connect, and attacks on every step. */

import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CentralHarness } from '../support/central-harness.ts';
import {
  type CentralWithProviders,
  startCentralWithProviders,
  UNIVERSITY,
} from '../support/central-with-providers.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { CLIENT_ID, type TestProvider } from '../support/oidc-provider.ts';

const LI_NA = { sub: 'li-na', name: '李娜', email: 'li.na@example.edu', email_verified: true };

let all: CentralWithProviders;
let central: CentralHarness;
let provider: TestProvider;
let other: TestProvider;
beforeAll(async () => {
  all = await startCentralWithProviders();
  ({ central, provider, other } = all);
});
afterAll(() => all?.stop());
beforeEach(() => {
  provider.account = LI_NA;
});
afterEach(() => all.reset());

const isAtCentral = (url: URL): boolean => url.origin === central.url;
const isReturn = (url: URL): boolean => isAtCentral(url) && url.pathname === '/sign-in/return';
const startOf = (continueTo?: string): string => all.addressOf(UNIVERSITY, continueTo);
const isAfter = (url: URL): boolean => all.isAfter(url);
const signIn = (browser: HttpBrowser, continueTo?: string) => all.signIn(browser, UNIVERSITY, continueTo);
const readMe = (browser: HttpBrowser) => all.readMe(browser);
const isSignedIn = async (browser: HttpBrowser): Promise<boolean> => (await readMe(browser)).person !== null;
const failed = (code: string): string => `/sign-in?error=${code}`;
/** Alters the claims of the ID token, signed by the provider itself. */
const alterIdToken = (change: (claims: Record<string, unknown>) => Record<string, unknown>) => {
  provider.alter = async (path, json) =>
    path === '/token'
      ? { ...json, id_token: await provider.sign(change(decodeJwt(String(json.id_token)))) }
      : json;
};

describe('signing in', () => {
  it('creates the person once, and continues where the person wanted to go', async () => {
    const browser = new HttpBrowser();
    expect(await signIn(browser, '/watch/1?t=5')).toBe('/watch/1?t=5');
    const { person, via, permissions } = await readMe(browser);
    expect({ person, via, permissions }).toMatchObject({
      person: { name: '李娜', email: 'li.na@example.edu' },
      via: 'session',
      permissions: [],
    });
    const again = new HttpBrowser();
    provider.account = { ...LI_NA, name: '李娜 Li Na' };
    expect(await signIn(again)).toBe('/');
    expect((await readMe(again)).person).toEqual({ ...person, name: '李娜 Li Na' });
  });

  it('uses PKCE with S256, state and nonce, and the redirect URI of the settings', async () => {
    const { url } = await new HttpBrowser().visit(startOf(), next => next.origin === provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: CLIENT_ID,
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: `${central.url}/sign-in/return`,
    });
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(url.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    const forged = await fetch(startOf(), { headers: { host: 'evil.example' }, redirect: 'manual' });
    expect(forged.headers.get('location')).toContain(encodeURIComponent(`${central.url}/sign-in/return`));
  });

  it.each(['https://evil.example/', '//evil.example', '/\\evil.example', '/.//evil.example'])(
    'does not redirect to %s',
    async address => {
      expect(await signIn(new HttpBrowser(), address)).toBe('/');
    },
  );

  it('works in two tabs at the same time', async () => {
    const browser = new HttpBrowser();
    const first = await browser.visit(startOf('/a'), isReturn);
    const second = await browser.visit(startOf('/b'), isReturn);
    expect((await browser.visit(second.url, isAfter)).url.pathname).toBe('/b');
    expect((await browser.visit(first.url, isAfter)).url.pathname).toBe('/a');
  });

  it('gives a new session at each sign-in, and ends the one that the browser had', async () => {
    const browser = new HttpBrowser();
    await signIn(browser);
    const stolen = browser.cookiesOf(new URL(central.url));
    await signIn(browser);
    expect(await isSignedIn(browser)).toBe(true);
    const response = await fetch(`${central.url}/api/me`, { headers: { cookie: stolen } });
    expect(response.status).toBe(401);
  });
});

describe('attacks on the response', () => {
  it('refuses a state that it did not issue, and a state of another browser', async () => {
    const [victim, attacker] = [new HttpBrowser(), new HttpBrowser()];
    const { url } = await attacker.visit(startOf(), isReturn);
    await victim.visit(startOf(), isReturn);
    // The attacker wants to sign the victim in to the account of the attacker.
    expect((await victim.visit(url, isAfter)).url.search).toBe('?error=sign-in-expired');
    expect(await isSignedIn(victim)).toBe(false);
    const forged = new URL(url);
    forged.searchParams.set('state', 'A'.repeat(43));
    expect((await attacker.visit(forged, isAfter)).url.search).toBe('?error=sign-in-expired');
    const double = new URL(url);
    double.searchParams.append('state', 'A'.repeat(43));
    expect((await attacker.visit(double, isAfter)).url.search).toBe('?error=sign-in-expired');
    // The sign-in of the attacker was not used up by that.
    expect((await attacker.visit(url, isAfter)).url.pathname).toBe('/');
  });

  it('accepts a response once', async () => {
    const browser = new HttpBrowser();
    const { url } = await browser.visit(startOf(), isReturn);
    const [first, second] = await Promise.all([browser.visit(url, isAfter), browser.visit(url, isAfter)]);
    expect([first.url.search, second.url.search].sort()).toEqual(['', '?error=sign-in-expired']);
  });

  it('refuses a code that was used before', async () => {
    const [victim, thief] = [new HttpBrowser(), new HttpBrowser()];
    const stolen = (await victim.visit(startOf(), isReturn)).url;
    await victim.visit(stolen, isAfter);
    const own = (await thief.visit(startOf(), isReturn)).url;
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '');
    expect((await thief.visit(own, isAfter)).url.search).toBe('?error=sign-in-expired');
    expect(await isSignedIn(thief)).toBe(false);
  });

  it('refuses a code that another browser has not used yet, because of PKCE', async () => {
    const [victim, thief] = [new HttpBrowser(), new HttpBrowser()];
    const stolen = (await victim.visit(startOf(), isReturn)).url;
    const own = (await thief.visit(startOf(), isReturn)).url;
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '');
    expect((await thief.visit(own, isAfter)).url.search).toBe('?error=sign-in-expired');
  });

  it('refuses the response of another provider (RFC 9207)', async () => {
    const browser = new HttpBrowser();
    const { url } = await browser.visit(startOf(), isReturn);
    expect(url.searchParams.get('iss')).toBe(provider.issuer);
    const before = provider.tokenRequests.length;
    url.searchParams.set('iss', other.issuer);
    expect((await browser.visit(url, isAfter)).url.search).toBe('?error=sign-in-unavailable');
    expect(provider.tokenRequests.length).toBe(before);
    const without = (await browser.visit(startOf(), isReturn)).url;
    without.searchParams.delete('iss');
    expect((await browser.visit(without, isAfter)).url.search).toBe('?error=sign-in-unavailable');
  });

  it('says that the provider refused', async () => {
    provider.account = undefined;
    expect(await signIn(new HttpBrowser(), '/admin')).toBe(`${failed('sign-in-refused')}&continue=%2Fadmin`);
  });
});

describe('attacks on the ID token', () => {
  const hour = 3_600;
  const nowS = () => Math.floor(Date.now() / 1_000);
  it.each<[string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['with another nonce', claims => ({ ...claims, nonce: 'A'.repeat(43) })],
    ['without a nonce', ({ nonce: _, ...claims }) => claims],
    ['of another issuer', claims => ({ ...claims, iss: other.issuer })],
    ['for another client', claims => ({ ...claims, aud: 'another-client' })],
    ['that has expired', claims => ({ ...claims, iat: nowS() - 2 * hour, exp: nowS() - hour })],
    ['without a subject', ({ sub: _, ...claims }) => claims],
    ['with a subject of 256 characters', claims => ({ ...claims, sub: 'a'.repeat(256) })],
  ])('refuses a token %s', async (_, change) => {
    alterIdToken(change);
    const browser = new HttpBrowser();
    expect(await signIn(browser)).toBe(failed('sign-in-unavailable'));
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('accepts the unaltered token', async () => {
    alterIdToken(claims => claims);
    expect(await signIn(new HttpBrowser())).toBe('/');
  });

  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each<[string, (claims: Record<string, unknown>) => string | Promise<string>]>([
    ['that another key signed', claims => provider.sign(claims, { otherKey: true })],
    ['without a signature (alg none)', claims => `${encode({ alg: 'none' })}.${encode(claims)}.`],
    ['with alg None', claims => `${encode({ alg: 'None' })}.${encode(claims)}.`],
    ['without an algorithm', claims => `${encode({})}.${encode(claims)}.`],
    [
      'signed with the client secret (alg HS256)',
      claims => `${encode({ alg: 'HS256' })}.${encode(claims)}.${'A'.repeat(43)}`,
    ],
    ['that is no JWT', () => 'no-jwt'],
  ])('refuses a token %s', async (_, forge) => {
    provider.alter = async (path, json) =>
      path === '/token' ? { ...json, id_token: await forge(decodeJwt(String(json.id_token))) } : json;
    const browser = new HttpBrowser();
    expect(await signIn(browser)).toBe(failed('sign-in-unavailable'));
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('refuses a response without an ID token, and user info of another subject', async () => {
    provider.alter = (path, { id_token: idToken, ...json }) =>
      path === '/token' ? json : { ...json, ...(idToken === undefined ? {} : { id_token: idToken }) };
    expect(await signIn(new HttpBrowser())).toBe(failed('sign-in-unavailable'));
    provider.alter = (path, json) => (path === '/me' ? { ...json, sub: 'somebody-else' } : json);
    expect(await signIn(new HttpBrowser())).toBe(failed('sign-in-unavailable'));
  });

  it('limits the size of a response', async () => {
    provider.alter = (path, json) => (path === '/me' ? { ...json, name: 'a'.repeat(2 ** 20) } : json);
    expect(await signIn(new HttpBrowser())).toBe(failed('sign-in-unavailable'));
  });
});

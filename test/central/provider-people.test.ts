/** Whom a provider signs in, and what they may do: people, groups and configured roles. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OidcProvider } from '../../src/central/config.ts';
import { createProviders } from '../../src/central/people/oidc/providers.ts';
import { systemClock } from '../../src/kernel/lifecycle/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { CentralHarness } from '../support/central-harness.ts';
import {
  type CentralWithProviders,
  PARTNER,
  SITE,
  startCentralWithProviders,
  UNIVERSITY,
} from '../support/central-with-providers.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { CLIENT_ID, type TestAccount, type TestProvider } from '../support/oidc-provider.ts';

let all: CentralWithProviders;
let central: CentralHarness;
let provider: TestProvider;
let other: TestProvider;
beforeAll(async () => {
  all = await startCentralWithProviders();
  ({ central, provider, other } = all);
});
afterAll(() => all?.stop());
afterEach(() => all.reset());

/** Signs in in a new browser. */
async function signIn(account: TestAccount, name = UNIVERSITY) {
  (name === PARTNER ? other : provider).account = account;
  const browser = new HttpBrowser();
  return { browser, at: await all.signIn(browser, name) };
}
async function meOf(account: TestAccount, name?: string) {
  const { browser, at } = await signIn(account, name);
  expect(at).toBe('/');
  return all.readMe(browser);
}
const REFUSED = '/sign-in?error=sign-in-refused';
const UNAVAILABLE = '/sign-in?error=sign-in-unavailable';

describe('e-mail addresses', () => {
  const invite = async (name: string, email: string) => {
    const roles = [{ role: 'operator', scope: 'everything' }];
    const response = await central.request('POST', '/api/people', { body: { name, email, roles } });
    expect(response.status).toBe(201);
    return response.body;
  };
  const EVERYTHING = { permission: 'everything', scope: 'everything' };

  it('links a person who was invited to the same verified address, once', async () => {
    const { person, invitation } = await invite('Wang', 'wang@example.edu');
    const me = await meOf({ sub: 'wang', name: 'Wang Wei', email: 'Wang@Example.edu', email_verified: true });
    expect(me.person).toEqual({ id: person.id, name: 'Wang Wei', email: 'wang@example.edu' });
    expect(me.permissions).toContainEqual(EVERYTHING);
    // The invitation does not lead to the account any more.
    const link = new URL(invitation).hash.split(/[=#]/).at(-1) ?? '';
    const used = await central.request('POST', '/api/sign-in/link', {
      token: null,
      body: { link, password: 'a-password-of-an-attacker' },
    });
    expect(used).toMatchObject({ status: 410, body: { code: 'link-invalid' } });
    // Another account with the same address is another person.
    const second = await meOf({ sub: 'wang-2', name: 'W', email: 'wang@example.edu', email_verified: true });
    expect(second.person?.id).not.toBe(person.id);
    expect(second).toMatchObject({ permissions: [], person: { name: 'W' } });
    expect(second.person).not.toHaveProperty('email');
    const third = await meOf({ sub: 'wang', email: 'wang@example.edu', email_verified: true }, PARTNER);
    expect(third.person?.id).not.toBe(person.id);
    expect(third.permissions).toEqual([{ permission: 'watch-internal', scope: 'everything' }]);
  });

  it('gives nothing to an account with an unverified address', async () => {
    const { person } = await invite('Zhao', 'zhao@example.edu');
    for (const account of [
      { sub: 'attacker-1', name: 'A', email: 'zhao@example.edu', email_verified: false },
      { sub: 'attacker-2', name: 'A', email: 'zhao@example.edu' },
    ]) {
      const me = await meOf(account);
      expect(me.person?.id).not.toBe(person.id);
      expect(me.permissions).toEqual([]);
      expect(me.person).not.toHaveProperty('email');
    }
    const me = await meOf({ sub: 'zhao', name: 'Zhao', email: 'zhao@example.edu', email_verified: true });
    expect(me.person?.id).toBe(person.id);
  });

  it('gives nothing to an account with the address of a person who has a password', async () => {
    const { person, invitation } = await invite('Qian', 'qian@example.edu');
    const link = new URL(invitation).hash.split(/[=#]/).at(-1) ?? '';
    const body = { link, password: 'correct horse battery staple' };
    const used = await central.request('POST', '/api/sign-in/link', {
      token: null,
      body,
      headers: { origin: central.url },
    });
    expect(used.status).toBeLessThan(300);
    const me = await meOf({ sub: 'qian', name: 'Qian', email: 'qian@example.edu', email_verified: true });
    expect(me.person?.id).not.toBe(person.id);
    expect(me.permissions).toEqual([]);
  });
});

describe('disabled people', () => {
  const disable = async (id: string, disabled: boolean) => {
    const response = await central.request('PATCH', `/api/people/${id}`, { body: { disabled } });
    expect(response.status).toBe(200);
  };

  it('refuses them at once, and accepts them when they are enabled again', async () => {
    const account = { sub: 'sun', name: 'Sun', email: 'sun@example.edu', email_verified: true };
    const { browser } = await signIn(account);
    const id = (await all.readMe(browser)).person?.id ?? '';
    await disable(id, true);
    expect((await browser.fetch(`${central.url}/api/me`)).status).toBe(401);
    expect((await signIn(account)).at).toBe(REFUSED);
    // Nor do they come back as another person, through an account elsewhere with the same address.
    expect((await signIn({ ...account, sub: 'sun-2' }, PARTNER)).at).toBe(REFUSED);
    await disable(id, false);
    expect((await meOf(account)).person?.id).toBe(id);
  });
});

describe('groups and roles', () => {
  const chen = (groups: TestAccount['groups']): TestAccount => ({
    sub: 'chen',
    name: 'Chen',
    ...(groups === undefined ? {} : { groups }),
  });
  const publishesAt = (me: Awaited<ReturnType<typeof meOf>>) =>
    me.permissions.filter(({ permission }) => permission === 'publish').map(({ scope }) => scope);

  it('gives the roles of the groups, and takes them when the group is removed', async () => {
    const none = await meOf(chen(undefined));
    expect(none).toMatchObject({ permissions: [], groups: [] });
    const editor = await meOf(chen(['editors', 'choir']));
    expect(publishesAt(editor)).toEqual([{ site: SITE }]);
    expect(editor.groups).toHaveLength(2);
    const auditor = await meOf(chen('auditors'));
    expect(publishesAt(auditor)).toEqual([]);
    expect(auditor.permissions).toContainEqual({ permission: 'read-audit', scope: 'everything' });
    expect(auditor.groups).toHaveLength(1);
    expect(await meOf(chen([]))).toMatchObject({ permissions: [], groups: [] });
  });

  it('applies a change to sessions that exist', async () => {
    const { browser } = await signIn(chen(['editors']));
    expect(publishesAt(await all.readMe(browser))).toEqual([{ site: SITE }]);
    await signIn(chen([]));
    expect(publishesAt(await all.readMe(browser))).toEqual([]);
  });

  it('keeps groups of two providers apart', async () => {
    const local = await central.request('POST', '/api/groups', { body: { name: 'staff' } });
    expect(local.status).toBe(201);
    const [university] = (await meOf(chen(['staff', 'editors']))).groups.slice(0, 1);
    const partner = await meOf({ sub: 'chen', name: 'C', groups: ['staff', 'editors', 'auditors'] }, PARTNER);
    expect(partner.groups).not.toContain(university);
    expect(partner.groups).not.toContain(local.body.id);
    expect(partner.permissions).toEqual([{ permission: 'watch-internal', scope: 'everything' }]);
    const { body } = await central.request('GET', '/api/groups');
    const names = body.groups.map(({ name }: { name: string }) => name);
    expect(names).toContain(`staff (${PARTNER})`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('limits the number and the length of groups, and keeps those that have a role', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `group-${index}`);
    const hostile = [
      'a'.repeat(201),
      '',
      'control\u0007',
      7,
      null,
      { group: 'editors' },
    ] as unknown as string[];
    const me = await meOf(chen([...hostile, ...many, 'editors']));
    expect(me.groups).toHaveLength(200);
    expect(publishesAt(me)).toEqual([{ site: SITE }]);
    await meOf(chen([]));
  });

  it('takes configured roles when the configuration does not give them any more', async () => {
    const { browser } = await signIn(chen(['editors']));
    await signIn({ sub: 'ou', name: 'Ou' }, PARTNER);
    const [university] = all.oidc;
    await central.restartWith({ oidc: [{ ...university, roles: [{ group: 'editors', role: 'viewer' }] }] });
    expect((await all.readMe(browser)).permissions).toEqual([
      { permission: 'watch-internal', scope: 'everything' },
    ]);
    // Without its provider, a person has neither its groups nor its roles.
    await central.restartWith({ oidc: [] });
    expect(await all.readMe(browser)).toMatchObject({ permissions: [], groups: [] });
    await central.restartWith({ oidc: all.oidc });
    expect(publishesAt(await all.readMe(browser))).toEqual([{ site: SITE }]);
  });
});

describe('a provider that does not respond', () => {
  const LIU = { sub: 'liu', name: 'Liu' };

  it('does not stop central, and signs people in when it is back', async () => {
    await provider.stop();
    await central.restart();
    expect((await signIn(LIU)).at).toBe(UNAVAILABLE);
    expect((await signIn(LIU, PARTNER)).at).toBe('/');
    await provider.restart();
    await expect.poll(async () => (await signIn(LIU)).at, { timeout: 10_000, interval: 500 }).toBe('/');
    // The metadata are known now, and the provider is down when the browser returns.
    provider.account = LIU;
    const browser = new HttpBrowser();
    const isReturn = ({ origin, pathname }: URL) => origin === central.url && pathname === '/sign-in/return';
    const { url } = await browser.visit(all.addressOf(UNIVERSITY), isReturn);
    await provider.stop();
    expect((await browser.visit(url, next => all.isAfter(next))).url.search).toBe(
      '?error=sign-in-unavailable',
    );
    await provider.restart();
  });

  it('waits no longer than the limit, and asks once for all who wait', async () => {
    provider.delayMs = 400;
    const config: OidcProvider = {
      ...{ name: 'Slow', issuer: provider.issuer, clientId: CLIENT_ID },
      ...{ scopes: 'openid', trustEmails: false, roles: [] },
    };
    const [slow] = createProviders([config], { timeoutMs: 100, clock: systemClock, log: silentLog }).values();
    const startedMs = Date.now();
    const attempts = Array.from({ length: 20 }, () => slow?.connect());
    for (const { status } of await Promise.allSettled(attempts)) expect(status).toBe('rejected');
    expect(Date.now() - startedMs).toBeLessThan(2_000);
    await expect(slow?.connect()).rejects.toMatchObject({ code: 'sign-in-unavailable' });
  });
});

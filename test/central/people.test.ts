/** People, groups, tokens and sessions at central, and every attempt to obtain more rights than one's own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  newPersonResponseSchema,
  newTokenResponseSchema,
  personSchema,
} from '../../src/protocol/people/people.ts';
import type { Assignment } from '../../src/protocol/people/permissions.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { TOKEN } from '../support/central-requests.ts';
import { PageBrowser } from '../support/page-browser.ts';

let central: CentralHarness;
let hangzhou: string;
let beijing: string;
beforeAll(async () => {
  central = await startCentralHarness();
  hangzhou = (await central.addSite('hangzhou')).id;
  beijing = (await central.addSite('beijing')).id;
});
afterAll(() => central?.stop());

let count = 0;
const everywhere = (role: Assignment['role']) => ({ role, scope: 'everything' }) as const;
const at = (site: string, role: Assignment['role']) => ({ role, scope: { site } });

async function invite(roles: readonly object[], token?: string) {
  const email = `person-${++count}@example.edu`;
  const { status, body } = await central.request('POST', '/api/people', {
    body: { name: `Person ${count}`, email, roles },
    ...(token === undefined ? {} : { token }),
  });
  expect(status, JSON.stringify(body)).toBe(201);
  const { person, invitation } = newPersonResponseSchema.parse(body);
  return { id: person.id, email, secret: invitation.split('#')[1] ?? '' };
}

const newToken = async (person: string, more: object = {}, token?: string) => {
  const { status, body } = await central.request('POST', `/api/people/${person}/tokens`, {
    body: { name: 'script', expiresInS: 3_600, ...more },
    ...(token === undefined ? {} : { token }),
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return newTokenResponseSchema.parse(body);
};

/** A person with roles, and an API token of theirs. */
async function someone(...roles: readonly object[]) {
  const person = await invite(roles);
  return { ...person, token: (await newToken(person.id)).token };
}

const call = async (token: string | null, method: string, path: string, body?: unknown) =>
  central.request(method, path, { token, ...(body === undefined ? {} : { body }) });
const outcome = async (...args: Parameters<typeof call>) => {
  const { status, body } = await call(...args);
  return status >= 400 ? `${status} ${body.code}` : status;
};
const me = async (token: string) => (await call(token, 'GET', '/api/me')).body;
const find = async (id: string, token?: string) =>
  personSchema.parse((await central.request('GET', `/api/people/${id}`, token ? { token } : {})).body);

describe('people', () => {
  it('are listed by name, in pages, and found by name, address, site and group', async () => {
    const [a, b] = [await invite([at(hangzhou, 'author')]), await invite([everywhere('viewer')])];
    const group = (await call(TOKEN, 'POST', '/api/groups', { name: '合唱团' })).body.id;
    expect(await outcome(TOKEN, 'PUT', `/api/groups/${group}/members/${b.id}`)).toBe(204);
    const ids = async (query: string): Promise<string[]> =>
      (await call(TOKEN, 'GET', `/api/people?${query}`)).body.people.map(({ id }: { id: string }) => id);
    expect(await ids(`q=${a.email.toUpperCase()}`)).toEqual([a.id]);
    expect(await ids(`site=${hangzhou}`)).toContain(a.id);
    expect(await ids(`site=${hangzhou}`)).not.toContain(b.id);
    expect(await ids(`group=${group}`)).toEqual([b.id]);
    expect(await ids('q=100%25')).toEqual([]);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await call(
        TOKEN,
        'GET',
        `/api/people?limit=1&cursor=${cursor}`.replace(/&cursor=$/, ''),
      );
      seen.push(...body.people.map(({ id }: { id: string }) => id));
      cursor = body.next ?? '';
    } while (cursor !== '');
    expect(seen).toEqual(await ids(''));
    expect(await outcome(TOKEN, 'GET', '/api/people?cursor=nonsense')).toBe('400 cursor-invalid');
    expect(await find(b.id)).toMatchObject({
      roles: [everywhere('viewer')],
      groups: [{ id: group, name: '合唱团' }],
      hasPassword: false,
      providers: [],
      disabled: false,
    });
    expect((await find(b.id)).invitedUntil).toBeDefined();
  });

  it('have one e-mail address each, and roles for sites that exist', async () => {
    const { email } = await invite([]);
    const person = { name: 'Other', email: email.toUpperCase() };
    expect(await outcome(TOKEN, 'POST', '/api/people', person)).toBe('409 person-exists');
    const roles = [at('0193a5c0-0000-7000-8000-000000000009', 'author')];
    expect(await outcome(TOKEN, 'POST', '/api/people', { ...person, email: 'x@example.edu', roles })).toBe(
      '404 site-unknown',
    );
    expect(await outcome(TOKEN, 'GET', '/api/people/0193a5c0-0000-7000-8000-000000000009')).toBe(
      '404 person-unknown',
    );
  });

  it('who are disabled lose every session, token and link at once, and do not get them back', async () => {
    const person = await invite([everywhere('author')]);
    const { token } = await newToken(person.id);
    const browser = await signInByLink((await newLink(person.id, 'sign-in')).secret);
    const link = await newLink(person.id, 'password');
    const cookie = browser.cookie;
    expect([(await me(token)).person?.id, await browser.me()]).toEqual([person.id, person.id]);
    for (const disabled of [true, false]) {
      expect(await outcome(TOKEN, 'PATCH', `/api/people/${person.id}`, { disabled })).toBe(200);
      expect(await outcome(token, 'GET', '/api/me')).toBe('401 credential-invalid');
      const stale = await central.request('GET', '/api/me', { token: null, headers: { cookie } });
      expect([stale.status, stale.body.code]).toEqual([401, 'credential-invalid']);
      expect(stale.headers.getSetCookie().join()).toMatch(
        /^__Host-tributary-\w+=; Max-Age=0; Path=\/; HttpOnly; Secure/,
      );
      expect(await outcome(null, 'POST', '/api/sign-in/link/inspect', { link: link.secret })).toBe(
        '410 link-invalid',
      );
    }
  });
});

async function newLink(person: string, kind: 'password' | 'sign-in', token = TOKEN) {
  const { status, body } = await call(token, 'POST', `/api/people/${person}/links`, { kind });
  expect(status, JSON.stringify(body)).toBe(201);
  return { secret: String(body.link).split('#')[1] ?? '' };
}

async function signInByLink(link: string, browser = new PageBrowser(central.url)): Promise<PageBrowser> {
  expect(await browser.outcome('POST', '/api/sign-in/link', { link })).toBe(204);
  return browser;
}

describe('someone who manages people for one site', () => {
  let manager: Awaited<ReturnType<typeof someone>>;
  const patch = (token: string, id: string, change: object) =>
    outcome(token, 'PATCH', `/api/people/${id}`, change);
  beforeAll(async () => {
    manager = await someone(at(hangzhou, 'site-manager'));
  });

  it('changes the settings of the site, but not the addresses to which central connects', async () => {
    const path = `/api/sites/${hangzhou}`;
    const { sites } = (await call(TOKEN, 'GET', '/api/sites')).body;
    const { baseUrl } = sites.find(({ id }: { id: string }) => id === hangzhou);
    const edit = (change: object) => outcome(manager.token, 'PATCH', path, change);
    expect(await edit({ baseUrl, policy: { weight: 1 } })).toBe(200);
    for (const change of [
      { baseUrl: 'http://169.254.169.254' },
      { databaseUrl: 'postgres://central@localhost/central?sslkey=/etc/passwd' },
      { databaseUrl: null },
    ])
      expect(await edit(change), JSON.stringify(change)).toBe('403 not-permitted');
    expect(await outcome(TOKEN, 'PATCH', path, { databaseUrl: null })).toBe(200);
  });

  it('sees people who have a role there, others by their whole address, and only the roles for the site', async () => {
    const here = await invite([at(hangzhou, 'author'), at(beijing, 'editor')]);
    const elsewhere = await invite([at(beijing, 'author')]);
    const listed = async (q: string) =>
      (await call(manager.token, 'GET', `/api/people?q=${q}`)).body.people.map(
        ({ id, roles }: { id: string; roles: object[] }) => [id, roles],
      );
    expect(await listed(here.email)).toEqual([[here.id, [at(hangzhou, 'author')]]]);
    expect(await listed(elsewhere.email)).toEqual([[elsewhere.id, []]]);
    expect(await listed(elsewhere.email.slice(0, -1))).toEqual([]);
    expect(await outcome(manager.token, 'GET', `/api/people?site=${beijing}`)).toBe('403 not-permitted');
    expect(await outcome(manager.token, 'GET', `/api/sites/${beijing}/roles`)).toBe('403 not-permitted');
    const { people } = (await call(manager.token, 'GET', `/api/sites/${hangzhou}/roles`)).body;
    expect(people).toContainEqual({
      id: here.id,
      name: expect.any(String),
      roles: [at(hangzhou, 'author')],
    });
  });

  it('does not learn the address of a person who has no role there, but finds the person by it', async () => {
    const elsewhere = await invite([at(beijing, 'author')]);
    expect((await find(elsewhere.id, manager.token)).email).toBeUndefined();
    expect(await outcome(manager.token, 'PATCH', `/api/people/${elsewhere.id}`, { roles: [] })).toBe(200);
    expect((await find(elsewhere.id, manager.token)).email).toBeUndefined();
    const { people } = (await call(manager.token, 'GET', `/api/people?q=${elsewhere.email}`)).body;
    expect(people).toEqual([expect.objectContaining({ id: elsewhere.id, email: elsewhere.email })]);
    expect((await find(elsewhere.id)).email).toBe(elsewhere.email);
  });

  it('invites people to the site, and gives and takes roles there without changing others', async () => {
    const invited = await invite([at(hangzhou, 'author')], manager.token);
    expect(await patch(TOKEN, invited.id, { roles: [at(hangzhou, 'author'), at(beijing, 'editor')] })).toBe(
      200,
    );
    expect(await patch(manager.token, invited.id, { roles: [at(hangzhou, 'editor')] })).toBe(200);
    const { roles } = await find(invited.id);
    expect(roles).toEqual([at(beijing, 'editor'), at(hangzhou, 'editor')]);
    const { body } = await call(manager.token, 'POST', '/api/people', {
      name: 'By default',
      email: `d${++count}@example.edu`,
    });
    expect(body.person.roles).toEqual([at(hangzhou, 'viewer')]);
  });

  it('cannot give or take any role elsewhere, or one beyond their own', async () => {
    const target = await invite([at(hangzhou, 'viewer')]);
    const operator = await invite([everywhere('operator'), at(hangzhou, 'viewer')]);
    const beyond = [
      everywhere('viewer'),
      everywhere('operator'),
      at(beijing, 'viewer'),
      at(hangzhou, 'operator'),
      at(hangzhou, 'auditor'),
      { role: 'author', scope: { series: 'lectures' } },
    ];
    for (const role of beyond) {
      for (const id of [target.id, manager.id])
        expect(await patch(manager.token, id, { roles: [role] }), JSON.stringify(role)).toBe(
          '403 not-permitted',
        );
      const newcomer = { name: 'New', email: `new${++count}@example.edu`, roles: [role] };
      expect(await outcome(manager.token, 'POST', '/api/people', newcomer)).toBe('403 not-permitted');
    }
    expect(await patch(TOKEN, target.id, { roles: [at(hangzhou, 'operator')] })).toBe(200);
    expect(await patch(manager.token, target.id, { roles: [] })).toBe('403 not-permitted');
    // Taking the role that is visible leaves the other.
    expect(await patch(manager.token, operator.id, { roles: [] })).toBe(200);
    expect((await find(operator.id)).roles).toEqual([everywhere('operator')]);
    expect((await find(manager.id)).roles).toEqual([at(hangzhou, 'site-manager')]);
    const nothing = { name: 'New', email: `new${++count}@example.edu`, roles: [] };
    expect(await outcome(manager.token, 'POST', '/api/people', nothing)).toBe('400 request-invalid');
  });

  it('cannot act for people who have more rights, rights elsewhere, or none', async () => {
    for (const roles of [
      [everywhere('operator')],
      [everywhere('viewer')],
      [at(hangzhou, 'author'), at(beijing, 'viewer')],
      [],
    ]) {
      const { id } = await invite(roles);
      const { id: token } = await newToken(id);
      const name = JSON.stringify(roles);
      for (const change of [{ disabled: true }, { name: 'Mine' }, { disabled: false }])
        expect(await patch(manager.token, id, change), name).toBe('403 not-permitted');
      for (const [method, path, body] of [
        ['POST', 'links', { kind: 'password' }],
        ['POST', 'links', { kind: 'sign-in' }],
        ['POST', 'tokens', { name: 'x', expiresInS: 60 }],
        ['GET', 'tokens'],
        ['DELETE', `tokens/${token}`],
        ['GET', 'sessions'],
        ['DELETE', 'sessions'],
        ['POST', 'password', { current: 'x', password: 'a long new secret' }],
      ] as const)
        expect(
          await outcome(manager.token, method, `/api/people/${id}/${path}`, body),
          `${name} ${path}`,
        ).toBe('403 not-permitted');
    }
    const own = await invite([at(hangzhou, 'editor')]);
    expect(await patch(manager.token, own.id, { name: 'Renamed' })).toBe(200);
    // Signing in as somebody else is for operators.
    expect(await outcome(manager.token, 'POST', `/api/people/${own.id}/links`, { kind: 'sign-in' })).toBe(
      '403 not-permitted',
    );
    expect(await outcome(manager.token, 'POST', `/api/people/${own.id}/links`, { kind: 'password' })).toBe(
      201,
    );
    expect(await patch(manager.token, own.id, { disabled: true })).toBe(200);
  });

  it('cannot use a link or token of a person whose rights have grown since', async () => {
    const person = await invite([at(hangzhou, 'viewer')], manager.token);
    const { token } = await newToken(person.id, {}, manager.token);
    expect(await patch(TOKEN, person.id, { roles: [at(hangzhou, 'viewer'), everywhere('operator')] })).toBe(
      200,
    );
    const use = { link: person.secret, password: 'a long new secret' };
    expect(await outcome(null, 'POST', '/api/sign-in/link/inspect', { link: person.secret })).toBe(
      '410 link-invalid',
    );
    expect(await outcome(null, 'POST', '/api/sign-in/link', use)).toBe('410 link-invalid');
    expect((await me(token)).permissions).toEqual([
      { permission: 'watch-internal', scope: { site: hangzhou } },
    ]);
    expect(await patch(TOKEN, person.id, { roles: [at(hangzhou, 'viewer')] })).toBe(200);
    expect(await outcome(null, 'POST', '/api/sign-in/link/inspect', { link: person.secret })).toBe(200);
    // The maker has lost the right to invite.
    expect(await patch(TOKEN, manager.id, { roles: [] })).toBe(200);
    expect(await outcome(null, 'POST', '/api/sign-in/link/inspect', { link: person.secret })).toBe(
      '410 link-invalid',
    );
    expect(await patch(TOKEN, manager.id, { roles: [at(hangzhou, 'site-manager')] })).toBe(200);
  });

  it('changes the roles of groups for the site only, and no members', async () => {
    const roles = [at(beijing, 'editor'), at(hangzhou, 'viewer')];
    const { id } = (await call(TOKEN, 'POST', '/api/groups', { name: `Group ${++count}`, roles })).body;
    const { token } = manager;
    const one = (await call(token, 'GET', '/api/groups')).body.groups.find(
      (group: { id: string }) => group.id === id,
    );
    expect(one.roles).toEqual([at(hangzhou, 'viewer')]);
    expect(await outcome(token, 'PATCH', `/api/groups/${id}`, { roles: [at(hangzhou, 'editor')] })).toBe(200);
    expect(await outcome(token, 'PATCH', `/api/groups/${id}`, { roles: [everywhere('editor')] })).toBe(
      '403 not-permitted',
    );
    expect(await outcome(token, 'PATCH', `/api/groups/${id}`, { name: 'Mine' })).toBe('403 not-permitted');
    expect(await outcome(token, 'PUT', `/api/groups/${id}/members/${manager.id}`)).toBe('403 not-permitted');
    expect(await outcome(token, 'DELETE', `/api/groups/${id}`)).toBe('403 not-permitted');
    expect(await outcome(token, 'POST', '/api/groups', { name: 'New' })).toBe('403 not-permitted');
    const { groups } = (await call(TOKEN, 'GET', '/api/groups')).body;
    expect(groups).toContainEqual({
      id,
      name: `Group ${count}`,
      source: 'local',
      members: 0,
      roles: [at(beijing, 'editor'), at(hangzhou, 'editor')],
    });
  });
});

describe('someone who manages people everywhere and is no operator', () => {
  it('cannot make operators or auditors, also not through a group', async () => {
    const manager = await someone(everywhere('site-manager'));
    const operator = await invite([everywhere('operator')]);
    const { id: group } = (
      await call(TOKEN, 'POST', '/api/groups', { name: `G${++count}`, roles: [everywhere('operator')] })
    ).body;
    const refused = '403 not-permitted';
    const { token, id } = manager;
    expect(await outcome(token, 'PUT', `/api/groups/${group}/members/${id}`)).toBe(refused);
    expect(await outcome(token, 'DELETE', `/api/groups/${group}`)).toBe(refused);
    expect(
      await outcome(token, 'POST', '/api/groups', { name: 'Ops', roles: [everywhere('operator')] }),
    ).toBe(refused);
    expect(await outcome(token, 'PATCH', `/api/people/${id}`, { roles: [everywhere('auditor')] })).toBe(
      refused,
    );
    expect(await outcome(token, 'PATCH', `/api/people/${operator.id}`, { disabled: true })).toBe(refused);
    expect(await outcome(token, 'POST', `/api/people/${operator.id}/links`, { kind: 'password' })).toBe(
      refused,
    );
    // An operator who comes with a group counts in the same way.
    const member = await invite([everywhere('viewer')]);
    expect(await outcome(TOKEN, 'PUT', `/api/groups/${group}/members/${member.id}`)).toBe(204);
    expect(await outcome(token, 'PATCH', `/api/people/${member.id}`, { disabled: true })).toBe(refused);
    expect(await outcome(TOKEN, 'DELETE', `/api/groups/${group}`)).toBe(204);
    expect(await outcome(token, 'PATCH', `/api/people/${member.id}`, { disabled: true })).toBe(200);
    const { entries } = (await call(TOKEN, 'GET', '/api/audit?action=role.assign')).body ?? {};
    expect(entries ?? []).not.toContainEqual(expect.objectContaining({ object: `person:${operator.id}` }));
  });
});

describe('an author', () => {
  it('sees and changes only themselves', async () => {
    const author = await someone(everywhere('author'));
    const other = await invite([everywhere('viewer')]);
    const { token, id } = author;
    expect(await outcome(token, 'GET', `/api/people/${id}`)).toBe(200);
    expect(await outcome(token, 'GET', `/api/people/${id}/tokens`)).toBe(200);
    expect(await outcome(token, 'GET', '/api/group-names')).toBe(200);
    for (const [method, path, body] of [
      ['GET', '/api/people'],
      ['POST', '/api/people', { name: 'X', email: 'xx@example.edu' }],
      ['GET', `/api/people/${other.id}`],
      ['GET', '/api/people/0193a5c0-0000-7000-8000-000000000009'],
      ['PATCH', `/api/people/${id}`, { roles: [everywhere('operator')] }],
      ['POST', `/api/people/${id}/links`, { kind: 'password' }],
      ['GET', `/api/people/${other.id}/tokens`],
      ['POST', `/api/people/${other.id}/tokens`, { name: 'x', expiresInS: 60 }],
      ['DELETE', `/api/people/${other.id}/sessions`],
      ['GET', '/api/groups'],
      ['POST', '/api/groups', { name: 'x' }],
      ['GET', `/api/sites/${hangzhou}/roles`],
    ] as const)
      expect(await outcome(token, method, path, body), `${method} ${path}`).toBe('403 not-permitted');
    expect(await outcome(null, 'GET', '/api/people')).toBe('401 sign-in-needed');
    expect(await outcome(null, 'GET', `/api/people/${id}/tokens`)).toBe('401 sign-in-needed');
  });
});

describe('an API token', () => {
  it('has at most the rights of its person, now and later, and shows when it was used', async () => {
    const { id, token } = await someone(everywhere('editor'));
    const limited = await newToken(id, {
      permissions: ['upload', { permission: 'publish', scope: { site: hangzhou } }],
    });
    const held = async () => (await me(limited.token)).permissions;
    expect(await held()).toEqual([
      { permission: 'upload', scope: 'everything' },
      { permission: 'publish', scope: { site: hangzhou } },
    ]);
    expect(await outcome(TOKEN, 'PATCH', `/api/people/${id}`, { roles: [at(beijing, 'author')] })).toBe(200);
    expect(await held()).toEqual([{ permission: 'upload', scope: { site: beijing } }]);
    const { tokens } = (await call(token, 'GET', `/api/people/${id}/tokens`)).body;
    expect(tokens.map((one: { id: string }) => one.id)).toContain(limited.id);
    expect(tokens.every((one: { lastUsedAt?: string }) => one.lastUsedAt !== undefined)).toBe(true);
    expect(JSON.stringify(tokens)).not.toContain('trib_');
    expect(await outcome(token, 'DELETE', `/api/people/${id}/tokens/${limited.id}`)).toBe(204);
    expect(await outcome(limited.token, 'GET', '/api/me')).toBe('401 credential-invalid');
    expect(await outcome(token, 'DELETE', `/api/people/${id}/tokens/${limited.id}`)).toBe(
      '404 credential-unknown',
    );
  });

  it('makes no token with more rights or a longer life, and none for a permission that its person lacks', async () => {
    const { id } = await someone(everywhere('author'));
    const short = await newToken(id, { expiresInS: 120, permissions: ['upload'] });
    const child = await newToken(id, { expiresInS: 86_400 }, short.token);
    const { permissions, expiresAt } = await me(child.token);
    expect(permissions).toEqual([{ permission: 'upload', scope: 'everything' }]);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(120_000);
    const ask = (permission: unknown) => ({ name: 'x', expiresInS: 60, permissions: [permission] });
    for (const wanted of ['edit-own', 'everything', 'publish', { permission: 'upload', scope: 'everything' }])
      expect(await outcome(short.token, 'POST', `/api/people/${id}/tokens`, ask(wanted))).toBe(
        typeof wanted === 'string' ? '403 not-permitted' : 201,
      );
    // A thief keeps nothing when the stolen token is revoked.
    const grandchild = await newToken(id, { expiresInS: 60 }, child.token);
    const other = await newToken(id);
    expect(await outcome(other.token, 'DELETE', `/api/people/${id}/tokens/${short.id}`)).toBe(204);
    for (const { token } of [short, child, grandchild])
      expect(await outcome(token, 'GET', '/api/me')).toBe('401 credential-invalid');
    expect(await outcome(other.token, 'GET', '/api/me')).toBe(200);
    // An operator, too, gives a token nothing that its person lacks.
    expect(await outcome(TOKEN, 'POST', `/api/people/${id}/tokens`, ask('publish'))).toBe(
      '403 not-permitted',
    );
  });
});

describe('a token with some permissions of its person', () => {
  it('neither sees nor ends the sessions and other tokens, and may end itself', async () => {
    const { id, token } = await someone(everywhere('author'));
    const limited = await newToken(id, { permissions: ['upload'] });
    const other = await newToken(id);
    for (const [method, path] of [
      ['GET', 'sessions'],
      ['DELETE', 'sessions'],
      ['DELETE', `sessions/${other.id}`],
      ['GET', 'tokens'],
      ['DELETE', `tokens/${other.id}`],
    ] as const)
      expect(await outcome(limited.token, method, `/api/people/${id}/${path}`), path).toBe(
        '403 not-permitted',
      );
    expect(await outcome(limited.token, 'DELETE', `/api/people/${id}/tokens/${limited.id}`)).toBe(204);
    expect(await outcome(token, 'DELETE', `/api/people/${id}/tokens/${other.id}`)).toBe(204);
  });
});

describe('the last operator', () => {
  it('stays, whichever way somebody tries', async () => {
    const harness = await startCentralHarness();
    try {
      const send = async (method: string, path: string, body?: unknown) => {
        const response = await harness.request(method, path, body === undefined ? {} : { body });
        return response.status >= 400 ? `${response.status} ${response.body.code}` : response.body;
      };
      const add = async (email: string, roles: readonly object[]) =>
        (await send('POST', '/api/people', { name: email, email, roles })).person.id as string;
      const first = await add('first@example.edu', [everywhere('operator')]);
      for (const change of [{ disabled: true }, { roles: [] }, { roles: [at(hangzhou, 'operator')] }].slice(
        0,
        2,
      ))
        expect(await send('PATCH', `/api/people/${first}`, change)).toBe('409 last-operator');
      // An operator of a group counts until the group, its role or the membership ends.
      const group = (
        await send('POST', '/api/groups', { name: 'Operators', roles: [everywhere('operator')] })
      ).id;
      const second = await add('second@example.edu', []);
      await send('PUT', `/api/groups/${group}/members/${second}`);
      await send('PATCH', `/api/people/${first}`, { roles: [] });
      for (const [method, path, body] of [
        ['DELETE', `/api/groups/${group}`],
        ['DELETE', `/api/groups/${group}/members/${second}`],
        ['PATCH', `/api/groups/${group}`, { roles: [] }],
        ['PATCH', `/api/people/${second}`, { disabled: true }],
      ] as const)
        expect(await send(method, path, body), `${method} ${path}`).toBe('409 last-operator');
      // Of two operators who demote each other at the same time, one stays.
      await send('PATCH', `/api/people/${first}`, { roles: [everywhere('operator')] });
      await send('DELETE', `/api/groups/${group}`);
      await send('PATCH', `/api/people/${second}`, { roles: [everywhere('operator')] });
      const results = await Promise.all(
        [first, second].map(id => send('PATCH', `/api/people/${id}`, { roles: [] })),
      );
      expect(results.filter(result => result === '409 last-operator')).toHaveLength(1);
    } finally {
      await harness.stop();
    }
  });
});

describe('the audit log', () => {
  it('has each change and each refusal with the person, and no secret', async () => {
    const manager = await someone(at(hangzhou, 'site-manager'));
    const person = await invite([at(hangzhou, 'viewer')], manager.token);
    const created = await newToken(person.id, {}, manager.token);
    const path = `/api/people/${person.id}`;
    expect(await outcome(manager.token, 'PATCH', path, { roles: [at(hangzhou, 'author')] })).toBe(200);
    expect(await outcome(manager.token, 'PATCH', path, { roles: [everywhere('operator')] })).toBe(
      '403 not-permitted',
    );
    const password = { current: 'x', password: 'a long new secret' };
    expect(await outcome(manager.token, 'POST', `${path}/password`, password)).toBe('403 not-permitted');
    const link = await newLink(person.id, 'sign-in');
    const browser = await signInByLink(link.secret);
    expect(await browser.outcome('POST', '/api/sign-out')).toBe(204);
    const entriesOf = async (query: string) =>
      (await call(TOKEN, 'GET', `/api/audit?limit=100&${query}`)).body.entries;
    const actions = async (query: string): Promise<string[]> =>
      (await entriesOf(query)).map(({ action }: { action: string }) => action);
    expect((await actions(`object=person:${person.id}`)).sort()).toEqual([
      'person.create',
      'person.link',
      'role.assign',
      'sign-in.success',
    ]);
    expect(await actions(`object=token:${created.id}`)).toEqual(['token.create']);
    expect(await actions(`person=${person.id}&action=sign-out`)).toEqual(['sign-out']);
    expect(await entriesOf(`person=${manager.id}&action=access.refused`)).toEqual([
      expect.objectContaining({
        who: expect.objectContaining({ kind: 'token', id: manager.id }),
        object: `PATCH ${path}`,
      }),
      expect.objectContaining({ object: `POST ${path}/password` }),
    ]);
    const all = JSON.stringify([await entriesOf('order=desc'), await entriesOf('order=asc')]);
    for (const secret of [manager.token, created.token, person.secret, link.secret, TOKEN])
      expect(all.includes(secret)).toBe(false);
  });
});

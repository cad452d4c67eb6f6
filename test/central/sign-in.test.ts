/** Signing in at central with passwords and one-time links, sessions, and attacks on them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countAttempt, delayAfter, uncountAttempt } from '../../src/central/database/people/attempts.ts';
import { deleteExpired } from '../../src/central/database/people/expired.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { TOKEN } from '../support/central-requests.ts';
import { PageBrowser } from '../support/page-browser.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

const PASSWORD = 'correct horse battery';
const DEMO = '0193a5c0-0000-7000-8000-0000000000d1';
let central: CentralHarness;
let db: CentralDatabase;
const printed: string[] = [];

beforeAll(async () => {
  central = await startCentralHarness(
    {
      trustedProxies: ['127.0.0.0/8'],
      sessionIdle: '1 h',
      demoPeople: [
        { id: DEMO, name: '演示', role: 'Author', roles: [{ role: 'author', scope: 'everything' }] },
      ],
    },
    { print: text => printed.push(text) },
  );
  db = await openDatabase<CentralSchema>(central.database.place, migrations);
});
afterAll(async () => {
  await db?.destroy();
  await central?.stop();
});

let count = 0;
const operator = (method: string, path: string, body?: unknown) =>
  central.request(method, path, { token: TOKEN, ...(body === undefined ? {} : { body }) });
const invite = async (roles: readonly object[] = []) => {
  const email = `guest-${++count}@example.edu`;
  const { body } = await operator('POST', '/api/people', { name: '张伟 Zhang', email, roles });
  return { id: body.person.id as string, email, link: secretOf(body.invitation) };
};
const secretOf = (address: string): string => new URL(address).hash.slice(1);
const newLink = async (id: string, kind: string) =>
  secretOf((await operator('POST', `/api/people/${id}/links`, { kind })).body.link);
const entriesOf = async (query: string) => (await operator('GET', `/api/audit?${query}`)).body.entries;
const open = () => new PageBrowser(central.url);
/** A person with a password. */
async function member(roles: readonly object[] = []) {
  const person = await invite(roles);
  const browser = open();
  expect(await browser.outcome('POST', '/api/sign-in/link', { link: person.link, password: PASSWORD })).toBe(
    204,
  );
  return { ...person, browser };
}
const signIn = (browser: PageBrowser, email: string, password = PASSWORD, from = '192.0.2.1') =>
  browser.outcome('POST', '/api/sign-in', { email, password }, { 'x-forwarded-for': from });

describe('the first administrator', () => {
  it('gets one link, in the fragment of an address, which several browsers cannot share', async () => {
    const [address = ''] = /http:\S+\/invitation#\S+/.exec(printed.join('')) ?? [];
    const link = secretOf(address);
    expect(link).toMatch(/^[\w-]{43}$/);
    const page = open();
    expect((await page.send('POST', '/api/sign-in/link/inspect', { link })).body).toEqual({
      kind: 'administrator',
    });
    const account = { link, name: 'Ada', email: 'ada@example.edu', password: PASSWORD };
    expect(await page.outcome('POST', '/api/sign-in/link', { link, password: PASSWORD })).toBe(
      '400 request-invalid',
    );
    expect(await page.outcome('POST', '/api/sign-in/link', { link, name: 'Ada', email: account.email })).toBe(
      '400 request-invalid',
    );
    expect(await page.outcome('POST', '/api/sign-in/link', { ...account, password: 'ada@example.edu' })).toBe(
      '400 password-weak',
    );
    const both = await Promise.all(
      [page, open()].map(each => each.outcome('POST', '/api/sign-in/link', account)),
    );
    expect(both.sort()).toEqual([204, '410 link-invalid']);
    const ada = open();
    expect(await signIn(ada, ' ADA@example.edu ')).toBe(204);
    expect((await ada.send('GET', '/api/me')).body.permissions).toEqual([
      { permission: 'everything', scope: 'everything' },
    ]);
    const person = await ada.me();
    expect(await entriesOf(`object=person:${person}&action=person`)).toEqual([
      expect.objectContaining({
        who: { kind: 'person', id: person, name: 'Ada' },
        from: '127.0.0.1',
        action: 'person.create',
        after: {
          name: 'Ada',
          email: account.email,
          roles: [{ role: 'operator', scope: 'everything' }],
        },
      }),
    ]);
    // A start with an operator prints nothing.
    printed.length = 0;
    await central.restart();
    expect(printed).toEqual([]);
  });

  it('uses the link of any of several centrals, and then the other links end', async () => {
    const texts: string[] = [];
    const first = await startCentralHarness({}, { print: text => texts.push(text) });
    try {
      await first.restart();
      const links = texts.map(text => secretOf(/http:\S+/.exec(text)?.[0] ?? ''));
      expect(links).toHaveLength(2);
      const page = new PageBrowser(first.url);
      const account = { name: 'Ada', email: 'ada@example.edu', password: PASSWORD };
      expect(await page.outcome('POST', '/api/sign-in/link', { ...account, link: links[0] })).toBe(204);
      expect(await page.outcome('POST', '/api/sign-in/link', { ...account, link: links[1] })).toBe(
        '410 link-invalid',
      );
    } finally {
      await first.stop();
    }
  });
});

describe('one-time links', () => {
  it('set a password once, end earlier sessions and links, and sign in', async () => {
    const { id, email, link, browser } = await member();
    expect(await browser.me()).toBe(id);
    expect(await open().outcome('POST', '/api/sign-in/link', { link, password: PASSWORD })).toBe(
      '410 link-invalid',
    );
    const [old, reset] = [await newLink(id, 'password'), await newLink(id, 'password')];
    expect(await open().outcome('POST', '/api/sign-in/link/inspect', { link: old })).toBe('410 link-invalid');
    const again = open();
    expect((await again.send('POST', '/api/sign-in/link/inspect', { link: reset })).body).toEqual({
      kind: 'password',
      name: '张伟 Zhang',
      email,
    });
    expect(
      await again.outcome('POST', '/api/sign-in/link', { link: reset, password: 'another long secret' }),
    ).toBe(204);
    expect(await browser.me()).toBe('401 credential-invalid');
    expect(await again.me()).toBe(id);
    expect(await signIn(open(), email)).toBe('401 sign-in-failed');
    expect(await signIn(open(), email, 'another long secret')).toBe(204);
    const entries = await entriesOf(`object=person:${id}&action=person.edit`);
    expect(entries).toMatchObject([
      { who: { kind: 'person', id }, from: '127.0.0.1', after: { password: 'set by link' } },
      { who: { kind: 'person', id }, from: '127.0.0.1', after: { password: 'reset by link' } },
    ]);
    for (const secret of [link, reset, PASSWORD, 'another long secret'])
      expect(JSON.stringify(entries)).not.toContain(secret);
  });

  it('refuse passwords that are short, frequent, or the name', async () => {
    const { link, email } = await invite();
    for (const password of [
      '1234567890',
      'aaaaaaaaaaaa',
      'Password123',
      email,
      `${email}1`,
      '张伟 ZHANG 张伟 zhang',
    ])
      expect(await open().outcome('POST', '/api/sign-in/link', { link, password }), password).toBe(
        '400 password-weak',
      );
    expect(await open().outcome('POST', '/api/sign-in/link', { link, password: 'short' })).toBe(
      '400 request-invalid',
    );
    expect(await open().outcome('POST', '/api/sign-in/link', { link })).toBe('400 request-invalid');
    expect(
      await open().outcome('POST', '/api/sign-in/link', { link, password: '一二三四五六七八九十' }),
    ).toBe(204);
  });

  it('sign in once without a password, by an operator only', async () => {
    const { id } = await invite();
    const link = await newLink(id, 'sign-in');
    const browser = open();
    expect(await browser.outcome('POST', '/api/sign-in/link', { link, password: PASSWORD })).toBe(
      '400 request-invalid',
    );
    expect(await browser.outcome('POST', '/api/sign-in/link', { link })).toBe(204);
    expect(await browser.me()).toBe(id);
    expect(await open().outcome('POST', '/api/sign-in/link', { link })).toBe('410 link-invalid');
  });
});

describe('an attacker who guesses', () => {
  it('gets the same answer for people who are unknown, disabled, without password, or use another', async () => {
    const [known, disabled, without] = [await member(), await member(), await invite()];
    await operator('PATCH', `/api/people/${disabled.id}`, { disabled: true });
    const responses = [];
    for (const email of [known.email, disabled.email, without.email, 'nobody@example.edu', 'no address']) {
      const password = email === disabled.email ? PASSWORD : 'a wrong password';
      const { status, body, headers } = await open().send(
        'POST',
        '/api/sign-in',
        { email, password },
        { 'x-forwarded-for': `198.51.100.${++count}` },
      );
      responses.push(JSON.stringify([status, body, [...headers].filter(([name]) => name !== 'date')]));
    }
    expect(new Set(responses).size, responses.join('\n')).toBe(1);
    expect(responses[0]).toContain('sign-in-failed');
  });

  it('is limited by account and network, also for unknown people, and does not lock out the person elsewhere', async () => {
    const { email, browser: ownComputer } = await member();
    await ownComputer.send('POST', '/api/sign-out');
    for (const target of [email, 'nobody-2@example.edu']) {
      const attempts = await Promise.all(
        Array.from({ length: 8 }, () =>
          open().send(
            'POST',
            '/api/sign-in',
            { email: target, password: 'a wrong password' },
            { 'x-forwarded-for': '203.0.113.7' },
          ),
        ),
      );
      const limited = attempts.filter(({ status }) => status === 429);
      expect(limited.length, target).toBe(3);
      expect(limited[0]?.body.code).toBe('sign-in-limited');
      expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    // As after some hours of guessing.
    await db
      .updateTable('sign_in_attempts')
      .set({ level: 30 * 900_000, at: Date.now() })
      .where('key', 'like', 'account % network %')
      .where('level', '>', 4 * 900_000)
      .execute();
    // The right password does not help in this network, and helps in others and in a browser that was used before.
    expect(await signIn(open(), email, PASSWORD, '203.0.113.7')).toBe('429 sign-in-limited');
    expect(await signIn(ownComputer, email, PASSWORD, '203.0.113.7')).toBe(204);
    expect(await signIn(open(), email, PASSWORD, '203.0.113.8')).toBe(204);
  });

  it('cannot use the mark of a browser for another account', async () => {
    const [own, other] = [await member(), await member()];
    for (let n = 0; n < 5; n++)
      expect(await signIn(own.browser, other.email, 'a wrong password', '203.0.113.9')).toBe(
        '401 sign-in-failed',
      );
    expect(await signIn(own.browser, other.email, 'a wrong password', '203.0.113.9')).toBe(
      '429 sign-in-limited',
    );
  });
});

describe('a limit', () => {
  const limit = { free: 3, forgetMs: 100_000, maxDelayMs: 80_000 };
  const attempt = (nowMs: number, key = 'a') => countAttempt(db, [{ key: `test ${key}`, limit }], nowMs);

  it('delays more after each failure, up to a maximum, and forgets with time', async () => {
    expect([2, 3, 4, 5, 6, 7].map(failures => delayAfter(failures, limit))).toEqual([
      0, 10_000, 20_000, 40_000, 80_000, 80_000,
    ]);
    const now = 1_000_000;
    expect([await attempt(now), await attempt(now), await attempt(now)]).toEqual([0, 0, 0]);
    expect(await attempt(now)).toBe(10_000);
    // Refused attempts do not count.
    expect(await attempt(now)).toBe(10_000);
    expect(await attempt(now + 10_000)).toBe(0);
    expect(await attempt(now + 10_000)).toBeGreaterThan(15_000);
    expect(await attempt(now + 600_000)).toBe(0);
    expect(await attempt(now + 600_000)).toBe(0);
  });

  it('holds for attempts at the same time, and forgets successes', async () => {
    const waits = await Promise.all(Array.from({ length: 10 }, () => attempt(2_000_000, 'b')));
    expect(waits.filter(wait => wait === 0)).toHaveLength(3);
    await uncountAttempt(db, [{ key: 'test b', limit }]);
    expect(await attempt(2_000_000, 'b')).toBe(0);
    expect(await attempt(2_000_000, 'b')).toBeGreaterThan(0);
  });
});

describe('a session', () => {
  it('has a new secret after each sign-in, and the old one is worth nothing', async () => {
    const { id, email, browser } = await member();
    const planted = browser.cookie;
    expect(await signIn(browser, email)).toBe(204);
    expect(browser.cookie).not.toBe(planted);
    const stale = await central.request('GET', '/api/me', { token: null, headers: { cookie: planted } });
    expect([stale.status, stale.body.code]).toEqual([401, 'credential-invalid']);
    // A cookie that somebody else chose does not become a session.
    const name = planted.split('=')[0] ?? '';
    const fixed = `${name}=${'A'.repeat(43)}`;
    const response = await central.request('POST', '/api/sign-in', {
      token: null,
      headers: { cookie: fixed, 'x-forwarded-for': '192.0.2.77' },
      body: { email, password: PASSWORD },
    });
    expect(response.status).toBe(204);
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(
      /^__Host-tributary-\w{12}=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(cookie).not.toContain('AAAAAAAA');
    expect(await browser.me()).toBe(id);
  });

  it('counts only in its own cookie, and not without the prefix', async () => {
    const { browser } = await member();
    const [name = '', secret = ''] =
      browser.cookie
        .split('; ')
        .find(one => !one.includes('.'))
        ?.split('=') ?? [];
    for (const cookie of [
      `${name.replace('__Host-', '')}=${secret}`,
      `__Secure-${name.slice(7)}=${secret}`,
      `session=${secret}`,
    ]) {
      const { body } = await central.request('GET', '/api/me', { token: null, headers: { cookie } });
      expect(body.person).toBeNull();
    }
  });

  it('changes nothing for a page of another origin', async () => {
    const { id, browser } = await member();
    const body = { name: 'x', expiresInS: 60 };
    const path = `/api/people/${id}/tokens`;
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: central.url.replace(/\d+$/, '1') },
    ])
      expect(await browser.outcome('POST', path, body, headers)).toBe('403 cross-origin');
    const withoutOrigin = await central.request('POST', path, {
      token: null,
      headers: { cookie: browser.cookie },
      body,
    });
    expect([withoutOrigin.status, withoutOrigin.body.code]).toEqual([403, 'cross-origin']);
    expect(await browser.outcome('POST', path, body)).toBe(201);
    // Nobody can sign another person in to an account that they do not expect, or sign them out.
    const foreign = { origin: 'https://evil.example' };
    expect(
      await browser.outcome('POST', '/api/sign-in', { email: 'a@example.edu', password: 'x' }, foreign),
    ).toBe('403 cross-origin');
    expect(await browser.outcome('POST', '/api/sign-out', undefined, foreign)).toBe('403 cross-origin');
    expect(await browser.me()).toBe(id);
  });

  it('is listed, and ends with the sign-out, one by one, and all at once', async () => {
    const { id, email, browser } = await member();
    const [second, third] = [open(), open()];
    for (const each of [second, third]) expect(await signIn(each, email)).toBe(204);
    const list = async () => (await browser.send('GET', `/api/people/${id}/sessions`)).body.sessions;
    const sessions = await list();
    expect(sessions).toHaveLength(3);
    expect(sessions.filter((one: { current: boolean }) => one.current)).toHaveLength(1);
    expect(sessions).toContainEqual(expect.objectContaining({ from: '192.0.2.1' }));
    const credential = (await second.send('GET', '/api/me')).body.credential;
    expect(await browser.outcome('DELETE', `/api/people/${id}/sessions/${credential}`)).toBe(204);
    expect(await second.me()).toBe('401 credential-invalid');
    expect(await browser.outcome('DELETE', `/api/people/${id}/sessions/${credential}`)).toBe(
      '404 credential-unknown',
    );
    const unrelated = await member();
    const foreign = (await unrelated.browser.send('GET', '/api/me')).body.credential;
    expect(await browser.outcome('DELETE', `/api/people/${id}/sessions/${foreign}`)).toBe(
      '404 credential-unknown',
    );
    const cookie = third.cookie;
    expect(await third.outcome('POST', '/api/sign-out')).toBe(204);
    expect(await third.me()).toBeNull();
    expect((await central.request('GET', '/api/me', { token: null, headers: { cookie } })).status).toBe(401);
    expect(await browser.outcome('DELETE', `/api/people/${id}/sessions`)).toBe(204);
    expect(await browser.me()).toBe('401 credential-invalid');
    expect(await unrelated.browser.me()).toBe(unrelated.id);
  });

  it('ends when it is not used, and in any case after its lifetime; expired rows are deleted', async () => {
    const { id, browser } = await member();
    const { credential } = (await browser.send('GET', '/api/me')).body;
    const set = (values: object) =>
      db.updateTable('sessions').set(values).where('id', '=', credential).execute();
    const cookie = browser.cookie;
    const status = async () =>
      (await central.request('GET', '/api/me', { token: null, headers: { cookie } })).status;
    const now = Date.now();
    await set({ last_used_at: now - 3_601_000 });
    expect(await status()).toBe(401);
    await set({ last_used_at: now - 3_500_000 });
    expect(await status()).toBe(200);
    await set({ expires_at: now - 1 });
    expect(await status()).toBe(401);
    const rows = async () =>
      (await db.selectFrom('sessions').select('id').where('person_id', '=', id).execute()).length;
    await deleteExpired(db, { idleMs: 3_600_000, statementMs: 3_600_000 }, now);
    expect(await rows()).toBe(1);
    await deleteExpired(db, { idleMs: 3_600_000, statementMs: 3_600_000 }, now + 2 * 86_400_000);
    expect(await rows()).toBe(0);
  });

  it('ends the sessions at sites that were started from it, and writes that into the feed', async () => {
    const { id, browser } = await member();
    const { credential } = (await browser.send('GET', '/api/me')).body;
    const parent = await db
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', credential)
      .executeTakeFirstOrThrow();
    const child = '0193a5c0-0000-7000-8000-00000000c001';
    await db
      .insertInto('sessions')
      .values({
        ...parent,
        id: child,
        secret_hash: null,
        parent_id: parent.id,
        site_id: '0193a5c0-0000-7000-8000-00000000c002' as never,
      })
      .execute();
    const listed = (await browser.send('GET', `/api/people/${id}/sessions`)).body.sessions;
    expect(listed).toContainEqual(expect.objectContaining({ id: child, site: expect.anything() }));
    expect(await browser.outcome('POST', '/api/sign-out')).toBe(204);
    const row = await db
      .selectFrom('sessions')
      .select('revoked_at')
      .where('id', '=', child)
      .executeTakeFirstOrThrow();
    expect(row.revoked_at).not.toBeNull();
    const noted = await db
      .selectFrom('people_changes')
      .select('position')
      .where('credential_id', '=', child)
      .execute();
    expect(noted).toHaveLength(1);
  });
});

describe('a page for signing in', () => {
  it('is refused in a frame, and sends its address to nobody', async () => {
    const directory = await makeTemporaryDirectory('pages');
    const addresses = {
      '/sign-in': 'sign-in',
      '/invitation': 'invitation',
      '/account': 'account',
      '/admin/people': 'people',
    };
    for (const name of Object.values(addresses))
      await writeFile(join(directory, `${name}.html`), '<!doctype html>');
    const withPages = await startCentralHarness({}, { uiDirectory: directory });
    try {
      for (const address of Object.keys(addresses)) {
        const { status, headers } = await withPages.request('GET', address, { token: null });
        expect([status, headers.get('x-frame-options'), headers.get('referrer-policy')], address).toEqual([
          200,
          'DENY',
          'no-referrer',
        ]);
        expect(headers.get('content-security-policy'), address).toContain("frame-ancestors 'none'");
      }
    } finally {
      await withPages.stop();
      await removeDirectory(directory);
    }
  });
});

describe('a password', () => {
  it('is changed by the person who knows it, which ends all other sessions', async () => {
    const { id, email, browser } = await member();
    const other = open();
    expect(await signIn(other, email)).toBe(204);
    const change = (current: string, password: string) =>
      browser.outcome('POST', `/api/people/${id}/password`, { current, password });
    expect(await change('a wrong password', 'a new long secret')).toBe('403 password-wrong');
    expect(await change(PASSWORD, 'qwertyuiop1')).toBe('400 password-weak');
    expect(await change(PASSWORD, 'a new long secret')).toBe(204);
    expect([await browser.me(), await other.me()]).toEqual([id, '401 credential-invalid']);
    const stored = await db
      .selectFrom('people')
      .select('password')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(stored.password).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w-]{22}\$[\w-]{43}$/);
    // Somebody at a computer that is signed in cannot try passwords without limit.
    for (let n = 0; n < 5; n++) await change('a wrong password', 'a new long secret');
    expect(await change('a wrong password', 'a new long secret')).toBe('429 sign-in-limited');
  });
});

describe('without local accounts', () => {
  it('only the links of the first administrator and of operators sign in', async () => {
    const texts: string[] = [];
    const closed = await startCentralHarness({ localAccounts: false }, { print: text => texts.push(text) });
    try {
      const page = new PageBrowser(closed.url);
      const link = secretOf(/http:\S+/.exec(texts.join(''))?.[0] ?? '');
      expect((await page.send('GET', '/api/sign-in')).body).toEqual({
        localAccounts: false,
        providers: [],
        demoPeople: [],
      });
      expect(
        await page.outcome('POST', '/api/sign-in', { email: 'ada@example.edu', password: PASSWORD }),
      ).toBe('403 sign-in-refused');
      expect(
        await page.outcome('POST', '/api/sign-in/link', { link, name: 'Ada', email: 'ada@example.edu' }),
      ).toBe(204);
      const invited = await page.send('POST', '/api/people', { name: 'B', email: 'b@example.edu' });
      expect(invited.status).toBe(201);
      const use = { link: secretOf(invited.body.invitation), password: PASSWORD };
      expect(await new PageBrowser(closed.url).outcome('POST', '/api/sign-in/link', use)).toBe(
        '403 sign-in-refused',
      );
      expect(
        await page.outcome('POST', `/api/people/${invited.body.person.id}/links`, { kind: 'password' }),
      ).toBe('403 sign-in-refused');
    } finally {
      await closed.stop();
    }
  });
});

describe('the people of the demo', () => {
  it('sign in with one click, and nobody else does', async () => {
    const browser = open();
    expect((await browser.send('GET', '/api/sign-in')).body.demoPeople).toEqual([
      { id: DEMO, name: '演示', role: 'Author' },
    ]);
    expect(await browser.outcome('POST', '/api/sign-in/demo', { person: DEMO })).toBe(204);
    expect(await browser.me()).toBe(DEMO);
    const { id } = await invite();
    expect(await open().outcome('POST', '/api/sign-in/demo', { person: id })).toBe('404 person-unknown');
  });
});

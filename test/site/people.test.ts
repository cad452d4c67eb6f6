/** People at a site: how they sign in through central, and what of it an attacker, a change or an outage leaves (docs/people.md). */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notePeopleChange, type PeopleChange } from '../../src/central/database/people/changes.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { sessionCookieName } from '../../src/kernel/access/credentials.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newRevisionId, newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { newSiteResponseSchema } from '../../src/protocol/central.ts';
import type { RunningSite } from '../../src/site/compose/running-site.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { type SiteSchema, siteMigrations } from '../../src/site/database/tables/schema.ts';
import { insertVideo, type SiteDatabase } from '../../src/site/database/tables/videos.ts';
import { createWebClient } from '../../src/site/standalone/web-client.ts';
import { startSite } from '../../src/site/start.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { insertPerson, insertSession, insertToken, type TestCredential } from '../support/people.ts';
import { ENGINE, makeDatabase, type TestDatabase } from '../support/postgres/databases.ts';

const TOKEN = 'break-glass-token-of-the-site';
type Headers = Readonly<Record<string, string>>;

let harness: CentralHarness;
let db: CentralDatabase;
let site: TestedSite;
beforeEach(async () => {
  harness = await startCentralHarness();
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  site = await startTestedSite('here');
});
afterEach(async () => {
  await site.stop();
  await db.destroy();
  await harness.stop();
});

interface TestedSite {
  readonly id: string;
  readonly url: string;
  /** Uses the database of the site. */
  read<Result>(work: (siteDb: SiteDatabase) => Promise<Result>): Promise<Result>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function startTestedSite(name: string): Promise<TestedSite> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const database: TestDatabase | undefined = ENGINE === 'postgres' ? await makeDatabase() : undefined;
  const invited = await harness.request('POST', '/api/sites', { body: { name, baseUrl: url } });
  const { site: row, joinToken } = newSiteResponseSchema.parse(invited.body);
  const settings = siteConfigSchema.parse({
    name,
    listen: new URL(url).host,
    originListen: '127.0.0.1:0',
    baseUrl: url,
    dataDirectory: join(harness.directory, name),
    ...(database ? { database: database.place } : {}),
    operatorToken: TOKEN,
    central: harness.url,
    joinToken,
    workers: 0,
    logLevel: 'silent',
  });
  const start = (): Promise<RunningSite> =>
    startSite(settings, { uiDirectory: '/nonexistent', prepareWorker: new URL('file:///nonexistent') });
  let running = await start();
  await eventually('the site has joined', async () => (await readJson(await fetch(`${url}/api/site`))).id);
  return {
    id: row.id,
    url,
    async read(work) {
      const place = database?.place ?? join(harness.directory, name, 'site.sqlite');
      const siteDb = await openDatabase<SiteSchema>(place, siteMigrations);
      try {
        return await work(siteDb);
      } finally {
        await siteDb.destroy();
      }
    },
    async restart() {
      await running.stop();
      running = await start();
    },
    async stop() {
      await running.stop();
      await database?.drop();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests read members of any response
const readJson = (response: Response): Promise<any> => response.json();
const visit = (url: string, headers: Headers = {}) => fetch(url, { redirect: 'manual', headers });
const locationOf = (response: Response): string => response.headers.get('location') ?? '';
/** The cookies that a response sets, as a request sends them. */
const cookiesOf = (response: Response): Headers => ({
  cookie: response.headers
    .getSetCookie()
    .filter(cookie => !cookie.includes('Max-Age=0'))
    .map(cookie => cookie.split(';')[0])
    .join('; '),
});

interface Attempt {
  /** The cookie with the verifier. */
  readonly headers: Headers;
  /** Where central sends the browser. */
  readonly back: string;
}
async function begin(at: TestedSite, session: TestCredential, path = '/'): Promise<Attempt> {
  const begun = await visit(`${at.url}/sign-in?${new URLSearchParams({ return: path })}`);
  expect(begun.status).toBe(303);
  const central = await visit(locationOf(begun), session.headers);
  return { headers: cookiesOf(begun), back: locationOf(central) };
}
async function signIn(at: TestedSite, session: TestCredential): Promise<Headers> {
  const { headers, back } = await begin(at, session);
  const done = await visit(back, headers);
  expect([done.status, locationOf(done)]).toEqual([303, '/']);
  return cookiesOf(done);
}
const me = async (headers: Headers, at = site) => {
  const response = await fetch(`${at.url}/api/me`, { headers });
  return { status: response.status, body: await readJson(response), headers: response.headers };
};
const statusOf = async (headers: Headers, at = site): Promise<number> => (await me(headers, at)).status;
const change = async (what: PeopleChange): Promise<void> => {
  await db.transaction().execute(tx => notePeopleChange(tx, what, Date.now()));
  // Wakes the members that wait, as central's own changes do.
  await harness.request('POST', '/api/rights/rotate', { body: { keepS: 600 } });
};
/** Resolves when the site has learned that what it knows about this person may be out of date. */
const untilStale = (person: string): Promise<unknown> =>
  eventually('the change has arrived', () =>
    site.read(async siteDb => {
      const row = await siteDb
        .selectFrom('credentials')
        .select('is_stale')
        .where('person_id', '=', person)
        .executeTakeFirst();
      return row?.is_stale === 1;
    }),
  );
const newSession = async (roles: Parameters<typeof insertPerson>[1] = {}) => {
  const person = await insertPerson(db, roles);
  return { person, session: await insertSession(db, person) };
};

describe('a person', () => {
  it('signs in through central without a click, has a session here, and signs out of both', async () => {
    const { person, session } = await newSession({
      name: '李娜',
      roles: [{ role: 'author', scope: { site: site.id as never } }],
    });
    const { headers, back } = await begin(site, session, '/library?a=b#c');
    expect(back).toMatch(new RegExp(`^${site.url}/sign-in/return\\?code=`));
    const done = await visit(back, headers);
    expect(locationOf(done)).toBe('/library?a=b#c');
    const [removed = '', cookie = ''] = done.headers.getSetCookie();
    expect(removed).toContain('Max-Age=0');
    expect(cookie).toMatch(
      /^__Host-tributary-[0-9a-f]{12}=[\w-]{43}; Max-Age=3\d{3}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const own = cookiesOf(done);
    expect((await me(own)).body).toMatchObject({
      person: { id: person, name: '李娜' },
      via: 'session',
      permissions: expect.arrayContaining([{ permission: 'upload', scope: { site: site.id } }]),
    });
    // Signing out ends the session here at once, and that at central.
    const out = await fetch(`${site.url}/api/sign-out`, {
      method: 'POST',
      headers: { ...own, origin: site.url },
    });
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    const after = await me(own);
    expect([after.status, after.body.code]).toEqual([401, 'credential-invalid']);
    expect(after.headers.getSetCookie()[0]).toContain('Max-Age=0');
    await eventually('central ends the session', async () => {
      const { status } = await fetch(`${harness.url}/api/me`, { headers: session.headers });
      return status === 401;
    });
  });

  it('keeps a session across restarts and outages, but cannot start one without central', async () => {
    const { person, session } = await newSession();
    const own = await signIn(site, session);
    const { token } = await insertToken(db, person);
    const bearer = { authorization: `Bearer ${token}` };
    expect(await statusOf(bearer)).toBe(200);
    await harness.central.stop();
    await site.restart();
    expect([await statusOf(own), await statusOf(bearer)]).toEqual([200, 200]);
    const failed = await visit(`${site.url}/sign-in?return=/library`, { accept: 'text/html' });
    expect(locationOf(failed)).toBe('/sign-in/failed?code=central-unreachable&return=%2Flibrary');
    const unknown = await me({ authorization: `Bearer trib_${'a'.repeat(43)}` });
    expect([unknown.status, unknown.body.code]).toEqual([503, 'central-unreachable']);
    expect((await me({ authorization: `Bearer ${TOKEN}` })).body.via).toBe('operator-token');
    // Signing out works, and central learns of it later.
    await fetch(`${site.url}/api/sign-out`, { method: 'POST', headers: { ...own, origin: site.url } });
    expect(await statusOf(own)).toBe(401);
    await harness.restart();
    await eventually('central ends the session', async () => {
      const { status } = await fetch(`${harness.url}/api/me`, { headers: session.headers });
      return status === 401;
    });
  });

  it('is not asked about at central for each request', async () => {
    const { person, session } = await newSession();
    const own = await signIn(site, session);
    await db.updateTable('people').set({ disabled: 1 }).where('id', '=', person).execute();
    // Without a change in the feed, the statement counts. With it, central is asked again.
    for (let i = 0; i < 20; i++) expect(await statusOf(own)).toBe(200);
    await change({ person });
    await eventually('the session is refused', async () => (await statusOf(own)) === 401);
  });
});

/** Adds a video that is not public and has no files. */
async function addPrivateVideo(siteDb: SiteDatabase, owner: string): Promise<VideoId> {
  const id = newVideoId();
  await insertVideo(siteDb, {
    id,
    name: 'A lecture',
    description: '',
    language: undefined,
    fileName: undefined,
    audience: { audience: 'private', groups: [] },
    owner: { id: owner, name: '李娜' },
    sizeBytes: 1,
  });
  const changes = { state: 'ready', revision: newRevisionId(), extras_made: 1 } as const;
  await siteDb.updateTable('videos').set(changes).where('id', '=', id).execute();
  return id;
}

describe('an upload that was begun', () => {
  const TUS = { 'tus-resumable': '1.0.0' };
  const BYTES = { ...TUS, 'content-type': 'application/offset+octet-stream' };

  it.each([
    ['was disabled', { disabled: 1 }, '401 credential-invalid'],
    ['lost the role', { roles: '[]' }, '403 not-permitted'],
  ] as const)('is not continued by a person who %s meanwhile', async (_, changes, refusal) => {
    const person = await insertPerson(db, { roles: [{ role: 'author', scope: { site: site.id as never } }] });
    const { headers } = await insertToken(db, person);
    const created = await fetch(`${site.url}/api/uploads`, {
      method: 'POST',
      headers: {
        ...headers,
        ...TUS,
        'upload-length': '1000',
        'upload-metadata': `name ${Buffer.from('A lecture').toString('base64')}`,
      },
    });
    expect(created.status).toBe(201);
    let offset = 0;
    const append = async (): Promise<string | number> => {
      const response = await fetch(new URL(locationOf(created), site.url), {
        method: 'PATCH',
        headers: { ...headers, ...BYTES, 'upload-offset': String(offset) },
        body: 'a',
      });
      if (response.status === 204) offset++;
      return response.status === 204 ? 204 : `${response.status} ${(await readJson(response)).code}`;
    };
    expect([await append(), await append()]).toEqual([204, 204]);
    await db.updateTable('people').set(changes).where('id', '=', person).execute();
    await change({ person });
    await eventually('it is refused', async () => (await append()) === refusal);
    expect(offset).toBeLessThan(1_000);
    expect(await append()).toBe(refusal);
  });

  it('does not become a video if its sender was disabled while one request sent all bytes', async () => {
    const person = await insertPerson(db, { roles: [{ role: 'author', scope: { site: site.id as never } }] });
    const { headers } = await insertToken(db, person);
    const created = await fetch(`${site.url}/api/uploads`, {
      method: 'POST',
      headers: { ...headers, ...TUS, 'upload-length': '2', 'upload-metadata': 'name YQ==' },
    });
    const url = new URL(locationOf(created), site.url);
    let finish = (): void => {};
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('a'));
        finish = () => {
          controller.enqueue(Buffer.from('b'));
          controller.close();
        };
      },
    });
    const response = fetch(url, {
      method: 'PATCH',
      headers: { ...headers, ...BYTES, 'upload-offset': '0', 'content-length': '2' },
      body,
      duplex: 'half',
    });
    // Time to admit the request. If it is admitted later, it is refused, too.
    await new Promise(resolve => setTimeout(resolve, 500));
    await db.updateTable('people').set({ disabled: 1 }).where('id', '=', person).execute();
    await change({ person });
    await eventually('the token is refused', async () => {
      return (await fetch(`${site.url}/api/videos`, { headers })).status === 401;
    });
    finish();
    expect((await response).status).toBe(401);
    const id = url.pathname.split('/').at(-1);
    const video = await site.read(siteDb =>
      siteDb
        .selectFrom('videos')
        .select('state')
        .where('id', '=', id as never)
        .executeTakeFirst(),
    );
    expect(video?.state ?? 'uploading').toBe('uploading');
  });
});

it('who watches a video in the studio is in the audit log of central, once', async () => {
  const { person, session } = await newSession({
    name: '李娜',
    roles: [{ role: 'author', scope: { site: site.id as never } }],
  });
  const video = await site.read(siteDb => addPrivateVideo(siteDb, person));
  const own = await signIn(site, session);
  const { token, revision } = await readJson(
    await fetch(`${site.url}/api/videos/${video}`, { headers: own }),
  );
  const files = [
    'poster.jpg',
    'multivariant.m3u8',
    'manifest.mpd',
    'source-video/0.m4s',
    'source-video/1.m4s',
  ];
  for (const file of files) {
    // The files do not exist, but the viewer has access.
    const response = await fetch(`${site.url}/t/${token}/v/${video}/${revision}/${file}`);
    expect([response.status, (await readJson(response)).code]).not.toContain(403);
  }
  let entries: unknown[] = [];
  await eventually('the site has reported it', async () => {
    entries = (await harness.request('GET', `/api/audit?action=video.watch&object=video:${video}`)).body
      .entries;
    return entries.length > 0;
  });
  expect(entries).toEqual([
    expect.objectContaining({
      member: site.id,
      who: { kind: 'person', id: person, name: '李娜', credential: expect.any(String) },
      from: '127.0.0.1',
    }),
  ]);

  // A buffer in a process of its own reports to web what it serves.
  const web = createWebClient(site.url, TOKEN);
  await web.reportWatch({ video: newVideoId(), subject: 'a'.repeat(16) });
  await expect(
    createWebClient(site.url, 'wrong').reportWatch({ video, subject: 'a'.repeat(16) }),
  ).rejects.toMatchObject({ code: 'credential-invalid' });
  await eventually('it is in the log', async () => {
    const { body } = await harness.request('GET', '/api/audit?action=video.watch');
    return JSON.stringify(body.entries.at(-1)).includes(`viewer:${'a'.repeat(16)}`);
  });
});

describe('a change at central counts within seconds', () => {
  it('of a role', async () => {
    const { person, session } = await newSession({ roles: [{ role: 'editor', scope: 'everything' }] });
    const own = await signIn(site, session);
    expect((await me(own)).body.permissions).not.toEqual([]);
    await db.updateTable('people').set({ roles: '[]' }).where('id', '=', person).execute();
    await change({ person });
    await eventually('the role is gone', async () => (await me(own)).body.permissions.length === 0);
  });

  it('of a token', async () => {
    const person = await insertPerson(db);
    const { id, headers } = await insertToken(db, person);
    expect(await statusOf(headers)).toBe(200);
    await db.updateTable('api_tokens').set({ revoked_at: Date.now() }).execute();
    await change({ credential: id });
    await eventually('the token is refused', async () => (await statusOf(headers)) === 401);
  });

  it('and is not accepted before central was asked, if central has gone', async () => {
    const { person, session } = await newSession();
    const own = await signIn(site, session);
    const other = await signIn(site, (await newSession()).session);
    await change({ person });
    await untilStale(person);
    await harness.central.stop();
    expect([await statusOf(own), await statusOf(other)]).toEqual([503, 200]);
    await site.restart();
    expect([await statusOf(own), await statusOf(other)]).toEqual([503, 200]);
  });
});

describe('an attacker', () => {
  let session: TestCredential;
  beforeEach(async () => {
    ({ session } = await newSession());
  });

  it('cannot use a code a second time, or with the verifier of another browser, or without one', async () => {
    const { headers, back } = await begin(site, session);
    const stolen = await visit(back);
    expect(stolen.status).toBe(400);
    const mine = await begin(site, session);
    expect((await visit(back, mine.headers)).status).toBe(403);
    // The wrong verifier has used it up.
    expect((await visit(back, headers)).status).toBe(403);
    const again = await begin(site, session);
    expect((await visit(again.back, again.headers)).status).toBe(303);
    expect((await visit(again.back, again.headers)).status).toBe(403);
  });

  it('cannot sign another person’s browser in (login CSRF)', async () => {
    const { back } = await begin(site, session);
    const victim = await signIn(site, (await newSession({ name: 'Victim' })).session);
    const response = await visit(back, victim);
    expect([response.status, response.headers.getSetCookie()]).toEqual([303, []]);
    expect((await me(victim)).body.person.name).toBe('Victim');
  });

  it('cannot use a session or a code of another site', async () => {
    const other = await startTestedSite('there');
    const own = await signIn(other, session);
    expect(await statusOf(own, other)).toBe(200);
    const secret = own.cookie?.split('=')[1] ?? '';
    expect(await statusOf({ cookie: `${sessionCookieName(site.url)}=${secret}` })).toBe(401);
    const { headers, back } = await begin(other, session);
    expect((await visit(back.replace(other.url, site.url), headers)).status).toBe(400);
    await other.stop();
  });

  it('cannot plant a session (fixation), or lead a browser to another origin', async () => {
    const planted = await signIn(site, session);
    const { headers, back } = await begin(site, (await newSession({ name: 'Victim' })).session);
    const done = await visit(back, { cookie: `${planted.cookie}; ${headers.cookie}` });
    expect((await me(cookiesOf(done))).body.person.name).toBe('Victim');
    expect(await statusOf(planted)).toBe(401);
    for (const path of ['//evil.example', '/\\evil.example', 'https://evil.example', '/.//evil.example']) {
      const attempt = await begin(site, session, path);
      expect(locationOf(await visit(attempt.back, attempt.headers))).toBe('/');
      const forged = await begin(site, session);
      const url = new URL(forged.back);
      url.searchParams.set('return', path);
      expect(locationOf(await visit(url.href, forged.headers))).toBe('/');
    }
  });

  it('cannot use the session from a page of another origin, or a cookie without its prefix', async () => {
    const own = await signIn(site, session);
    const signOut = (headers: Headers) =>
      fetch(`${site.url}/api/sign-out`, { method: 'POST', headers: { ...own, ...headers } });
    expect((await signOut({ origin: 'http://evil.example' })).status).toBe(403);
    expect((await signOut({})).status).toBe(403);
    expect(await statusOf(own)).toBe(200);
    const bare = own.cookie?.replace('__Host-', '') ?? '';
    expect((await me({ cookie: bare })).body.via).toBeNull();
  });

  it('cannot guess: a wrong session or token is refused, also where none is needed', async () => {
    const cookie = `${sessionCookieName(site.url)}=${'a'.repeat(43)}`;
    expect(await statusOf({ cookie })).toBe(401);
    const bearer = { authorization: `Bearer trib_${'a'.repeat(43)}` };
    expect([await statusOf(bearer), await statusOf(bearer)]).toEqual([401, 401]);
  });
});

it('accepts nobody without central after the site was revoked and a change arrived', async () => {
  const { person, session } = await newSession();
  const own = await signIn(site, session);
  const other = await signIn(site, (await newSession()).session);
  await change({ person });
  await untilStale(person);
  await harness.request('DELETE', `/api/sites/${site.id}`);
  const failed = await visit(`${site.url}/sign-in`);
  expect(failed.status).toBe(503);
  expect(
    await statusOf({ authorization: `Bearer ${(await insertToken(db, await insertPerson(db))).token}` }),
  ).toBe(503);
  // The others keep their sessions until the statement expires, as at a site that is offline.
  expect([await statusOf(own), await statusOf(other)]).toEqual([503, 200]);
});

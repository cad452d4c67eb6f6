/** How central vouches for people at its members: codes, statements, and what each member gets to know (docs/people.md). */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  deletePeopleChanges,
  lockPeople,
  notePeopleChange,
  type PeopleChange,
} from '../../src/central/database/people/changes.ts';
import { endSessions } from '../../src/central/database/people/sessions.ts';
import { redeemSignInCode } from '../../src/central/database/people/site-sessions.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { verifyStatement } from '../../src/kernel/access/statements.ts';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newId, newSiteId } from '../../src/protocol/base/ids.ts';
import type { StatementClaims } from '../../src/protocol/people/statements.ts';
import { statementResponseSchema } from '../../src/protocol/people/statements.ts';
import { rightsPageSchema } from '../../src/protocol/rights.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { REQUEST_LIMITS } from '../support/central-requests.ts';
import { insertPerson, insertSession, insertToken, type TestCredential } from '../support/people.ts';
import type { TestSite } from '../support/test-site.ts';

let harness: CentralHarness;
let db: CentralDatabase;
beforeAll(async () => {
  harness = await startCentralHarness();
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
});
afterAll(async () => {
  await db.destroy();
  await harness.stop();
});

let members = 0;
const addSite = () => harness.addSite(`site-${++members}`);
const addTracker = () => harness.addTracker(`tracker-${++members}`);

type Member = { readonly signer: Signer };
const idOf = ({ signer }: Member): string => signer.keyId;
const post = <T>(member: Member, path: string, body: object, response: z.ZodType<T>): Promise<T> =>
  call(harness.url + path, { ...REQUEST_LIMITS, method: 'POST', body, signer: member.signer, response });
async function statementFor(member: Member, path: string, body: object): Promise<StatementClaims> {
  const { statement } = await post(member, `/api/statements/${path}`, body, statementResponseSchema);
  const verified = await verifyStatement(statement, {
    audience: idOf(member),
    centralPublicKey: harness.central.publicKey,
    nowMs: Date.now(),
  });
  if (verified.state !== 'valid') throw new Error(`the statement is ${verified.state}`);
  return verified.claims;
}
const refresh = (member: Member, credential: string) => statementFor(member, 'refresh', { credential });

const newVerifier = (): string => randomBytes(32).toString('base64url');
const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');
const visit = (site: string, verifier: string, headers: Readonly<Record<string, string>> = {}, path = '/') =>
  fetch(
    `${harness.url}/sign-in/site?${new URLSearchParams({ site, challenge: challengeOf(verifier), return: path })}`,
    { redirect: 'manual', headers },
  );
async function codeFor(site: TestSite, verifier: string, session: TestCredential): Promise<string> {
  const response = await visit(site.id, verifier, session.headers);
  const location = new URL(response.headers.get('location') ?? '');
  expect([response.status, location.origin, location.pathname]).toEqual([
    303,
    site.baseUrl,
    '/sign-in/return',
  ]);
  return location.searchParams.get('code') ?? '';
}
async function signIn(site: TestSite, session: TestCredential): Promise<StatementClaims> {
  const verifier = newVerifier();
  return statementFor(site, 'code', { code: await codeFor(site, verifier, session), verifier });
}
const activeSessions = (person: string) =>
  db
    .selectFrom('sessions')
    .select('id')
    .where('person_id', '=', person)
    .where('revoked_at', 'is', null)
    .execute();
const rejection = (code: string) => expect.objectContaining({ code });

describe('signing in at a site', () => {
  it('needs a session at central, and continues after it was made', async () => {
    const site = await addSite();
    const verifier = newVerifier();
    const response = await visit(site.id, verifier, {}, '/videos?a=b');
    expect(response.status).toBe(303);
    const location = new URL(response.headers.get('location') ?? '', harness.url);
    expect(location.pathname).toBe('/sign-in');
    const continued = new URL(location.searchParams.get('continue') ?? '', harness.url);
    expect(continued.origin + continued.pathname).toBe(`${harness.url}/sign-in/site`);
    expect(Object.fromEntries(continued.searchParams)).toEqual({
      site: site.id,
      challenge: challengeOf(verifier),
      return: '/videos?a=b',
    });
  });

  it.each(['an operator token', 'an API token', 'an ended session'])('does not accept %s', async kind => {
    const site = await addSite();
    const person = await insertPerson(db);
    const headers = {
      'an operator token': () => ({ authorization: 'Bearer operator-token-of-the-tests' }),
      'an API token': async () => (await insertToken(db, person)).headers,
      'an ended session': async () => (await insertSession(db, person, -1)).headers,
    }[kind];
    const response = await visit(site.id, newVerifier(), await headers?.());
    expect(response.headers.get('location')).toMatch(/^\/sign-in\?continue=/);
  });

  it('gives the site a statement with what applies there, which ends with the session', async () => {
    const [here, there] = [await addSite(), await addSite()];
    const person = await insertPerson(db, {
      roles: [
        { role: 'viewer', scope: 'everything' },
        { role: 'auditor', scope: { site: here.id } },
        { role: 'operator', scope: { site: there.id } },
        { role: 'viewer', scope: { series: 'physics' } },
      ],
    });
    const session = await insertSession(db, person, 1_800_000);
    const claims = await signIn(here, session);
    expect(claims).toMatchObject({ aud: here.id, sub: person, name: 'Li Na', kind: 'session', groups: [] });
    expect(claims.permissions).toEqual([
      { permission: 'watch-internal', scope: 'everything' },
      { permission: 'watch-internal', scope: { site: here.id } },
      { permission: 'read-audit', scope: { site: here.id } },
      { permission: 'watch-internal', scope: { series: 'physics' } },
    ]);
    expect(claims.exp).toBe(claims.until);
    expect(claims.until * 1_000).toBeLessThanOrEqual(Date.now() + 1_800_000);
    expect(claims.credential).not.toBe(session.id);
    const { entries } = (
      await harness.request('GET', `/api/audit?object=site:${here.id}&action=sign-in.success`)
    ).body;
    expect(entries).toMatchObject([
      {
        who: { kind: 'person', id: person, name: 'Li Na', credential: claims.credential },
        from: '127.0.0.1',
      },
    ]);
  });

  it('starts no session while the session at central, or the person, is being ended', async () => {
    const site = await addSite();
    const [person, verifier] = [await insertPerson(db), newVerifier()];
    const session = await insertSession(db, person);
    const code = await codeFor(site, verifier, session);
    let redeeming: Promise<unknown> | undefined;
    const redemption = { codeHash: sha256Hex(code), challenge: challengeOf(verifier), site: site.id };
    // The code is redeemed after the other transaction has ended the sessions, and before it commits.
    await db.transaction().execute(async tx => {
      await lockPeople(tx);
      await endSessions(tx, { person }, Date.now());
      redeeming = redeemSignInCode(db, redemption, Date.now());
      await sleep(500);
    });
    expect(await redeeming).toBeUndefined();
    expect(await activeSessions(person)).toEqual([]);
  });

  it('and signing out at the same time leave no session, in any order', async () => {
    const site = await addSite();
    const person = await insertPerson(db);
    for (let round = 0; round < 10; round++) {
      const [session, verifier] = [await insertSession(db, person), newVerifier()];
      const code = await codeFor(site, verifier, session);
      await Promise.allSettled([
        statementFor(site, 'code', { code, verifier }),
        fetch(`${harness.url}/api/sign-out`, {
          method: 'POST',
          headers: { ...session.headers, origin: harness.url },
        }),
      ]);
    }
    expect(await activeSessions(person)).toEqual([]);
  });

  it('limits a statement to siteSessionLifetime', async () => {
    const site = await addSite();
    const session = await insertSession(db, await insertPerson(db), 30 * 86_400_000);
    const { iat, exp, until } = await signIn(site, session);
    expect(exp - iat).toBe(12 * 3_600);
    expect(until - iat).toBeGreaterThan(29 * 86_400);
  });

  it('is refused for an unknown and for a revoked site', async () => {
    const site = await addSite();
    const { headers } = await insertSession(db, await insertPerson(db));
    expect((await visit(newSiteId(), newVerifier(), headers)).status).toBe(404);
    await harness.request('DELETE', `/api/sites/${site.id}`);
    expect((await visit(site.id, newVerifier(), headers)).status).toBe(403);
  });
});

describe('a code is refused', () => {
  let site: TestSite;
  let session: TestCredential;
  let person: string;
  let verifier: string;
  let code: string;
  beforeEach(async () => {
    site = await addSite();
    person = await insertPerson(db);
    session = await insertSession(db, person);
    verifier = newVerifier();
    code = await codeFor(site, verifier, session);
  });
  const redeem = (at: Member = site, with_ = verifier) => statementFor(at, 'code', { code, verifier: with_ });

  it('when it is used again, also at the same time', async () => {
    const results = await Promise.allSettled([redeem(), redeem(), redeem()]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(redeem()).rejects.toEqual(rejection('code-invalid'));
  });

  it('for another site, which does not use it up', async () => {
    const other = await addSite();
    await expect(redeem(other)).rejects.toEqual(rejection('code-invalid'));
    expect((await redeem()).sub).toBe(person);
  });

  it('for a tracker, and without a signature', async () => {
    await expect(redeem(await addTracker())).rejects.toEqual(rejection('role-mismatch'));
    const { status } = await harness.request('POST', '/api/statements/code', { body: { code, verifier } });
    expect(status).toBe(401);
  });

  it('with another verifier, and is used up then', async () => {
    await expect(redeem(site, newVerifier())).rejects.toEqual(rejection('code-invalid'));
    await expect(redeem()).rejects.toEqual(rejection('code-invalid'));
  });

  it('after a minute', async () => {
    await db
      .updateTable('sign_in_codes')
      .set({ expires_at: Date.now() - 1 })
      .execute();
    await expect(redeem()).rejects.toEqual(rejection('code-invalid'));
  });

  it('after the session at central has ended, or the person was disabled', async () => {
    await db.updateTable('people').set({ disabled: 1 }).execute();
    await expect(redeem()).rejects.toEqual(rejection('credential-invalid'));
    await db.updateTable('people').set({ disabled: 0 }).execute();
    code = await codeFor(site, verifier, session);
    await db.updateTable('sessions').set({ revoked_at: Date.now() }).execute();
    await expect(redeem()).rejects.toEqual(rejection('code-invalid'));
  });

  it('after its site was revoked', async () => {
    await harness.request('DELETE', `/api/sites/${site.id}`);
    await expect(redeem()).rejects.toEqual(rejection('key-unknown'));
  });

  it('if it is not stored as it travels', async () => {
    const { code_hash } = await db
      .selectFrom('sign_in_codes')
      .select('code_hash')
      .where('site_id', '=', site.id)
      .executeTakeFirstOrThrow();
    expect(code_hash).not.toContain(code);
    code = code_hash.slice(0, 43);
    await expect(redeem()).rejects.toEqual(rejection('code-invalid'));
  });
});

describe('a session at a site', () => {
  it('is refreshed with the present roles, and refused after either session or the person has ended', async () => {
    const site = await addSite();
    const person = await insertPerson(db, { roles: [{ role: 'viewer', scope: 'everything' }] });
    const session = await insertSession(db, person);
    const { credential } = await signIn(site, session);
    expect((await refresh(site, credential)).permissions).toHaveLength(1);
    await db.updateTable('people').set({ roles: '[]' }).execute();
    expect((await refresh(site, credential)).permissions).toEqual([]);
    await db.updateTable('people').set({ disabled: 1 }).execute();
    await expect(refresh(site, credential)).rejects.toEqual(rejection('credential-invalid'));
    await db.updateTable('people').set({ disabled: 0 }).execute();
    await db.updateTable('sessions').set({ revoked_at: Date.now() }).where('id', '=', session.id).execute();
    await expect(refresh(site, credential)).rejects.toEqual(rejection('credential-invalid'));
  });

  it('belongs to its site, and is no session at central', async () => {
    const [site, other] = [await addSite(), await addSite()];
    const tracker = await addTracker();
    const session = await insertSession(db, await insertPerson(db));
    const { credential } = await signIn(site, session);
    for (const member of [other, tracker])
      await expect(refresh(member, credential)).rejects.toEqual(rejection('credential-invalid'));
    // A session at central is none at a site.
    await expect(refresh(site, session.id)).rejects.toEqual(rejection('credential-invalid'));
  });

  it('ends when a person signs out there: only this one, or with all sessions of the browser', async () => {
    const [site, other] = [await addSite(), await addSite()];
    const session = await insertSession(db, await insertPerson(db));
    const [one, two, elsewhere] = [
      await signIn(site, session),
      await signIn(site, session),
      await signIn(other, session),
    ];
    const end = (member: Member, credential: string, everywhere: boolean) =>
      post(member, '/api/statements/end', { credential, everywhere }, z.unknown());
    // Another site cannot end it.
    await end(other, one.credential, true);
    await refresh(site, one.credential);
    await end(site, one.credential, false);
    await expect(refresh(site, one.credential)).rejects.toEqual(rejection('credential-invalid'));
    await refresh(site, two.credential);
    await end(site, two.credential, true);
    await expect(refresh(other, elsewhere.credential)).rejects.toEqual(rejection('credential-invalid'));
    expect(
      (await harness.request('GET', '/api/videos', { token: null, headers: session.headers })).status,
    ).toBe(401);
  });

  it('counts as use of the session at central, unless that was idle too long', async () => {
    const site = await addSite();
    const session = await insertSession(db, await insertPerson(db));
    const { credential } = await signIn(site, session);
    const lastUsed = async (): Promise<number> => {
      const row = await db
        .selectFrom('sessions')
        .select('last_used_at')
        .where('id', '=', session.id)
        .executeTakeFirstOrThrow();
      return Number(row.last_used_at);
    };
    const setLastUsed = (ms: number) =>
      db.updateTable('sessions').set({ last_used_at: ms }).where('id', '=', session.id).execute();
    await setLastUsed(Date.now() - 3_600_000);
    await refresh(site, credential);
    expect(Date.now() - (await lastUsed())).toBeLessThan(60_000);
    await setLastUsed(1);
    await refresh(site, credential);
    expect(await lastUsed()).toBe(1);
  });
});

describe('an API token', () => {
  it('is vouched for at sites and trackers, with no more than the person has, and what it is limited to', async () => {
    const [site, tracker] = [await addSite(), await addTracker()];
    const person = await insertPerson(db, {
      roles: [
        { role: 'author', scope: { site: site.id } },
        { role: 'auditor', scope: 'everything' },
      ],
    });
    const { hash, id } = await insertToken(db, person, {
      permissions: [
        { permission: 'upload', scope: 'everything' },
        { permission: 'read-audit', scope: 'everything' },
        { permission: 'everything', scope: { series: 'a' } },
      ],
    });
    const atSite = await statementFor(site, 'token', { hash });
    expect(atSite).toMatchObject({ credential: id, kind: 'token', sub: person });
    expect(atSite.permissions).toContainEqual({ permission: 'upload', scope: { site: site.id } });
    expect(atSite.permissions).not.toContainEqual(expect.objectContaining({ permission: 'everything' }));
    expect((await statementFor(tracker, 'token', { hash })).permissions).toEqual([
      { permission: 'read-audit', scope: 'everything' },
    ]);
    expect((await refresh(tracker, id)).credential).toBe(id);
  });

  it('is refused if it is unknown, expired or revoked, or its person is disabled', async () => {
    const site = await addSite();
    const person = await insertPerson(db);
    const ask = (hash: string) => statementFor(site, 'token', { hash });
    await expect(ask('0'.repeat(64))).rejects.toEqual(rejection('credential-invalid'));
    const { hash } = await insertToken(db, person, { lifetimeMs: -1 });
    await expect(ask(hash)).rejects.toEqual(rejection('credential-invalid'));
    const valid = await insertToken(db, person);
    await ask(valid.hash);
    await db.updateTable('people').set({ disabled: 1 }).execute();
    await expect(ask(valid.hash)).rejects.toEqual(rejection('credential-invalid'));
    await db.updateTable('people').set({ disabled: 0 }).execute();
    await db.updateTable('api_tokens').set({ revoked_at: 1 }).execute();
    await expect(ask(valid.hash)).rejects.toEqual(rejection('credential-invalid'));
    await expect(refresh(site, valid.id)).rejects.toEqual(rejection('credential-invalid'));
  });
});

describe('looking up a person', () => {
  it('returns the name to a site, but not of a disabled person, and not to others', async () => {
    const [site, tracker] = [await addSite(), await addTracker()];
    const person = await insertPerson(db, { name: '王伟' });
    const lookUp = (member: Member) => post(member, '/api/people/lookup', { person }, z.unknown());
    expect(await lookUp(site)).toEqual({ id: person, name: '王伟' });
    await expect(lookUp(tracker)).rejects.toEqual(rejection('role-mismatch'));
    await db.updateTable('people').set({ disabled: 1 }).execute();
    await expect(lookUp(site)).rejects.toEqual(rejection('person-unknown'));
  });
});

describe('the feed of rights', () => {
  const pageAfter = (member: Member, after: number, query = '&people=true') =>
    call(`${harness.url}/api/rights?after=${after}${query}`, {
      ...REQUEST_LIMITS,
      signer: member.signer,
      response: rightsPageSchema,
    });
  const note = (change: PeopleChange) =>
    db.transaction().execute(tx => notePeopleChange(tx, change, Date.now()));

  it('lists changes of people and credentials for members that ask', async () => {
    for (const member of [await addSite(), await addTracker()]) {
      const { position: after } = await pageAfter(member, 0);
      expect((await pageAfter(member, after)).people).toEqual([]);
      const [person, credential] = [await insertPerson(db), newId()];
      await note({ person });
      await note({ credential });
      const page = await pageAfter(member, after);
      expect(page.people).toEqual([{ person }, { credential }]);
      expect(page.position).toBeGreaterThan(after);
      expect((await pageAfter(member, page.position)).people).toEqual([]);
      // Earlier versions read the same feed, and this is no news for them.
      const old = await pageAfter(member, after, '');
      expect([old.people, old.position]).toEqual([undefined, after]);
    }
  });

  it('ends a waiting request when a person signs out at a site', async () => {
    const site = await addSite();
    const claims = await signIn(site, await insertSession(db, await insertPerson(db)));
    const { position: after } = await pageAfter(site, 0);
    const { generation } = (await pageAfter(site, after)).keys[0] ?? { generation: 0 };
    const waiting = pageAfter(site, after, `&people=true&generation=${generation}&wait=20`);
    const body = { credential: claims.credential, everywhere: true };
    await post(site, '/api/statements/end', body, z.unknown());
    expect((await waiting).people).toContainEqual({ credential: claims.credential });
  });

  it('invalidates everything that a member knows if changes were deleted, or central was started again', async () => {
    const site = await addSite();
    const { position } = await pageAfter(site, 0);
    await note({ person: await insertPerson(db) });
    await note({ person: await insertPerson(db) });
    await deletePeopleChanges(db, Date.now() + 1);
    expect((await pageAfter(site, position)).people).toEqual([{ all: true }]);
    const current = await pageAfter(site, position);
    await harness.restart();
    expect((await pageAfter(site, current.position)).people).toContainEqual({ all: true });
  });

  it('invalidates everything after central was restored from a backup', async () => {
    const site = await addSite();
    const { position } = await pageAfter(site, 0);
    const backup = await db.selectFrom('feed').selectAll().executeTakeFirstOrThrow();
    const claims = await signIn(site, await insertSession(db, await insertPerson(db)));
    await note({ credential: claims.credential });
    const lost = await pageAfter(site, position);
    // The database of the backup: without the session, and with the positions of that time.
    await db.deleteFrom('people_changes').where('position', '>', position).execute();
    await db.deleteFrom('sessions').where('id', '=', claims.credential).execute();
    await db.updateTable('feed').set({ position: backup.position }).execute();
    await harness.restart();
    const page = await pageAfter(site, lost.position);
    expect(page.people).toEqual([{ all: true }]);
    expect((await pageAfter(site, page.position)).people).toEqual([]);
    await expect(refresh(site, claims.credential)).rejects.toEqual(rejection('credential-invalid'));
  });
});

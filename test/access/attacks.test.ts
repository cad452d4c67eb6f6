/**
 * Attacks on all calls and pages: by pages of other origins, by frames, with what central signed for another purpose, and with the
 * rights of a group after it was removed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionCookieName } from '../../src/kernel/access/credentials.ts';
import { eventually } from '../support/eventually.ts';
import { insertPerson, insertToken } from '../support/people.ts';
import { fill, REQUESTS } from './requests.ts';
import { isFixed, TABLES } from './routes.ts';
import { type Actor, type Headers, type Scene, START_MS, startScene } from './scene.ts';
import { type Received, send } from './send.ts';

let scene: Scene;
let operator: Actor;
beforeAll(async () => {
  scene = await startScene([['operator', 'everything']]);
  [operator] = scene.actors as [Actor];
}, START_MS);
afterAll(() => scene?.stop());

describe.each(['central', 'site'] as const)('a page of another origin', part => {
  const ORIGINS = ['https://evil.example', 'null', undefined] as const;

  it(`changes nothing at a ${part} with the session of its visitor`, async () => {
    const { origin: _, ...session } = operator.sessions[part];
    for (const [call, { path, headers }] of Object.entries(REQUESTS[part])) {
      const [method = '', route = ''] = call.split(' ');
      if (method === 'GET' || isFixed(part, call)) continue;
      for (const origin of ORIGINS) {
        const { outcome } = await send(method, scene.urls[part] + fill(path ?? route, scene, operator), {
          headers: { ...headers, ...session, ...(origin === undefined ? {} : { origin }) },
        });
        expect(outcome, `${call} from ${origin}`).toBe('403 cross-origin');
      }
    }
    expect((await send('GET', `${scene.urls[part]}/api/me`, { headers: session })).status).toBe(200);
  });

  it(`signs nobody out of a ${part}`, async () => {
    const { origin: _, ...session } = operator.sessions[part];
    for (const origin of ORIGINS) {
      const headers = { ...session, ...(origin === undefined ? {} : { origin }) };
      const { outcome } = await send('POST', `${scene.urls[part]}/api/sign-out`, { headers });
      expect(outcome, origin).toBe('403 cross-origin');
    }
    expect((await send('GET', `${scene.urls[part]}/api/me`, { headers: session })).status).toBe(200);
  });

  it(`shows no page of a ${part} in a frame`, async () => {
    let pages = 0;
    for (const [call, { path }] of Object.entries(REQUESTS[part])) {
      const [method = '', route = ''] = call.split(' ');
      if (method !== 'GET' || TABLES[part][call] !== 'open') continue;
      // The only page for frames has a test with real ones.
      if (route === '/embed/:video') continue;
      const { headers } = await send('GET', scene.urls[part] + fill(path ?? route, scene, operator), {
        headers: { accept: 'text/html' },
      });
      if (!headers['content-type']?.includes('text/html')) continue;
      pages++;
      expect(headers['x-frame-options'], call).toBe('DENY');
      expect(headers['content-security-policy'], call).toContain("frame-ancestors 'none'");
    }
    expect(pages).toBe(part === 'central' ? 14 : 8);
  });
});

it('a statement of central is no credential, whatever it claims', async () => {
  const row = await scene.siteDb.selectFrom('credentials').selectAll().executeTakeFirstOrThrow();
  const [head, body = '', signature] = row.statement.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const permissions = [{ permission: 'everything', scope: 'everything' }];
  const forged = Buffer.from(JSON.stringify({ ...claims, permissions })).toString('base64url');
  const none = Buffer.from('{"alg":"none","typ":"tributary-statement+jwt"}').toString('base64url');
  for (const text of [row.statement, `${head}.${forged}.${signature}`, `${none}.${forged}.`]) {
    for (const part of ['central', 'site', 'tracker'] as const) {
      const url = `${scene.urls[part]}${part === 'tracker' ? '/explain/x' : '/api/me'}`;
      const { outcome } = await send('GET', url, { headers: { authorization: `Bearer ${text}` } });
      expect(outcome, part).toBe('401 credential-invalid');
    }
    const cookie = `${sessionCookieName(scene.urls.site)}=${text}`;
    expect((await send('GET', `${scene.urls.site}/api/me`, { headers: { cookie } })).outcome).toBe(
      '401 credential-invalid',
    );
  }
});

describe('the rights of a group that was removed', () => {
  let person: string;
  let group: string;
  let credentials: readonly { readonly url: string; readonly headers: Headers }[];
  const asOperator = (method: string, path: string, body?: unknown) =>
    scene.harness.request(method, path, body === undefined ? {} : { body });

  beforeAll(async () => {
    const roles = [{ role: 'editor', scope: { site: scene.site } }];
    person = await insertPerson(scene.db);
    group = (await asOperator('POST', '/api/groups', { name: 'Choir', roles })).body.id;
    const { headers: token } = await insertToken(scene.db, person);
    const { central, site } = scene.urls;
    credentials = [
      { url: central, headers: await scene.signIn('central', person) },
      { url: site, headers: await scene.signIn('site', person) },
      { url: central, headers: token },
      { url: site, headers: token },
    ];
  });

  const readMe = (url: string, headers: Headers): Promise<Received> =>
    send('GET', `${url}/api/me`, { headers });
  const held = async (): Promise<readonly number[]> =>
    Promise.all(
      credentials.map(
        async ({ url, headers }) => JSON.parse((await readMe(url, headers)).text).permissions.length,
      ),
    );
  const untilHeld = (hasSome: boolean): Promise<unknown> =>
    eventually(hasSome ? 'the rights of the group count' : 'the rights of the group have gone', async () =>
      (await held()).every(count => count > 0 === hasSome),
    );

  it.each([
    ['by removing the person', () => asOperator('DELETE', `/api/groups/${group}/members/${person}`)],
    ['by taking its role', () => asOperator('PATCH', `/api/groups/${group}`, { roles: [] })],
    ['by deleting it', () => asOperator('DELETE', `/api/groups/${group}`)],
  ])('end %s, in sessions and tokens that exist, at central and at the site', async (_, remove) => {
    const roles = [{ role: 'editor', scope: { site: scene.site } }];
    await asOperator('PATCH', `/api/groups/${group}`, { roles });
    await asOperator('PUT', `/api/groups/${group}/members/${person}`);
    await untilHeld(true);
    const { site } = scene.urls;
    const publish = `${site}/api/videos/${scene.others.withdrawn}/publish`;
    const asSession = credentials[1]?.headers ?? {};
    expect((await send('POST', publish, { headers: asSession })).outcome).toBe('410 video-withdrawn');
    expect((await remove()).status).toBeLessThan(300);
    await untilHeld(false);
    for (const { headers } of credentials.filter(({ url }) => url === site))
      expect((await send('POST', publish, { headers })).outcome).toBe('403 not-permitted');
  });
});

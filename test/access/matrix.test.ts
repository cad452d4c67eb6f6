/**
 * Who may make which call: every call of the access tables, with every role at the right place and at a wrong one, by API token and by
 * session. The outcomes are in matrix/, one file for each part. Review a change of these files as one of code
 * (`npx vitest run --project unit test/access -u` writes them):
 *
 * - `yes`: access is permitted. `401`, `403`, `404`: it is not.
 * - `all`, `site`, `series`: permitted with the role for everything; also with that for the site; also with that for the series. `some`:
 *   also with that for another series, because the response has only what the role is for. After `/`: what the others get, if not 403.
 * - `own`: what people get for their own video or account; after it what they get for that of others, if not 403.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatTable, readRows } from './matrix.ts';
import { REQUESTS } from './requests.ts';
import { nameOf, TABLES } from './routes.ts';
import { type Scene, START_MS, startScene } from './scene.ts';

/** Calls that every server has, before the access rules apply. */
const SHARED = ['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json'];
/** Uploads are handled before the framework. */
const UPLOADS = 'POST /api/uploads';

/** A preflight request reveals nothing, and HEAD has the rule of GET. */
const isOfPart = (route: string): boolean => !SHARED.includes(route) && !/^(?:HEAD|OPTIONS) /.test(route);

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
  await endGuessing();
}, START_MS);
afterAll(() => scene?.stop());

/** Further passwords are refused before they are checked, which would take long. */
async function endGuessing(): Promise<void> {
  const body = { email: 'nobody@example.edu', password: 'x' };
  await scene.harness.request('POST', '/api/sign-in', { body, token: null });
  const at = Date.now() + 3_600_000;
  await scene.db.updateTable('sign_in_attempts').set({ level: 1e9, at }).execute();
}

/** Those at central come last, because some of them end the sessions of the site. */
describe.each(['tracker', 'site', 'central'] as const)('the calls of a %s', part => {
  it('are those in its access table, and each has a request here', () => {
    const registered = [...scene.routes[part], ...(part === 'site' ? [UPLOADS] : [])];
    const listed = Object.keys(TABLES[part]).sort();
    expect(registered.filter(isOfPart).sort()).toEqual(listed);
    expect([...new Set(Object.keys(REQUESTS[part]).map(nameOf))].sort()).toEqual(listed);
  });

  it('are for whom the matrix says, by API token, and the same by session', async () => {
    // Sessions come first, because the last request ends them.
    const bySession = await readRows(scene, part, 'session', ['everything', 'other site']);
    const byToken = await readRows(scene, part, 'token');
    await expect(formatTable(part, byToken)).toMatchFileSnapshot(`matrix/${part}.txt`);
    for (const [index, { call, outcomes }] of byToken.entries()) {
      const expected = Object.keys(bySession[index]?.outcomes ?? {}).map(who => {
        // Nobody signs in at a tracker: it ignores cookies.
        const isCookie = part === 'tracker' && who !== 'token';
        return [who, outcomes[isCookie ? 'nobody' : who]];
      });
      expect(bySession[index], call).toEqual({ call, outcomes: Object.fromEntries(expected) });
    }
  });
});

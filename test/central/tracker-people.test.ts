/** Operators at a tracker: an API token works there, as far as its person may do something everywhere, and until it is revoked. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { notePeopleChange } from '../../src/central/database/people/changes.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newVideoId } from '../../src/protocol/base/ids.ts';
import { newTrackerResponseSchema } from '../../src/protocol/central.ts';
import type { Assignment } from '../../src/protocol/people/permissions.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { type RunningTracker, startTracker } from '../../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { insertPerson, insertSession, insertToken } from '../support/people.ts';

let harness: CentralHarness;
let db: CentralDatabase;
let tracker: RunningTracker;
beforeAll(async () => {
  harness = await startCentralHarness();
  db = await openDatabase<CentralSchema>(harness.database.place, migrations);
  const listen = `127.0.0.1:${await freePort()}`;
  const body = { name: 'tracker', baseUrl: `http://${listen}` };
  const invited = await harness.request('POST', '/api/trackers', { body });
  tracker = await startTracker(
    trackerConfigSchema.parse({
      listen,
      baseUrl: `http://${listen}`,
      central: harness.url,
      joinToken: newTrackerResponseSchema.parse(invited.body).joinToken,
      dataDirectory: join(harness.directory, 'tracker'),
      operatorToken: 'break-glass-token-of-the-tracker',
      logLevel: 'silent',
    }),
  );
  await eventually('the tracker is ready', async () => (await fetch(`${tracker.url}/readyz`)).ok);
});
afterAll(async () => {
  await tracker.stop();
  await db.destroy();
  await harness.stop();
});

const explain = async (headers: Readonly<Record<string, string>>): Promise<string> => {
  const response = await fetch(`${tracker.url}/explain/${newVideoId()}?client=192.0.2.1`, { headers });
  const { code } = (await response.json()) as { readonly code: string };
  return code;
};
const tokenOf = async (roles: readonly Assignment[]) => insertToken(db, await insertPerson(db, { roles }));
const PERMITTED = 'video-unknown';

it('accepts the token of somebody who may manage every site, without asking central each time', async () => {
  const { headers, id } = await tokenOf([{ role: 'operator', scope: 'everything' }]);
  expect(await explain(headers)).toBe(PERMITTED);
  await db.updateTable('api_tokens').set({ revoked_at: Date.now() }).where('id', '=', id).execute();
  expect(await explain(headers)).toBe(PERMITTED);
  await db.transaction().execute(tx => notePeopleChange(tx, { credential: id }, Date.now()));
  await harness.request('POST', '/api/rights/rotate', { body: { keepS: 600 } });
  await eventually('the token is refused', async () => (await explain(headers)) === 'credential-invalid');
});

it('refuses people with a role for a site, sessions, and wrong tokens', async () => {
  const site = await harness.addSite('hangzhou');
  const manager = await tokenOf([{ role: 'site-manager', scope: { site: site.id } }]);
  expect(await explain(manager.headers)).toBe('not-permitted');
  expect(await explain((await tokenOf([])).headers)).toBe('not-permitted');
  expect(await explain({ authorization: `Bearer trib_${'a'.repeat(43)}` })).toBe('credential-invalid');
  const session = await insertSession(
    db,
    await insertPerson(db, { roles: [{ role: 'operator', scope: 'everything' }] }),
  );
  expect(await explain(session.headers)).toBe('sign-in-needed');
  expect(await explain({})).toBe('sign-in-needed');
  expect(await explain({ authorization: 'Bearer break-glass-token-of-the-tracker' })).toBe(PERMITTED);
});

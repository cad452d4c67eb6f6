import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newSiteId, type SiteId } from '../../../protocol/base/ids.ts';
import { SignalRate } from '../../signal-rate.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../schema.ts';
import { insertMember } from '../sites.ts';
import { attemptSignals, completeSignals, storeSignal } from './signals.ts';

let database: TestDatabase;
let db: CentralDatabase;
beforeEach(async () => {
  database = await makeDatabase();
  db = await openDatabase<CentralSchema>(database.place, migrations);
});
afterEach(async () => {
  await db.destroy();
  await database.drop();
});

async function addSite(): Promise<SiteId> {
  const id = newSiteId();
  const member = { role: 'site', id, name: 'A', baseUrl: 'http://a.example', zone: [] } as const;
  await insertMember(db, member, { tokenHash: 'hash', expiresAt: 1 }, 1);
  return id;
}

const countSignals = async (): Promise<number> =>
  Number(
    (
      await db
        .selectFrom('signals')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  );

it('a site that sends too many signals does not fill the log, and none is lost', async () => {
  const site = await addSite();
  const store = (mayJoin: boolean) => storeSignal(db, { site, atMs: 1, mayJoin });
  const { id } = await store(false);
  for (let n = 0; n < 50; n++) expect((await store(true)).id).toBe(id);
  expect(await countSignals()).toBe(1);
  // A run has begun, which may have read the records before this signal announced another one.
  await attemptSignals(db, site);
  const next = await store(true);
  expect(next.id).not.toBe(id);
  expect(await completeSignals(db, { site, records: 1, remark: undefined, atMs: 2 })).toBe(true);
  expect((await store(true)).id).toBe(next.id);
  expect(await countSignals()).toBe(2);
});

it('too many are a thousand a minute, for each site', () => {
  const rate = new SignalRate();
  const [one, other] = [newSiteId(), newSiteId()];
  const exceeded = Array.from({ length: 1_001 }, () => rate.isExceeded(one, 5_000));
  expect(exceeded.lastIndexOf(false)).toBe(999);
  expect(rate.isExceeded(other, 5_000)).toBe(false);
  expect(rate.isExceeded(one, 65_000)).toBe(false);
});

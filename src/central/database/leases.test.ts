import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../test/postgres/databases.ts';
import { openDatabase } from '../../kernel/sql.ts';
import { acquireLease, releaseLease, renewLeases, requireLease } from './leases.ts';
import { type CentralDatabase, type CentralSchema, migrations } from './schema.ts';

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

const take = (holder: string, nowMs: number) => acquireLease(db, 'collect a', holder, nowMs, 100);

describe('a lease', () => {
  it('is one holder’s until it runs out, and each holder has a higher fence', async () => {
    expect(await take('one', 0)).toEqual({ name: 'collect a', fence: 1 });
    expect(await take('two', 99)).toBeUndefined();
    expect(await take('two', 100)).toEqual({ name: 'collect a', fence: 2 });
    expect(await take('one', 150)).toBeUndefined();
    expect(await take('two', 150)).toEqual({ name: 'collect a', fence: 3 });
  });

  it('is one of many that ask at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => take(`holder ${n}`, 0)));
    expect(all.filter(lease => lease !== undefined)).toHaveLength(1);
  });

  it('lasts as long as it is renewed, and cannot be renewed once it ran out', async () => {
    await take('one', 0);
    await renewLeases(db, 'one', ['collect a'], 90, 100);
    expect(await take('two', 189)).toBeUndefined();
    await renewLeases(db, 'one', ['collect a'], 191, 100);
    expect(await take('two', 195)).toMatchObject({ fence: 2 });
    await renewLeases(db, 'one', ['collect a'], 196, 1_000);
    expect(await take('three', 300)).toMatchObject({ fence: 3 });
  });

  it('is free once it was given back, by its holder alone', async () => {
    const first = await take('one', 0);
    const second = await take('two', 200);
    if (!first || !second) throw new Error('both were free');
    await releaseLease(db, first);
    expect(await take('three', 210)).toBeUndefined();
    await releaseLease(db, second);
    expect(await take('three', 210)).toMatchObject({ fence: 3 });
  });

  it('guards a transaction of its holder, and of nobody who lost it', async () => {
    const first = await take('one', 0);
    if (!first) throw new Error('it was free');
    await requireLease(db, first);
    await take('two', 100);
    await expect(requireLease(db, first)).rejects.toMatchObject({ code: 'lease-lost' });
  });
});

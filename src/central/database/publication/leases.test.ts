import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../schema.ts';
import { acquireLease, acquireLeases, findValidLeases, releaseLeases, renewLeases } from './leases.ts';

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

const acquire = (holder: string, nowMs: number) =>
  acquireLease(db, 'collect a', { holder, nowMs, durationMs: 100 });

describe('a lease', () => {
  it('belongs to one holder until it expires, and each holder has a higher fence', async () => {
    expect(await acquire('one', 0)).toEqual({ name: 'collect a', fence: 1 });
    expect(await acquire('two', 99)).toBeUndefined();
    expect(await acquire('two', 100)).toEqual({ name: 'collect a', fence: 2 });
    expect(await acquire('one', 150)).toBeUndefined();
    expect(await acquire('two', 150)).toEqual({ name: 'collect a', fence: 3 });
  });

  it('goes to only one of many holders that acquire it at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => acquire(`holder ${n}`, 0)));
    expect(all.filter(lease => lease !== undefined)).toHaveLength(1);
  });

  it('is valid while it is renewed, and cannot be renewed after it has expired', async () => {
    await acquire('one', 0);
    await renewLeases(db, ['collect a'], { holder: 'one', nowMs: 90, durationMs: 100 });
    expect(await acquire('two', 189)).toBeUndefined();
    await renewLeases(db, ['collect a'], { holder: 'one', nowMs: 191, durationMs: 100 });
    expect(await acquire('two', 195)).toMatchObject({ fence: 2 });
    await renewLeases(db, ['collect a'], { holder: 'one', nowMs: 196, durationMs: 1_000 });
    expect(await acquire('three', 300)).toMatchObject({ fence: 3 });
  });

  it('is free after its release, which only its holder can do', async () => {
    const first = await acquire('one', 0);
    const second = await acquire('two', 200);
    if (!first || !second) throw new Error('both were free');
    await releaseLeases(db, [first]);
    expect(await acquire('three', 210)).toBeUndefined();
    await releaseLeases(db, [second]);
    expect(await acquire('three', 210)).toMatchObject({ fence: 3 });
  });

  it('guards a transaction of its holder, but not of a holder that lost it', async () => {
    const first = await acquire('one', 0);
    if (!first) throw new Error('it was free');
    expect((await findValidLeases(db, [first]))(first)).toBe(true);
    await acquire('two', 100);
    expect((await findValidLeases(db, [first]))(first)).toBe(false);
  });

  it('is acquired and released together with others', async () => {
    await acquire('two', 0);
    const leases = await acquireLeases(db, ['collect b', 'collect a', 'collect c'], {
      holder: 'one',
      nowMs: 50,
      durationMs: 100,
    });
    expect(leases).toEqual([{ name: 'collect b', fence: 1 }, undefined, { name: 'collect c', fence: 1 }]);
    const held = leases.filter(lease => lease !== undefined);
    const isValid = await findValidLeases(db, held);
    expect(held.every(isValid)).toBe(true);
    await releaseLeases(db, held);
    expect(
      await acquireLeases(db, ['collect b', 'collect c'], { holder: 'two', nowMs: 60, durationMs: 100 }),
    ).toEqual([
      { name: 'collect b', fence: 2 },
      { name: 'collect c', fence: 2 },
    ]);
  });
});

/** Threads that read: they see committed rows, do not write, hold nothing up, and are replaced. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ENGINE } from '../../../test/support/postgres/databases.ts';
import { openReaders } from './readers.ts';
import { openDatabase, sql } from './sql.ts';

interface Schema {
  counters: { id: number; body: Uint8Array | null };
}
const SLOW = sql<{
  n: number;
}>`with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) as n from n`;

let directory: string;
let db: Kysely<Schema>;
let place: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-readers-'));
  place = join(directory, 'a.sqlite');
  db = await openDatabase<Schema>(place, {
    '0001': {
      up: any => sql`create table counters (id integer primary key, body blob)`.execute(any).then(() => {}),
    },
  });
});
afterEach(async () => {
  await db.destroy();
  await rm(directory, { recursive: true, force: true });
});

if (ENGINE === 'sqlite') {
  it('reads committed rows, bytes too, and cannot write', async () => {
    const { reads, stop } = openReaders(db, place, { threads: 2 });
    await db
      .insertInto('counters')
      .values({ id: 7, body: Buffer.from([1, 2]) })
      .execute();
    const row = await reads.selectFrom('counters').selectAll().where('id', '=', 7).executeTakeFirstOrThrow();
    expect([row.id, [...(row.body ?? [])]]).toEqual([7, [1, 2]]);
    await expect(reads.insertInto('counters').values({ id: 8, body: null }).execute()).rejects.toThrow(
      /readonly/,
    );
    await expect(reads.transaction().execute(async () => {})).rejects.toThrow('only read');
    await expect(sql`select nothing`.execute(reads)).rejects.toThrow('syntax error');
    await stop();
    await expect(reads.selectFrom('counters').selectAll().execute()).rejects.toThrow('closed');
  });

  it('does not hold this thread, stops a read that takes too long, and replaces its thread', async () => {
    const { reads, stop } = openReaders(db, place, { threads: 1, timeLimitMs: 1_000 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    await expect(SLOW.execute(reads)).rejects.toThrow('took too long');
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(10);
    expect(await reads.selectFrom('counters').selectAll().execute()).toEqual([]);
    await stop();
  });

  it('finishes the reads in progress before it stops', async () => {
    const { reads, stop } = openReaders(db, place, { threads: 1 });
    const slow = sql<{
      n: number;
    }>`with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000)
      select max(i) as n from n`.execute(reads);
    await sleep(1);
    const waiting = expect(reads.selectFrom('counters').selectAll().execute()).rejects.toThrow('closed');
    await stop();
    expect((await slow).rows).toEqual([{ n: 300_000 }]);
    await waiting;
  });
}

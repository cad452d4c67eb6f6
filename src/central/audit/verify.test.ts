import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase, sql } from '../../kernel/sql/sql.ts';
import { bodyOf, createProver, hashOf } from '../database/audit/chain.ts';
import { removeOldest } from '../database/audit/remove.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../database/schema.ts';
import { createAudit } from './audit.ts';
import { moveCheckpoint, readCheckpoint } from './checkpoint.ts';
import { type Verdict, verifyLog } from './verify.ts';

const prover = createProver({ sign: () => Buffer.from('the key of central') });
const forger = createProver({ sign: () => Buffer.from('another key') });
const ENTRIES = 12;

let database: TestDatabase;
let directory: string;
let db: CentralDatabase;
beforeAll(async () => {
  database = await makeDatabase();
  directory = await makeTemporaryDirectory('audit');
  db = await openDatabase<CentralSchema>(database.place, migrations);
  const audit = createAudit({ db, prover, log: silentLog });
  for (let index = 1; index <= ENTRIES; index++)
    await audit.append({ who: { kind: 'system' }, action: 'site.edit', object: `site:${index}` });
  await audit.receive(
    'm',
    [1, 2, 3].map(seq => ({ seq, event: eventOf(`video:${seq}`) })),
  );
  expect(await moveCheckpoint(db, directory)).toBe(true);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
  await removeDirectory(directory);
});

const eventOf = (object: string) => ({
  at: '2026-12-01T08:00:00.000Z',
  who: { kind: 'operator-token' as const },
  action: 'video.edit' as const,
  object,
});

const verify = (at: CentralDatabase, withCheckpoint = true): Promise<Verdict> => {
  const seen = withCheckpoint ? readCheckpoint(directory) : undefined;
  return verifyLog({ db: at, prover, witnessed: new Map(seen ? [[seen.seq, seen.hash]] : []) });
};

/** Verifies the log after an attack, which is undone then. */
async function verifyAfter(attack: (tx: CentralDatabase) => Promise<unknown>): Promise<Verdict> {
  let verdict: Verdict | undefined;
  const undo = new Error('undo');
  const attacked = db.transaction().execute(async tx => {
    await attack(tx);
    verdict = await verify(tx);
    throw undo;
  });
  await expect(attacked).rejects.toBe(undo);
  if (!verdict) throw new Error('The log was not verified.');
  return verdict;
}

/** Computes the chain again from an entry on, as an attacker can who writes to the database and lacks the key of central. */
async function chainAgain(tx: CentralDatabase, from: number): Promise<void> {
  const rows = await tx
    .selectFrom('audit_entries')
    .selectAll()
    .where('seq', '>=', from - 1)
    .orderBy('seq')
    .execute();
  let hash = rows[0]?.hash ?? '';
  for (const row of rows.slice(1)) {
    hash = hashOf(hash, row.body);
    const position = { seq: Number(row.seq), hash };
    await tx
      .updateTable('audit_entries')
      .set({ hash, proof: forger.entry(position) })
      .where('seq', '=', position.seq)
      .execute();
  }
  const last = { seq: Number(rows.at(-1)?.seq), hash };
  await tx
    .updateTable('audit_chain')
    .set({ ...last, proof: forger.end(last) })
    .execute();
}

/** Removes the entries after `ENTRIES`. @returns the new end */
async function cutBack(tx: CentralDatabase): Promise<{ readonly seq: number; readonly hash: string }> {
  await tx.deleteFrom('audit_entries').where('seq', '>', ENTRIES).execute();
  const { hash } = await tx
    .selectFrom('audit_entries')
    .select('hash')
    .where('seq', '=', ENTRIES)
    .executeTakeFirstOrThrow();
  return { seq: ENTRIES, hash };
}

/** Puts back the earlier state, with its proof. */
async function putBack(tx: CentralDatabase): Promise<void> {
  const end = await cutBack(tx);
  await tx
    .updateTable('audit_chain')
    .set({ ...end, proof: prover.end(end) })
    .execute();
}

const changeBody = async (tx: CentralDatabase, seq: number): Promise<void> => {
  const { body } = await tx
    .selectFrom('audit_entries')
    .select('body')
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow();
  const changed = bodyOf({ ...JSON.parse(body), who: { kind: 'nobody' } });
  await tx.updateTable('audit_entries').set({ body: changed }).where('seq', '=', seq).execute();
};

it('proves a log that nobody changed', async () => {
  expect(await verify(db)).toMatchObject({ ok: true, entries: ENTRIES + 3, removed: 0 });
});

describe('an attacker who writes to the database', () => {
  it.each<[string, number, (tx: CentralDatabase) => Promise<unknown>]>([
    ['changes an entry', 5, tx => changeBody(tx, 5)],
    [
      'changes a column for filters',
      5,
      tx => tx.updateTable('audit_entries').set({ action: 'site.create' }).where('seq', '=', 5).execute(),
    ],
    ['removes an entry', 5, tx => tx.deleteFrom('audit_entries').where('seq', '=', 5).execute()],
    [
      'exchanges two entries',
      5,
      async tx => {
        for (const [from, to] of [
          [5, -1],
          [6, 5],
          [-1, 6],
        ] as const)
          await tx.updateTable('audit_entries').set({ seq: to }).where('seq', '=', from).execute();
      },
    ],
    [
      'inserts an entry',
      6,
      async tx => {
        await sql`update audit_entries set seq = -seq - 1 where seq >= 6`.execute(tx);
        await sql`update audit_entries set seq = -seq where seq < 0`.execute(tx);
        const row = await tx
          .selectFrom('audit_entries')
          .selectAll()
          .where('seq', '=', 5)
          .executeTakeFirstOrThrow();
        await tx
          .insertInto('audit_entries')
          .values({ ...row, seq: 6 })
          .execute();
      },
    ],
    [
      'changes an entry and computes the chain again',
      5,
      async tx => {
        await changeBody(tx, 5);
        await chainAgain(tx, 5);
      },
    ],
    [
      'removes the last entries',
      ENTRIES + 3,
      tx =>
        tx
          .deleteFrom('audit_entries')
          .where('seq', '>', ENTRIES + 2)
          .execute(),
    ],
    [
      'removes the last entries and moves the end',
      ENTRIES,
      async tx => {
        await tx
          .updateTable('audit_chain')
          .set(await cutBack(tx))
          .execute();
      },
    ],
    ['puts back an earlier state, with its proofs', ENTRIES + 1, putBack],
    ['removes the first entries', 1, tx => tx.deleteFrom('audit_entries').where('seq', '<', 4).execute()],
    [
      'removes the first entries and moves the anchor',
      3,
      async tx => {
        const row = await tx
          .selectFrom('audit_entries')
          .select(['seq', 'hash'])
          .where('seq', '=', 3)
          .executeTakeFirstOrThrow();
        await tx.deleteFrom('audit_entries').where('seq', '<', 4).execute();
        await tx
          .updateTable('audit_chain')
          .set({ removed_seq: 3, removed_hash: row.hash, removed_proof: prover.entry(row) })
          .execute();
      },
    ],
  ])('is detected: %s', async (_, seq, attack) => {
    expect(await verifyAfter(attack)).toMatchObject({ ok: false, seq });
  });

  it('cannot hide the removal of the last entries behind new ones', async () => {
    const undo = new Error('undo');
    const attacked = db.transaction().execute(async tx => {
      await putBack(tx);
      const audit = createAudit({ db, prover, log: silentLog });
      for (let index = 0; index < 5; index++)
        await audit.append({ who: { kind: 'system' }, action: 'site.edit' }, tx);
      expect(await moveCheckpoint(tx, directory)).toBe(false);
      expect(await verify(tx)).toMatchObject({ ok: false, seq: ENTRIES + 3 });
      throw undo;
    });
    await expect(attacked).rejects.toBe(undo);
  });
});

it('the retention leaves a log that can still be verified, and an entry about it', async () => {
  const removed = await db.transaction().execute(async tx => {
    await tx.updateTable('audit_entries').set({ stored_at: 1_000 }).where('seq', '<=', 4).execute();
    return 4;
  });
  expect(await removeOldest(db, prover, 2_000, Date.now())).toBe(removed);
  expect(await removeOldest(db, prover, 2_000, Date.now())).toBe(0);
  expect(await verify(db)).toMatchObject({ ok: true, entries: ENTRIES + 3 - 4 + 1, removed: 4 });
  const { body } = await db
    .selectFrom('audit_entries')
    .select('body')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  expect(JSON.parse(body)).toMatchObject({ action: 'audit.retention', after: { removed: 4, lastSeq: 4 } });
});

describe('events of a member', () => {
  const receive = (seqs: readonly number[], name = 'video') =>
    createAudit({ db, prover, log: silentLog }).receive(
      'm',
      seqs.map(seq => ({ seq, event: eventOf(`${name}:${seq}`) })),
    );

  it('are stored once', async () => {
    expect(await receive([2, 3, 4, 5])).toEqual({ seq: 5 });
    expect(await receive([4, 5])).toEqual({ seq: 5 });
  });
  it('have no gap', async () => {
    expect(await receive([7, 8])).toEqual({ seq: 5 });
  });
  it('of a member that was restored differ', async () => {
    expect(await receive([5, 6], 'other')).toEqual({ seq: 5, differs: 5 });
  });
  it('are verified with the others', async () => {
    expect(await verify(db)).toMatchObject({ ok: true });
  });
});

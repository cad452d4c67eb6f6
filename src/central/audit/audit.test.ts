import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENGINE, makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { createProver, hashOf } from '../database/audit/chain.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../database/schema.ts';
import { createAudit } from './audit.ts';

const prover = createProver({ sign: () => Buffer.from('the key of central') });
/** Of two centrals. Only one process uses an embedded database. */
const connections: CentralDatabase[] = [];
let database: TestDatabase;
beforeAll(async () => {
  database = await makeDatabase();
  const first = await openDatabase<CentralSchema>(database.place, migrations);
  const second =
    ENGINE === 'postgres' ? await openDatabase<CentralSchema>(database.place, migrations) : first;
  connections.push(first, second);
});
afterAll(async () => {
  for (const db of new Set(connections)) await db.destroy();
  await database.drop();
});

it('two centrals that append at the same time write one chain', async () => {
  const audits = connections.map(db => createAudit({ db, prover, log: silentLog }));
  const append = (index: number): Promise<void> | undefined =>
    audits[index % 2]?.append({ who: { kind: 'system' }, action: 'site.edit', object: `site:${index}` });
  await Promise.all(Array.from({ length: 100 }, (_, index) => append(index)));
  const rows = await connections[0]?.selectFrom('audit_entries').selectAll().orderBy('seq').execute();
  expect(rows?.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  let previous = '';
  for (const { seq, body, hash, proof } of rows ?? []) {
    expect(hash).toBe(hashOf(previous, body));
    expect(proof).toBe(prover.entry({ seq: Number(seq), hash }));
    previous = hash;
  }
});

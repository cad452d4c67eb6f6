/**
 * Leases: what only one central at a time should do, where several share a database. A lease runs out by itself when its
 * holder is gone. Each new holder raises the fence, so one that comes back from a long pause can see that it has lost it.
 * The clocks of centrals that share a database must agree to within a few seconds (tributary doctor looks).
 */
import { Problem } from '../../kernel/problem.ts';
import type { CentralDatabase } from './schema.ts';

export interface Lease {
  readonly name: string;
  readonly fence: number;
}

/** Undefined where another holder has it. A holder that asks again begins anew, with a new fence. */
export async function acquireLease(
  db: CentralDatabase,
  name: string,
  holder: string,
  nowMs: number,
  durationMs: number,
): Promise<Lease | undefined> {
  const row = await db
    .insertInto('leases')
    .values({ name, holder, fence: 1, until: nowMs + durationMs })
    .onConflict(conflict =>
      conflict
        .column('name')
        .doUpdateSet(({ ref, eb }) => ({
          holder: ref('excluded.holder'),
          fence: eb('leases.fence', '+', 1),
          until: ref('excluded.until'),
        }))
        .where(({ or, eb, ref }) =>
          or([eb('leases.until', '<=', nowMs), eb('leases.holder', '=', ref('excluded.holder'))]),
        ),
    )
    .returning('fence')
    .executeTakeFirst();
  return row && { name, fence: row.fence };
}

/** Those that were lost stay lost. */
export async function renewLeases(
  db: CentralDatabase,
  holder: string,
  names: readonly string[],
  nowMs: number,
  durationMs: number,
): Promise<void> {
  if (names.length === 0) return;
  await db
    .updateTable('leases')
    .set({ until: nowMs + durationMs })
    .where('name', 'in', names)
    .where('holder', '=', holder)
    .where('until', '>', nowMs)
    .execute();
}

export async function releaseLease(db: CentralDatabase, { name, fence }: Lease): Promise<void> {
  await db
    .updateTable('leases')
    .set({ until: 0 })
    .where('name', '=', name)
    .where('fence', '=', fence)
    .execute();
}

/** Within the transaction that is to be guarded. @throws Problem 409 `lease-lost` */
export async function requireLease(db: CentralDatabase, { name, fence }: Lease): Promise<void> {
  const row = await db
    .selectFrom('leases')
    .select('fence')
    .where('name', '=', name)
    .where('fence', '=', fence)
    .executeTakeFirst();
  if (!row) throw new Problem(409, 'lease-lost', 'Another central has taken this over meanwhile.');
}

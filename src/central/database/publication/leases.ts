/**
 * Leases: what only one central at a time should do, where several share a database. A lease runs out by itself when its
 * holder is gone. Each new holder raises the fence, so one that comes back from a long pause can see that it has lost it.
 * The clocks of centrals that share a database must agree to within a few seconds (tributary doctor looks).
 */
import { type Problem, problem } from '../../../kernel/problem.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { CentralDatabase } from '../schema.ts';

export interface Lease {
  readonly name: string;
  readonly fence: number;
}

/**
 * Of each name its lease, or undefined where another holder has it. A holder that asks again begins anew, with a new fence.
 * The names must differ.
 */
export async function acquireLeases(
  db: CentralDatabase,
  names: readonly string[],
  holder: string,
  nowMs: number,
  durationMs: number,
): Promise<readonly (Lease | undefined)[]> {
  const rows = await db
    .insertInto('leases')
    // In the order of names, so that two who ask for the same ones never wait for each other.
    .values([...names].sort().map(name => ({ name, holder, fence: 1, until: nowMs + durationMs })))
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
    .returning(['name', 'fence'])
    .execute();
  const fences = new Map(rows.map(({ name, fence }) => [name, fence]));
  return names.map(name => {
    const fence = fences.get(name);
    return fence === undefined ? undefined : { name, fence };
  });
}

export const acquireLease = async (
  db: CentralDatabase,
  name: string,
  holder: string,
  nowMs: number,
  durationMs: number,
): Promise<Lease | undefined> => (await acquireLeases(db, [name], holder, nowMs, durationMs))[0];

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

export async function releaseLeases(db: CentralDatabase, leases: readonly Lease[]): Promise<void> {
  await db.updateTable('leases').set({ until: 0 }).where(isOneOf(leases)).execute();
}

/** Of these leases those that stand. Within the transaction that is to be guarded. */
export async function findValidLeases(
  db: CentralDatabase,
  leases: readonly Lease[],
): Promise<(lease: Lease) => boolean> {
  if (leases.length === 0) return () => false;
  const rows = await db.selectFrom('leases').select(['name', 'fence']).where(isOneOf(leases)).execute();
  const standing = new Map(rows.map(({ name, fence }) => [name, fence]));
  return ({ name, fence }) => standing.get(name) === fence;
}

const isOneOf = (leases: readonly Lease[]) =>
  sql<boolean>`(name, fence) in (${sql.join(leases.map(({ name, fence }) => sql`(${name}, ${fence})`))})`;

export const leaseLost = (): Problem =>
  problem('lease-lost', 'Another central has taken this over meanwhile.');

/**
 * Leases ensure that only one of the centrals that share a database does a task at a time. A lease expires if its holder stops
 * renewing it. Each new holder raises the fence, so that a holder that resumes after a long pause sees that it lost the lease.
 * The clocks of these centrals must agree to within a few seconds (`tributary doctor` checks this).
 */
import { type Problem, problem } from '../../../kernel/problem.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { CentralDatabase } from '../schema.ts';

/** Who acquires or renews leases, and for how long. */
export interface LeaseTerm {
  readonly holder: string;
  readonly nowMs: number;
  readonly durationMs: number;
}

export interface Lease {
  readonly name: string;
  readonly fence: number;
}

/**
 * Returns the lease for each name, or undefined if another holder has it. A holder that acquires its own lease again gets a new
 * fence. The names must differ.
 */
export async function acquireLeases(
  db: CentralDatabase,
  names: readonly string[],
  { holder, nowMs, durationMs }: LeaseTerm,
): Promise<readonly (Lease | undefined)[]> {
  const rows = await db
    .insertInto('leases')
    // The rows are in the order of their names, so that two centrals that acquire the same leases cannot deadlock.
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
  term: LeaseTerm,
): Promise<Lease | undefined> => (await acquireLeases(db, [name], term))[0];

/** Renews leases that are still valid. Expired leases are not renewed. */
export async function renewLeases(
  db: CentralDatabase,
  names: readonly string[],
  { holder, nowMs, durationMs }: LeaseTerm,
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

/** Finds which of these leases are valid. Call it within the transaction that the leases guard. */
export async function findValidLeases(
  db: CentralDatabase,
  leases: readonly Lease[],
): Promise<(lease: Lease) => boolean> {
  if (leases.length === 0) return () => false;
  const rows = await db.selectFrom('leases').select(['name', 'fence']).where(isOneOf(leases)).execute();
  const fences = new Map(rows.map(({ name, fence }) => [name, fence]));
  return ({ name, fence }) => fences.get(name) === fence;
}

const isOneOf = (leases: readonly Lease[]) =>
  sql<boolean>`(name, fence) in (${sql.join(leases.map(({ name, fence }) => sql`(${name}, ${fence})`))})`;

export const leaseLost = (): Problem =>
  problem('lease-lost', 'Another central has taken over this task in the meantime.');

/** Changes of people and their rights, one at a time across all centrals. */
import { failpoint } from '../../kernel/failpoint.ts';
import { problem } from '../../kernel/problem.ts';
import { lockPeople } from '../database/people/changes.ts';
import { hasOperator } from '../database/people/operators.ts';
import type { CentralDatabase, CentralTransaction } from '../database/schema.ts';

export interface ChangeDeps {
  readonly db: CentralDatabase;
  readonly changes: { notify(): void };
}

/**
 * Runs `work` in a transaction in which no other change of people is in progress, so that what it checks is still true when it
 * commits. A failure undoes everything.
 */
export async function changePeople<Result>(
  { db, changes }: ChangeDeps,
  work: (tx: CentralTransaction, nowMs: number) => Promise<Result>,
): Promise<Result> {
  const result = await db.transaction().execute(async tx => {
    await lockPeople(tx);
    const changed = await work(tx, Date.now());
    failpoint('change-not-committed');
    return changed;
  });
  failpoint('change-committed');
  changes.notify();
  return result;
}

/**
 * The same, for a change that may take rights away.
 *
 * @throws Problem 409 `last-operator` if nobody would be operator of everything afterwards
 */
export const changeRights = <Result>(
  deps: ChangeDeps,
  work: (tx: CentralTransaction, nowMs: number) => Promise<Result>,
): Promise<Result> =>
  changePeople(deps, async (tx, nowMs) => {
    const hadOperator = await hasOperator(tx);
    const result = await work(tx, nowMs);
    if (hadOperator && !(await hasOperator(tx))) throw problem('last-operator');
    return result;
  });

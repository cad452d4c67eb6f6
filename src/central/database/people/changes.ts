/** Changes of people and credentials in the feed of rights, so that members refresh what central signed for them. */
import type { PeopleChanges } from '../../../protocol/people/statements.ts';
import { claimPositions } from '../feed.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';

/** What a member may know that is now out of date: everything about a person, one session or token, or all of it. */
export type PeopleChange = PeopleChanges[number];

const ROWS_PER_INSERT = 500;

/**
 * Serializes changes of people and of their rights: the transaction waits until every other one has ended, so what it reads stays
 * true. Call this first in a transaction, because others claim positions last.
 */
export const lockPeople = async (tx: CentralTransaction): Promise<void> => {
  await claimPositions(tx, 0);
};

/** Writes a change into the feed. Call `changes.notify()` after the commit. */
export const notePeopleChange = (
  tx: CentralTransaction,
  change: PeopleChange,
  nowMs: number,
): Promise<void> => notePeopleChanges(tx, [change], nowMs);

export async function notePeopleChanges(
  tx: CentralTransaction,
  changes: readonly PeopleChange[],
  nowMs: number,
): Promise<void> {
  if (changes.length === 0) return;
  const first = await claimPositions(tx, changes.length);
  const rows = changes.map((change, order) => ({
    position: first + order,
    person_id: 'person' in change ? change.person : null,
    credential_id: 'credential' in change ? change.credential : null,
    at: nowMs,
  }));
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT)
    await tx
      .insertInto('people_changes')
      .values(rows.slice(from, from + ROWS_PER_INSERT))
      .execute();
}

/** The changes after a position, in order. Returns one more than `limit` if there are more. */
export async function listPeopleChanges(
  db: CentralDatabase,
  after: number,
  limit: number,
): Promise<{ readonly position: number; readonly change: PeopleChange }[]> {
  const rows = await db
    .selectFrom('people_changes')
    .select(['position', 'person_id', 'credential_id'])
    .where('position', '>', after)
    .orderBy('position')
    .limit(limit + 1)
    .execute();
  return rows.map(({ position, person_id: person, credential_id: credential }) => ({
    position: Number(position),
    change: person !== null ? { person } : credential !== null ? { credential } : { all: true },
  }));
}

/** The position of the last change; 0 if there was none. */
export async function lastPeopleChange(db: CentralDatabase): Promise<number> {
  const row = await db
    .selectFrom('people_changes')
    .select(({ fn }) => fn.max<number | null>('position').as('position'))
    .executeTakeFirst();
  return Number(row?.position ?? 0);
}

/**
 * Deletes changes before `beforeMs`, except the last of them. Keep them for longer than any statement is valid, so that no member
 * that was disconnected holds a valid statement that one of them concerns.
 */
export async function deletePeopleChanges(db: CentralDatabase, beforeMs: number): Promise<void> {
  await db
    .deleteFrom('people_changes')
    .where('position', '<', query =>
      query
        .selectFrom('people_changes as old')
        .select(({ fn, val }) => fn.coalesce(fn.max('old.position'), val(0)).as('position'))
        .where('old.at', '<', beforeMs),
    )
    .execute();
}

/**
 * True if changes after `after` may have been deleted. A member at this position must refresh every statement that it has.
 *
 * @param after the position of a member in the feed of rights; 0 if it has read nothing yet
 */
export async function hasMissedPeopleChanges(db: CentralDatabase, after: number): Promise<boolean> {
  const row = await db
    .selectFrom('people_changes')
    .select(({ fn }) => fn.min<number | null>('position').as('position'))
    .executeTakeFirst();
  return after < Number(row?.position ?? 0);
}

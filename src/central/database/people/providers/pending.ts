/** Sign-ins that are at a provider: each comes back once, and within its time. */
import type { Selectable } from 'kysely';
import type { CentralDatabase } from '../../schema.ts';
import type { PeopleSchema } from '../tables.ts';

export type PendingSignIn = Selectable<PeopleSchema['provider_sign_ins']>;

/** Rows that have expired are removed. */
export async function insertPendingSignIn(
  db: CentralDatabase,
  row: PendingSignIn,
  nowMs: number,
): Promise<void> {
  await db.deleteFrom('provider_sign_ins').where('expires_at', '<=', nowMs).execute();
  await db.insertInto('provider_sign_ins').values(row).execute();
}

/** Removes the row and returns it, unless it has expired: of two concurrent calls only one gets it. */
export const takePendingSignIn = (
  db: CentralDatabase,
  stateHash: string,
  nowMs: number,
): Promise<PendingSignIn | undefined> =>
  db
    .deleteFrom('provider_sign_ins')
    .where('state_hash', '=', stateHash)
    .where('expires_at', '>', nowMs)
    .returningAll()
    .executeTakeFirst();

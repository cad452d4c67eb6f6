/** One-time links. Only the hash of a link is stored. */
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import type { LinkRow } from './tables.ts';

export const insertLink = async (db: CentralDatabase, link: Omit<LinkRow, 'used_at'>): Promise<void> => {
  await db
    .insertInto('links')
    .values({ ...link, used_at: null })
    .execute();
};

/** A link that has not been used and has not expired. */
export const findLink = (
  db: CentralDatabase,
  secretHash: string,
  nowMs: number,
): Promise<LinkRow | undefined> =>
  db
    .selectFrom('links')
    .selectAll()
    .where('secret_hash', '=', secretHash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .executeTakeFirst();

/** Uses a link up. Of two requests with the same link, one gets undefined. */
export const useLink = (
  tx: CentralTransaction,
  secretHash: string,
  nowMs: number,
): Promise<LinkRow | undefined> =>
  tx
    .updateTable('links')
    .set({ used_at: nowMs })
    .where('secret_hash', '=', secretHash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .returningAll()
    .executeTakeFirst();

/** Deletes the links of a person, used or not. */
export const deleteLinks = async (tx: CentralTransaction, person: string): Promise<void> => {
  await tx.deleteFrom('links').where('person_id', '=', person).execute();
};

/** Deletes every link for a first administrator. */
export const deleteAdministratorLinks = async (tx: CentralTransaction): Promise<void> => {
  await tx.deleteFrom('links').where('kind', '=', 'administrator').execute();
};

/** API tokens: only their hashes are stored. */
import type { HeldPermission } from '../../../protocol/people/permissions.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { notePeopleChanges } from './changes.ts';
import type { ApiTokenRow } from './tables.ts';

export interface NewApiToken {
  readonly id: string;
  readonly person: string;
  readonly name: string;
  readonly secretHash: string;
  /** Null: everything that the person may do. */
  readonly permissions: readonly HeldPermission[] | null;
  readonly expiresMs: number;
}

export const insertApiToken = async (
  db: CentralDatabase,
  { id, person, name, secretHash, permissions, expiresMs }: NewApiToken,
  nowMs: number,
): Promise<void> => {
  await db
    .insertInto('api_tokens')
    .values({
      id,
      person_id: person,
      name,
      secret_hash: secretHash,
      permissions: permissions === null ? null : JSON.stringify(permissions),
      created_at: nowMs,
      expires_at: expiresMs,
      last_used_at: null,
      revoked_at: null,
    })
    .execute();
};

/** The valid tokens of a person, newest first. */
export const listApiTokens = (db: CentralDatabase, person: string, nowMs: number): Promise<ApiTokenRow[]> =>
  db
    .selectFrom('api_tokens')
    .selectAll()
    .where('person_id', '=', person)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute();

/**
 * Revokes one token of a person, or all. The transaction must have called `lockPeople`.
 *
 * @returns how many were valid until now
 */
export async function revokeApiTokens(
  tx: CentralTransaction,
  { person, only }: { readonly person: string; readonly only?: string | undefined },
  nowMs: number,
): Promise<number> {
  let update = tx
    .updateTable('api_tokens')
    .set({ revoked_at: nowMs })
    .where('person_id', '=', person)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs);
  if (only !== undefined) update = update.where('id', '=', only);
  const revoked = await update.returning('id').execute();
  await notePeopleChanges(
    tx,
    revoked.map(({ id }) => ({ credential: id })),
    nowMs,
  );
  return revoked.length;
}

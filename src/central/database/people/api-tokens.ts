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
  /** The token of the same person with which this one is created. */
  readonly parent: string | undefined;
  readonly expiresMs: number;
}

export const insertApiToken = async (
  db: CentralDatabase,
  { id, person, name, secretHash, permissions, parent, expiresMs }: NewApiToken,
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
      parent_id: parent ?? null,
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
 * Revokes one token of a person, with those that it has created for that person, or all. The transaction must have called `lockPeople`.
 *
 * @returns how many were valid until now
 */
export async function revokeApiTokens(
  tx: CentralTransaction,
  { person, only }: { readonly person: string; readonly only?: string | undefined },
  nowMs: number,
): Promise<number> {
  const valid = await listApiTokens(tx, person, nowMs);
  const ids = only === undefined ? valid.map(({ id }) => id) : withChildren(valid, only);
  if (ids.length === 0) return 0;
  await tx.updateTable('api_tokens').set({ revoked_at: nowMs }).where('id', 'in', ids).execute();
  await notePeopleChanges(
    tx,
    ids.map(id => ({ credential: id })),
    nowMs,
  );
  return ids.length;
}

/** A token ends no later than its parent, so no chain is broken. */
function withChildren(tokens: readonly ApiTokenRow[], id: string): readonly string[] {
  if (!tokens.some(token => token.id === id)) return [];
  const children = tokens.filter(({ parent_id }) => parent_id === id);
  return [id, ...children.flatMap(child => withChildren(tokens, child.id))];
}

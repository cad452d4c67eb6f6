/** The sessions of browsers at this site and the API tokens that were used here, with the statements of central about them. */
import type { AcceptedStatement, CredentialStore } from '../../../kernel/access/check-credentials.ts';
import type { PeopleChanges } from '../../../protocol/people/statements.ts';
import type { CredentialRow } from './schema.ts';
import type { SiteDatabase } from './videos.ts';

/** What ended when a person signed out: nothing yet, the session at this site, or also that at central. */
export const ENDED = { no: 0, here: 1, everywhere: 2 } as const;
/** A token that nobody has used here for this long is forgotten. */
const KEEP_UNUSED_MS = 30 * 86_400_000;

export function createCredentialStore(db: SiteDatabase): CredentialStore {
  return {
    async find(hash) {
      const row = await db
        .selectFrom('credentials')
        .selectAll()
        .where('secret_hash', '=', hash)
        .where('ended', '=', ENDED.no)
        .executeTakeFirst();
      return (
        row && {
          hash,
          kind: row.kind,
          id: row.id,
          statement: row.statement,
          isStale: row.is_stale === 1,
          lastUsedMs: Number(row.last_used_ms),
          refreshedMs: Number(row.refreshed_ms),
        }
      );
    },
    save: (statement, nowMs) => save(db, statement, nowMs),
    async touch(hash, nowMs) {
      await db
        .updateTable('credentials')
        .set({ last_used_ms: nowMs })
        .where('secret_hash', '=', hash)
        .execute();
    },
    async remove(hash) {
      await db
        .deleteFrom('credentials')
        .where('secret_hash', '=', hash)
        .where('ended', '=', ENDED.no)
        .execute();
    },
  };
}

function save(
  db: SiteDatabase,
  { hash, statement, claims }: AcceptedStatement,
  nowMs: number,
): Promise<void> {
  return db.transaction().execute(async tx => {
    const position = await lockPosition(tx);
    const changed = {
      statement,
      is_stale: claims.position < position ? 1 : 0,
      refreshed_ms: nowMs,
      expires_ms: claims.until * 1_000,
    };
    await tx
      .insertInto('credentials')
      .values({
        ...changed,
        secret_hash: hash,
        id: claims.credential,
        kind: claims.kind,
        person_id: claims.sub,
        created_ms: nowMs,
        last_used_ms: nowMs,
        ended: ENDED.no,
      })
      .onConflict(conflict => conflict.column('secret_hash').doUpdateSet(changed))
      .execute();
  });
}

/** Reads and locks the position, so that a page of the feed is applied before or after this transaction, and counts in both cases. */
async function lockPosition(tx: SiteDatabase): Promise<number> {
  const { people } = await tx
    .updateTable('signal')
    .set(({ ref }) => ({ people: ref('people') }))
    .where('id', '=', 1)
    .returning('people')
    .executeTakeFirstOrThrow();
  return Number(people);
}

/**
 * Applies the changes of people between two positions of the feed of rights. If this database does not know the first of them,
 * because it or the file of rights was restored from a backup, every statement may be out of date.
 */
export function applyPeopleChanges(
  db: SiteDatabase,
  {
    after,
    position,
    changes,
  }: { readonly after: number; readonly position: number; readonly changes: PeopleChanges },
): Promise<void> {
  return db.transaction().execute(async tx => {
    const before = await lockPosition(tx);
    await tx.updateTable('signal').set({ people: position }).where('id', '=', 1).execute();
    const isKnown = before === after && !changes.some(change => 'all' in change);
    const stale = tx.updateTable('credentials').set({ is_stale: 1 });
    if (!isKnown) {
      await stale.execute();
      return;
    }
    for (const change of changes) {
      if ('person' in change) await stale.where('person_id', '=', change.person).execute();
      else if ('credential' in change) await stale.where('id', '=', change.credential).execute();
    }
  });
}

/** A person has signed out here. The row remains until central knows. */
export async function endCredential(
  db: SiteDatabase,
  hash: string,
  ended: typeof ENDED.here | typeof ENDED.everywhere,
): Promise<void> {
  await db
    .updateTable('credentials')
    .set({ ended })
    .where('secret_hash', '=', hash)
    .where('kind', '=', 'session')
    .execute();
}

export const listEnded = (db: SiteDatabase): Promise<Pick<CredentialRow, 'secret_hash' | 'id' | 'ended'>[]> =>
  db
    .selectFrom('credentials')
    .select(['secret_hash', 'id', 'ended'])
    .where('ended', '!=', ENDED.no)
    .limit(100)
    .execute();

export async function deleteEnded(db: SiteDatabase, hash: string): Promise<void> {
  await db.deleteFrom('credentials').where('secret_hash', '=', hash).execute();
}

/** Deletes what can never be accepted again, and tokens that nobody uses here. */
export async function deleteOldCredentials(db: SiteDatabase, nowMs: number): Promise<void> {
  await db
    .deleteFrom('credentials')
    .where(({ eb, or }) =>
      or([eb('expires_ms', '<', nowMs), eb('last_used_ms', '<', nowMs - KEEP_UNUSED_MS)]),
    )
    .execute();
}

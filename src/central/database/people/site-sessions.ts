/** Sessions at sites: the one-time codes that start them, and the sessions at central with which they end. */
import { newId, type SiteId } from '../../../protocol/base/ids.ts';
import type { CentralDatabase } from '../schema.ts';
import { lockPeople } from './changes.ts';
import type { SessionRow } from './tables.ts';

/** How long a code may be redeemed. */
const CODE_LIFETIME_MS = 60_000;

export interface NewSignInCode {
  /** SHA-256 in hexadecimal. */
  readonly codeHash: string;
  readonly challenge: string;
  readonly site: SiteId;
  readonly person: string;
  /** The session at central. */
  readonly session: string;
}

export async function insertSignInCode(
  db: CentralDatabase,
  { codeHash, challenge, site, person, session }: NewSignInCode,
  nowMs: number,
): Promise<void> {
  await db.deleteFrom('sign_in_codes').where('expires_at', '<', nowMs).execute();
  await db
    .insertInto('sign_in_codes')
    .values({
      code_hash: codeHash,
      challenge,
      site_id: site,
      person_id: person,
      session_id: session,
      expires_at: nowMs + CODE_LIFETIME_MS,
      used_at: null,
    })
    .execute();
}

/**
 * Uses a code and starts the session of its site. A code is used up by the first attempt of its site, whether or not the challenge
 * matches.
 *
 * @returns undefined if the code is not valid for this site and challenge, or the session at central has ended
 */
export function redeemSignInCode(
  db: CentralDatabase,
  { codeHash, challenge, site }: Pick<NewSignInCode, 'codeHash' | 'challenge' | 'site'>,
  nowMs: number,
): Promise<SessionRow | undefined> {
  return db.transaction().execute(async tx => {
    // The session at central does not end between its check and the commit: a change that ends it would not see the new session.
    await lockPeople(tx);
    const code = await tx
      .updateTable('sign_in_codes')
      .set({ used_at: nowMs })
      .where('code_hash', '=', codeHash)
      .where('site_id', '=', site)
      .where('used_at', 'is', null)
      .where('expires_at', '>', nowMs)
      .returningAll()
      .executeTakeFirst();
    if (code?.challenge !== challenge) return undefined;
    const parent = await findActive(tx, code.session_id, nowMs);
    if (!parent) return undefined;
    return tx
      .insertInto('sessions')
      .values({
        ...parent,
        id: newId(),
        secret_hash: null,
        parent_id: parent.id,
        site_id: site,
        created_at: nowMs,
        last_used_at: nowMs,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

const findActive = (db: CentralDatabase, id: string, nowMs: number): Promise<SessionRow | undefined> =>
  db
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .executeTakeFirst();

/** The session of this site, if neither it nor its session at central has ended. The site itself ends one that is not used. */
export async function findSiteSession(
  db: CentralDatabase,
  id: string,
  site: SiteId,
  nowMs: number,
): Promise<SessionRow | undefined> {
  const session = await findActive(db, id, nowMs);
  if (!session || session.site_id !== site || session.parent_id === null) return undefined;
  return (await findActive(db, session.parent_id, nowMs)) && session;
}

/** Using a session at a site also counts as use of the session at central, unless that has ended because nobody used it. */
export async function touchSiteSession(
  db: CentralDatabase,
  { id, parent_id }: SessionRow,
  idleMs: number,
  nowMs: number,
): Promise<void> {
  await db.updateTable('sessions').set({ last_used_at: nowMs }).where('id', '=', id).execute();
  await db
    .updateTable('sessions')
    .set({ last_used_at: nowMs })
    .where('id', '=', parent_id)
    .where('last_used_at', '>', nowMs - idleMs)
    .execute();
}

/** The session that ends when a person signs out at a site: that of the site, or with `everywhere` that at central. */
export async function findSessionToEnd(
  db: CentralDatabase,
  { id, site, everywhere }: { readonly id: string; readonly site: SiteId; readonly everywhere: boolean },
): Promise<SessionRow | undefined> {
  const find = (session: string): Promise<SessionRow | undefined> =>
    db.selectFrom('sessions').selectAll().where('id', '=', session).executeTakeFirst();
  const session = await find(id);
  if (session?.site_id !== site) return undefined;
  return (everywhere && session.parent_id !== null ? await find(session.parent_id) : undefined) ?? session;
}

/** Sessions at central, and the sessions at sites that were started from them. */
import type { Insertable } from 'kysely';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { notePeopleChanges, type PeopleChange } from './changes.ts';
import type { PeopleSchema, SessionRow } from './tables.ts';

/** More sessions than anyone has. The one that was not used for the longest time ends. */
const MAX_SESSIONS_PER_PERSON = 200;

export type NewSession = Pick<
  Insertable<PeopleSchema['sessions']>,
  'id' | 'person_id' | 'secret_hash' | 'expires_at' | 'from_address' | 'user_agent'
>;

/** Starts a session at central. Returns the name of the person, or undefined if the person is unknown or disabled. */
export async function insertSession(
  tx: CentralTransaction,
  session: NewSession,
  nowMs: number,
): Promise<string | undefined> {
  const person = await tx
    .updateTable('people')
    .set({ signed_in_at: nowMs })
    .where('id', '=', session.person_id)
    .where('disabled', '=', 0)
    .returning('name')
    .executeTakeFirst();
  if (!person) return undefined;
  await tx
    .insertInto('sessions')
    .values({
      ...session,
      created_at: nowMs,
      last_used_at: nowMs,
      parent_id: null,
      site_id: null,
      revoked_at: null,
    })
    .execute();
  return person.name;
}

/** The person's sessions at central beyond the maximum: those that were not used for the longest time. */
export async function listExcessSessions(db: CentralDatabase, person: string): Promise<string[]> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('person_id', '=', person)
    .where('parent_id', 'is', null)
    .where('revoked_at', 'is', null)
    .orderBy('last_used_at', 'desc')
    .orderBy('id', 'desc')
    .limit(MAX_SESSIONS_PER_PERSON)
    .offset(MAX_SESSIONS_PER_PERSON)
    .execute();
  return rows.map(({ id }) => id);
}

/** Which sessions end: those with these ids (of this person), that with this cookie, or all of a person, except perhaps one. */
export type SessionsToEnd =
  | { readonly ids: readonly string[]; readonly of?: string }
  | { readonly secretHash: string }
  | { readonly person: string; readonly except?: string | undefined };

export type EndedSession = Pick<SessionRow, 'id' | 'person_id' | 'site_id'>;

/**
 * Ends sessions, and with each session at central the sessions at sites that were started from it. The feed names all of them: members
 * know those at sites, and central ends the grants of those at central. The transaction must have called `lockPeople`.
 *
 * @returns the sessions that ended
 */
export async function endSessions(
  tx: CentralTransaction,
  which: SessionsToEnd,
  nowMs: number,
): Promise<readonly EndedSession[]> {
  if ('ids' in which && which.ids.length === 0) return [];
  const ended = await tx
    .updateTable('sessions')
    .set({ revoked_at: nowMs })
    .where('revoked_at', 'is', null)
    .where(({ eb, and, or }) => {
      if ('ids' in which)
        return and([
          or([eb('id', 'in', which.ids), eb('parent_id', 'in', which.ids)]),
          ...(which.of === undefined ? [] : [eb('person_id', '=', which.of)]),
        ]);
      if ('person' in which)
        return and([
          eb('person_id', '=', which.person),
          ...(which.except === undefined
            ? []
            : [
                eb('id', '!=', which.except),
                or([eb('parent_id', 'is', null), eb('parent_id', '!=', which.except)]),
              ]),
        ]);
      const own = eb
        .selectFrom('sessions as own')
        .select('own.id')
        .where('own.secret_hash', '=', which.secretHash);
      return or([eb('secret_hash', '=', which.secretHash), eb('parent_id', 'in', own)]);
    })
    .returning(['id', 'person_id', 'site_id'])
    .execute();
  await notePeopleChanges(
    tx,
    ended.map(({ id }): PeopleChange => ({ credential: id })),
    nowMs,
  );
  return ended;
}

/** The sessions of a person that have not ended, the last used first. `idleMs` applies to sessions at central. */
export const listSessions = (
  db: CentralDatabase,
  { person, idleMs }: { readonly person: string; readonly idleMs: number },
  nowMs: number,
) =>
  db
    .selectFrom('sessions')
    .leftJoin('members', 'members.id', 'sessions.site_id')
    .selectAll('sessions')
    .select('members.name as site_name')
    .where('sessions.person_id', '=', person)
    .where('sessions.revoked_at', 'is', null)
    .where('sessions.expires_at', '>', nowMs)
    .where(({ eb, or }) =>
      or([eb('sessions.site_id', 'is not', null), eb('sessions.last_used_at', '>', nowMs - idleMs)]),
    )
    .orderBy('sessions.last_used_at', 'desc')
    .orderBy('sessions.id', 'desc')
    .execute();

/**
 * Finds or creates the person of an account at a provider. Only issuer and subject identify an account (OpenID Connect Core 1.0,
 * section 5.7): an e-mail address by itself never leads to the account of another person.
 */
import type { Account } from '../../../people/oidc/claims.ts';
import type { CentralTransaction } from '../../schema.ts';
import { lockPeople, notePeopleChange } from '../changes.ts';
import { findPersonByEmail, insertPerson, searchTextOf } from '../people.ts';
import type { PersonRow } from '../tables.ts';
import { replaceMemberships } from './memberships.ts';

export interface SignedInPerson {
  readonly id: string;
  readonly name: string;
  /** `linked`: a person who was invited to the same e-mail address and had not signed in yet. */
  readonly how: 'found' | 'created' | 'linked';
  /** The names of groups, if they changed. */
  readonly groups?: { readonly before: readonly string[]; readonly after: readonly string[] };
}

export interface AccountSource {
  readonly account: Account;
  /** The name of the provider. */
  readonly provider: string;
}

/** @returns undefined if the person is disabled */
export async function signInAccount(
  tx: CentralTransaction,
  { account, provider }: AccountSource,
  nowMs: number,
): Promise<SignedInPerson | undefined> {
  await lockPeople(tx);
  const { issuer, subject } = account;
  const found = await findPerson(tx, account, nowMs);
  if (found?.person.disabled) return undefined;
  const id = found?.person.id ?? (await createPerson(tx, account, nowMs));
  await tx
    .insertInto('identities')
    .values({ issuer, subject, person_id: id, provider, signed_in_at: nowMs })
    .onConflict(conflict =>
      conflict.columns(['issuer', 'subject']).doUpdateSet({ provider, signed_in_at: nowMs }),
    )
    .execute();
  const isRenamed = found !== undefined && (await updatePerson(tx, found.person, account));
  const groups = await replaceMemberships(tx, { person: id, account, provider }, nowMs);
  if (found?.how !== 'found' || isRenamed || groups) await notePeopleChange(tx, { person: id }, nowMs);
  return { id, name: account.name, how: found?.how ?? 'created', ...(groups ? { groups } : {}) };
}

interface FoundPerson {
  readonly person: PersonRow;
  readonly how: 'found' | 'linked';
}

async function findPerson(
  tx: CentralTransaction,
  { issuer, subject, email }: Account,
  nowMs: number,
): Promise<FoundPerson | undefined> {
  const identity = await tx
    .selectFrom('people')
    .innerJoin('identities', 'identities.person_id', 'people.id')
    .selectAll('people')
    .where('identities.issuer', '=', issuer)
    .where('identities.subject', '=', subject)
    .executeTakeFirst();
  if (identity) return { person: identity, how: 'found' };
  const person = email === undefined ? undefined : await findPersonByEmail(tx, email);
  if (!person) return undefined;
  // A disabled person must not come back as a new one.
  if (person.disabled) return { person, how: 'found' };
  if (!(await isUnusedInvitation(tx, person))) return undefined;
  // The invitation went by e-mail: from now on, the provider signs this person in.
  await tx
    .updateTable('links')
    .set({ used_at: nowMs })
    .where('person_id', '=', person.id)
    .where('used_at', 'is', null)
    .execute();
  return { person, how: 'linked' };
}

/** Nobody has signed in as this person, in any way. */
async function isUnusedInvitation(
  tx: CentralTransaction,
  { id, password, signed_in_at }: PersonRow,
): Promise<boolean> {
  if (password !== null || signed_in_at !== null) return false;
  const identity = await tx
    .selectFrom('identities')
    .select('subject')
    .where('person_id', '=', id)
    .executeTakeFirst();
  return identity === undefined;
}

async function createPerson(tx: CentralTransaction, account: Account, nowMs: number): Promise<string> {
  const { name } = account;
  const email = account.email !== undefined && (await isFree(tx, account.email)) ? account.email : null;
  const created = await insertPerson(tx, { name, email, roles: [] }, nowMs);
  // People are locked, so nobody has taken the address meanwhile.
  if (!created) throw new Error('could not create the person of an account');
  return created.id;
}

const isFree = async (tx: CentralTransaction, email: string): Promise<boolean> =>
  (await findPersonByEmail(tx, email)) === undefined;

/** @returns true if the name or the address changed */
async function updatePerson(tx: CentralTransaction, person: PersonRow, account: Account): Promise<boolean> {
  const isChanged = account.email !== undefined && account.email !== person.email;
  const email = isChanged && (await isFree(tx, account.email)) ? account.email : person.email;
  if (account.name === person.name && email === person.email) return false;
  await tx
    .updateTable('people')
    .set({ name: account.name, email, search_text: searchTextOf(account.name, email) })
    .where('id', '=', person.id)
    .execute();
  return true;
}

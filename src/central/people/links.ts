/**
 * One-time links: invitations, new passwords, signing in once, and the account of the first administrator. The secret is in the
 * fragment of the address, which browsers do not send to servers.
 */
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import type { Assignment } from '../../protocol/people/permissions.ts';
import type { Audit, NewEvent } from '../audit/audit.ts';
import { findRights, type PersonWithRights } from '../database/people/authority.ts';
import {
  deleteAdministratorLinks,
  deleteLinks,
  findLink,
  insertLink,
  useLink,
} from '../database/people/links.ts';
import { hasOperator } from '../database/people/operators.ts';
import { insertPerson, updatePerson } from '../database/people/people.ts';
import { endSessions } from '../database/people/sessions.ts';
import type { LinkRow, PersonRow } from '../database/people/tables.ts';
import type { CentralDatabase, CentralTransaction } from '../database/schema.ts';
import { type ChangeDeps, changePeople } from './change.ts';
import { hashPassword, requireGoodPassword } from './passwords.ts';
import { mayControl } from './rules.ts';

const HOUR_MS = 3_600_000;
export const INVITATION_MS = 7 * 24 * HOUR_MS;
const LIFETIME_MS = { password: 24 * HOUR_MS, 'sign-in': HOUR_MS, administrator: 24 * HOUR_MS } as const;
const OPERATOR: Assignment = { role: 'operator', scope: 'everything' };

export interface NewLink {
  readonly kind: LinkRow['kind'];
  /** Null for an `administrator` link. */
  readonly person: string | null;
  /** Null: central, or the operator token. */
  readonly createdBy: string | null;
  readonly lifetimeMs?: number;
}

/** Makes a link. Every earlier link of the same person ends. Returns its secret. */
export async function makeLink(
  tx: CentralTransaction,
  { kind, person, createdBy, lifetimeMs = LIFETIME_MS[kind] }: NewLink,
  nowMs: number,
): Promise<{ readonly secret: string; readonly expiresMs: number }> {
  if (person !== null) await deleteLinks(tx, person);
  const secret = randomBytes(32).toString('base64url');
  const expiresMs = nowMs + lifetimeMs;
  await insertLink(tx, {
    secret_hash: sha256Hex(secret),
    kind,
    person_id: person,
    created_by: createdBy,
    created_at: nowMs,
    expires_at: expiresMs,
  });
  return { secret, expiresMs };
}

export const addressOfLink = (centralUrl: string, secret: string): string =>
  `${centralUrl}/invitation#${secret}`;

/** The link that the first administrator uses, or undefined if there is an operator. */
export async function makeAdministratorLink(
  db: CentralDatabase,
  centralUrl: string,
): Promise<string | undefined> {
  if (await hasOperator(db)) return undefined;
  const link = { kind: 'administrator', person: null, createdBy: null } as const;
  const { secret } = await db.transaction().execute(tx => makeLink(tx, link, Date.now()));
  return addressOfLink(centralUrl, secret);
}

export type ValidLink =
  | { readonly kind: 'password' | 'sign-in'; readonly person: PersonRow }
  | { readonly kind: 'administrator' };

/**
 * What a link is for. It does not use the link up.
 *
 * @throws Problem 410 `link-invalid`
 */
export async function inspectLink(db: CentralDatabase, secret: string): Promise<ValidLink> {
  const row = await findLink(db, sha256Hex(secret), Date.now());
  if (!row) throw linkInvalid();
  return resolve(db, row);
}

/** @throws Problem 410 `link-invalid` */
async function resolve(db: CentralDatabase, { kind, person_id, created_by }: LinkRow): Promise<ValidLink> {
  if (kind === 'administrator') {
    if (await hasOperator(db)) throw linkInvalid();
    return { kind };
  }
  const found = person_id === null ? undefined : await findRights(db, person_id);
  if (!found || !(await mayStillGive(db, created_by, found))) throw linkInvalid();
  return { kind, person: found.person };
}

/**
 * A link gives all rights of its person. If these have grown since the link was made, or its maker has lost rights, the maker
 * might use it to obtain rights that they do not have.
 */
async function mayStillGive(
  db: CentralDatabase,
  maker: string | null,
  { permissions }: PersonWithRights,
): Promise<boolean> {
  if (maker === null) return true;
  const rights = await findRights(db, maker);
  return rights !== undefined && mayControl(rights, permissions);
}

export interface LinkUse {
  readonly secret: string;
  /** The IP address of the client, for the audit log. */
  readonly from: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly password?: string | undefined;
}

export interface LinkDeps extends ChangeDeps {
  readonly config: { readonly localAccounts: boolean };
  readonly audit: Audit;
}

/**
 * Uses a link up, and sets the password. Returns the person, who should be signed in next.
 *
 * @throws Problem 410 `link-invalid`; 400 `request-invalid`, `password-weak`; 403 `sign-in-refused`
 */
export async function applyLink(
  deps: LinkDeps,
  { secret, from, name, email, password }: LinkUse,
): Promise<{ readonly kind: LinkRow['kind']; readonly person: PersonRow }> {
  const { localAccounts } = deps.config;
  const link = await inspectLink(deps.db, secret);
  const account = link.kind === 'administrator' ? requireAccount(name, email) : link.person;
  if (link.kind === 'password' && !localAccounts) throw localAccountsOff();
  if (link.kind === 'sign-in' && password !== undefined)
    throw problem('request-invalid', 'This link signs in without a password.');
  const takesPassword = link.kind !== 'sign-in' && localAccounts;
  if (takesPassword && password === undefined) throw problem('request-invalid', 'Choose a password.');
  const chosen = takesPassword ? password : undefined;
  if (chosen !== undefined) requireGoodPassword(chosen, account);
  const hash = chosen === undefined ? undefined : await hashPassword(chosen);

  return changePeople(deps, async (tx, nowMs) => {
    const row = await useLink(tx, sha256Hex(secret), nowMs);
    if (!row) throw linkInvalid();
    const present = await resolve(tx, row);
    const person =
      present.kind === 'administrator' ? await makeAdministrator(tx, account, nowMs) : present.person;
    if (hash !== undefined) {
      await updatePerson(tx, person, { password: hash });
      await deleteLinks(tx, person.id);
      await endSessions(tx, { person: person.id }, nowMs);
    }
    const created = present.kind === 'administrator';
    if (created || hash !== undefined) await deps.audit.append({ ...eventOf(created, person), from }, tx);
    return { kind: row.kind, person };
  });
}

/** What a link changed, for the audit log. The sign-in that follows has its own entry. */
function eventOf(created: boolean, { id, name, email, password }: PersonRow): NewEvent {
  const entry = { who: { kind: 'person', id, name }, object: `person:${id}` } as const;
  return created
    ? {
        ...entry,
        action: 'person.create',
        after: { name, email, roles: [{ role: OPERATOR.role, scope: 'everything' }] },
      }
    : {
        ...entry,
        action: 'person.edit',
        after: { password: password === null ? 'set by link' : 'reset by link' },
      };
}

function requireAccount(name: string | undefined, email: string | undefined) {
  if (name === undefined || email === undefined)
    throw problem('request-invalid', 'Enter your name and e-mail address.');
  return { name, email };
}

/**
 * A person who has this e-mail address already does not become operator: another person may have chosen it at a provider.
 *
 * @throws Problem 409 `person-exists`
 */
async function makeAdministrator(
  tx: CentralTransaction,
  { name, email }: Pick<PersonRow, 'name' | 'email'>,
  nowMs: number,
): Promise<PersonRow> {
  await deleteAdministratorLinks(tx);
  const created = await insertPerson(tx, { name, email, roles: [OPERATOR] }, nowMs);
  if (!created) throw problem('person-exists', 'A person has this e-mail address already. Use another one.');
  return created;
}

const linkInvalid = (): Problem => problem('link-invalid');
export const localAccountsOff = (): Problem =>
  problem('sign-in-refused', 'Passwords are turned off here. Sign in with an identity provider.');

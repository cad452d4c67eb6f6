/** Reads whose credential this is and what that person may do now. Nothing is cached, so every change counts at once. */
import {
  type Assignment,
  type HeldPermission,
  intersectPermissions,
  isAllowed,
  permissionsOf,
} from '../../../protocol/people/permissions.ts';
import type { CentralDatabase } from '../schema.ts';
import type { ApiTokenRow, PersonRow, SessionRow } from './tables.ts';

export const parseRoles = (roles: string): readonly Assignment[] => JSON.parse(roles) as Assignment[];

/** A role that the configuration gives to a group of a provider, or with the group `*` to everyone at the provider. */
export interface ConfiguredRole extends Assignment {
  readonly group: string;
}
const parseConfiguredRoles = (roles: string): readonly ConfiguredRole[] =>
  JSON.parse(roles) as ConfiguredRole[];

/** A person who may sign in, with the roles of the person, of the person's groups, and of the configuration. */
export interface PersonWithRights {
  readonly person: PersonRow;
  readonly permissions: readonly HeldPermission[];
  /** The ids of the groups. */
  readonly groups: readonly string[];
}

/** A person who may sign in, by e-mail address. */
export async function findPersonId(db: CentralDatabase, email: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('people')
    .select('id')
    .where('email', '=', email)
    .where('disabled', '=', 0)
    .executeTakeFirst();
  return row?.id;
}

export const listGroupNames = (db: CentralDatabase): Promise<{ id: string; name: string }[]> =>
  db.selectFrom('groups').select(['id', 'name']).orderBy('name').orderBy('id').execute();

/** Returns undefined for a person who is unknown or disabled. */
export async function findRights(db: CentralDatabase, id: string): Promise<PersonWithRights | undefined> {
  const found = await findPerson(db, id);
  return found?.person.disabled === 0 ? found : undefined;
}

/** A person, disabled or not, with the rights that the person has or had. */
export async function findPerson(db: CentralDatabase, id: string): Promise<PersonWithRights | undefined> {
  const person = await db.selectFrom('people').selectAll().where('id', '=', id).executeTakeFirst();
  if (!person) return undefined;
  const providers = await db
    .selectFrom('oidc_providers')
    .innerJoin('identities', 'identities.issuer', 'oidc_providers.issuer')
    .select(['oidc_providers.issuer', 'oidc_providers.roles'])
    .where('identities.person_id', '=', id)
    .execute();
  const memberships = await db
    .selectFrom('groups')
    .innerJoin('group_members', 'group_members.group_id', 'groups.id')
    .select(['groups.id', 'groups.roles', 'groups.claim', 'group_members.issuer'])
    .where('group_members.person_id', '=', id)
    // What a provider said counts no more when it is no longer configured.
    .where('group_members.issuer', 'in', ['', ...providers.map(({ issuer }) => issuer)])
    .execute();
  const configured = providers.flatMap(({ issuer, roles }) => {
    const claims = memberships.filter(one => one.issuer === issuer).map(({ claim }) => claim);
    return parseConfiguredRoles(roles).filter(({ group }) => group === EVERYONE || claims.includes(group));
  });
  const groups = [...new Map(memberships.map(group => [group.id, group])).values()];
  const assigned = [person.roles, ...groups.map(({ roles }) => roles)].flatMap(parseRoles);
  return {
    person,
    permissions: permissionsOf([...assigned, ...configured]),
    groups: groups.map(group => group.id),
  };
}
const EVERYONE = '*';

/**
 * The rights of a token: never more than its person has now. A limited token without `watch-internal` for everything does not watch
 * as a member of groups either.
 */
export function rightsOfToken(
  { permissions: limits }: Pick<ApiTokenRow, 'permissions'>,
  rights: PersonWithRights,
): PersonWithRights {
  if (limits === null) return rights;
  const permissions = JSON.parse(limits) as HeldPermission[];
  return {
    ...rights,
    permissions: intersectPermissions(permissions, rights.permissions),
    groups: isAllowed({ permissions }, 'watch-internal', {}) ? rights.groups : [],
  };
}

/** A session at central that has not ended. `idleMs`: it ends when it was not used for this long. */
export const findSession = (
  db: CentralDatabase,
  secretHash: string,
  idleMs: number,
  nowMs: number,
): Promise<SessionRow | undefined> =>
  db
    .selectFrom('sessions')
    .selectAll()
    .where('secret_hash', '=', secretHash)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .where('last_used_at', '>', nowMs - idleMs)
    .executeTakeFirst();

const activeTokens = (db: CentralDatabase, nowMs: number) =>
  db.selectFrom('api_tokens').selectAll().where('revoked_at', 'is', null).where('expires_at', '>', nowMs);

export const findApiToken = (
  db: CentralDatabase,
  secretHash: string,
  nowMs: number,
): Promise<ApiTokenRow | undefined> =>
  activeTokens(db, nowMs).where('secret_hash', '=', secretHash).executeTakeFirst();

export const findApiTokenById = (
  db: CentralDatabase,
  id: string,
  nowMs: number,
): Promise<ApiTokenRow | undefined> => activeTokens(db, nowMs).where('id', '=', id).executeTakeFirst();

/** The rights of a session at central or of a token, by its id. Undefined if it has ended, or its person is disabled. */
export async function findRightsOfCredential(
  db: CentralDatabase,
  id: string,
  nowMs: number,
): Promise<PersonWithRights | undefined> {
  const token = await findApiTokenById(db, id, nowMs);
  if (token) {
    const rights = await findRights(db, token.person_id);
    return rights && rightsOfToken(token, rights);
  }
  const session = await db
    .selectFrom('sessions')
    .select('person_id')
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .executeTakeFirst();
  return session && findRights(db, session.person_id);
}

/** Notes that a session or token was used. A use within a minute of the last one is not written. */
export async function touch(
  db: CentralDatabase,
  table: 'sessions' | 'api_tokens',
  { id, last_used_at }: { readonly id: string; readonly last_used_at: number | null },
  nowMs: number,
): Promise<void> {
  if (last_used_at !== null && nowMs - Number(last_used_at) < TOUCH_MS) return;
  await db.updateTable(table).set({ last_used_at: nowMs }).where('id', '=', id).execute();
}
const TOUCH_MS = 60_000;

/**
 * Rules against escalation: what people who manage people may see and change. Nobody gives away, takes, or takes over rights that
 * they do not have. Pure.
 *
 * Someone who may manage people for some sites sees and changes the roles for these sites only. Anyone who changes the account of
 * another person (name, disabled, links, tokens, sessions) could act as that person, and therefore needs all of that person's
 * rights.
 */
import { Problem } from '../../kernel/problem.ts';
import {
  type Assignment,
  type HeldPermission,
  type Holder,
  holdsAll,
  includesScope,
  type Permission,
  permissionsOf,
  type Scope,
} from '../../protocol/people/permissions.ts';

/** The scopes for which the holder may manage people. */
export const managedScopes = ({ permissions }: Holder): readonly Scope[] =>
  permissions
    .filter(({ permission }) => permission === 'manage-people' || permission === 'everything')
    .map(({ scope }) => scope);

export const managesEveryone = (holder: Holder): boolean => managedScopes(holder).includes('everything');

const isWithin = (scopes: readonly Scope[], scope: Scope): boolean =>
  scopes.some(outer => includesScope(outer, scope));

/** The roles for what the holder manages. */
export const visibleRoles = (holder: Holder, roles: readonly Assignment[]): readonly Assignment[] => {
  const scopes = managedScopes(holder);
  return roles.filter(({ scope }) => isWithin(scopes, scope));
};

const keyOf = ({ role, scope }: Assignment): string => JSON.stringify([role, scope]);

/**
 * The roles after a change by `holder`, who sees and replaces only some of them.
 *
 * @throws Problem 403 `not-permitted` if the holder adds or removes a role beyond their own rights
 */
export function replaceRoles(
  holder: Holder,
  before: readonly Assignment[],
  wanted: readonly Assignment[],
): readonly Assignment[] {
  const visible = visibleRoles(holder, before);
  const kept = before.filter(role => !visible.includes(role));
  const after = [...new Map([...kept, ...wanted].map(role => [keyOf(role), role])).values()];
  const had = new Set(before.map(keyOf));
  const has = new Set(after.map(keyOf));
  requireAssignable(holder, [
    ...after.filter(role => !had.has(keyOf(role))),
    ...before.filter(role => !has.has(keyOf(role))),
  ]);
  return after;
}

/** @throws Problem 403 `not-permitted` if the holder may not give and take these roles */
export function requireAssignable(holder: Holder, roles: readonly Assignment[]): void {
  const scopes = managedScopes(holder);
  for (const { role, scope } of roles) {
    if (!isWithin(scopes, scope))
      throw refused(
        'You may not assign or remove roles for this site, series or everything.',
        'manage-people',
      );
    const missing = firstMissing(holder, permissionsOf([{ role, scope }]));
    if (missing)
      throw refused(
        `The role "${role}" has permissions that you do not have for this site, series or everything.`,
        missing,
      );
  }
}

/**
 * @param rights of the other person, with those of their groups
 *
 * @throws Problem 403 `not-permitted` if the holder may not act for this person
 */
export function requireControl(holder: Holder, rights: readonly HeldPermission[]): void {
  const missing = firstMissing(holder, rights);
  if (missing) throw refused('This person has permissions that you do not have. Ask an operator.', missing);
  const scopes = managedScopes(holder);
  // A person without any right belongs to no site.
  if (rights.length === 0 ? !managesEveryone(holder) : !rights.every(({ scope }) => isWithin(scopes, scope)))
    throw refused(
      'You may change only people who have roles, all of them for what you manage. Ask an operator.',
      'manage-people',
    );
}

/** @throws Problem 403 `not-permitted` if the holder, a token, lacks some of these rights of its person */
export function requireAllRights(holder: Holder, rights: readonly HeldPermission[]): void {
  const missing = firstMissing(holder, rights);
  if (missing) throw refused('This token lacks permissions of its person.', missing);
}

/** True if the holder may act for a person with these rights. */
export function mayControl(holder: Holder, rights: readonly HeldPermission[]): boolean {
  try {
    requireControl(holder, rights);
    return true;
  } catch {
    return false;
  }
}

function firstMissing(holder: Holder, rights: readonly HeldPermission[]): Permission | undefined {
  return rights.find(one => !holdsAll(holder, [one]))?.permission;
}

/** A refusal by these rules. It is recorded in the audit log. */
export class RefusedByRule extends Problem {}

export const refused = (detail: string, permission: Permission) =>
  new RefusedByRule('not-permitted', detail, { permission });

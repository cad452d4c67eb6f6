/** The roles that this person may give and take. Pure: central decides with the same rules. */
import {
  type Assignment,
  type Holder,
  holdsAll,
  permissionsOf,
  ROLE_NAMES,
  type RoleName,
  type Scope,
} from '../../protocol/people/decide.ts';
import type { Person } from '../../protocol/people/people.ts';

/** Nobody gives or takes what they do not have. */
export const isAssignable = (holder: Holder, { role, scope }: Assignment): boolean =>
  holdsAll(holder, [{ permission: 'manage-people', scope }, ...permissionsOf([{ role, scope }])]);

/**
 * Whether `holder` may change the account of a person, and not only roles: central knows. Without its statement, only someone who
 * manages all people and has all roles of this person.
 */
export const mayChangeAccount = (holder: Holder, { mayChange, roles }: Pick<Person, 'mayChange' | 'roles'>) =>
  mayChange ??
  holdsAll(holder, [{ permission: 'manage-people', scope: 'everything' }, ...permissionsOf(roles)]);

export interface AssignableRole {
  readonly role: RoleName;
  /** `everything` first, then sites, then series. */
  readonly scopes: readonly Scope[];
  /** Any series, by its id. */
  readonly anySeries: boolean;
}

/** The roles that can be given somewhere. */
export function listAssignable(
  holder: Holder,
  sites: readonly Extract<Scope, { site: unknown }>['site'][],
): readonly AssignableRole[] {
  const series = holder.permissions.flatMap(({ scope }) =>
    typeof scope === 'object' && 'series' in scope ? [scope.series] : [],
  );
  const candidates: readonly Scope[] = [
    'everything',
    ...sites.map(site => ({ site })),
    ...[...new Set(series)].map(each => ({ series: each })),
  ];
  return ROLE_NAMES.flatMap(role => {
    const scopes = candidates.filter(scope => isAssignable(holder, { role, scope }));
    return scopes.length === 0 ? [] : [{ role, scopes, anySeries: scopes.includes('everything') }];
  });
}

export const isSameAssignment = (a: Assignment, b: Assignment): boolean =>
  a.role === b.role && JSON.stringify(a.scope) === JSON.stringify(b.scope);

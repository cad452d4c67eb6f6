/** The permissions that a person can put into an API token. Pure. */
import {
  type HeldPermission,
  PERMISSIONS,
  type Permission,
  type Scope,
} from '../../protocol/people/decide.ts';

export interface TokenPermission {
  readonly permission: Permission;
  /** Where the person has it. */
  readonly scopes: readonly Scope[];
}

/** In the order of the permissions. Someone who may do everything can choose each permission, but then not the future ones. */
export function listTokenPermissions(held: readonly HeldPermission[]): readonly TokenPermission[] {
  return PERMISSIONS.filter(permission => permission !== 'everything').flatMap(permission => {
    const scopes = held
      .filter(one => one.permission === permission || one.permission === 'everything')
      .map(one => one.scope);
    if (scopes.length === 0) return [];
    return [{ permission, scopes: scopes.includes('everything') ? ['everything'] : unique(scopes) }];
  });
}

const unique = (scopes: readonly Scope[]): readonly Scope[] => [
  ...new Map(scopes.map(scope => [JSON.stringify(scope), scope])).values(),
];

/** For showing: each permission once, with every scope of it. */
export function groupByPermission(held: readonly HeldPermission[]): readonly TokenPermission[] {
  return PERMISSIONS.flatMap(permission => {
    const scopes = held.filter(one => one.permission === permission).map(one => one.scope);
    return scopes.length === 0 ? [] : [{ permission, scopes: unique(scopes) }];
  });
}

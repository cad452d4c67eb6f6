/**
 * Who may do what: the permissions, the roles that bundle them, where they apply, and the one decision. Parts decide with it
 * before they act, and pages before they show a button, so that no page shows a button that would be refused. The schemas are in
 * permissions.ts, so that pages do not load zod.
 */
import type { SiteId } from '../base/ids.ts';

export const PERMISSIONS = [
  'watch-internal',
  'upload',
  'edit-own',
  'edit-any',
  'publish',
  'withdraw-own',
  'withdraw-any',
  'grant-links',
  'see-jobs',
  'manage-site',
  'manage-copies',
  'manage-people',
  'read-audit',
  'everything',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const VIEWER: readonly Permission[] = ['watch-internal'];
const AUTHOR: readonly Permission[] = [...VIEWER, 'upload', 'edit-own', 'withdraw-own'];
const EDITOR: readonly Permission[] = [
  ...AUTHOR,
  'edit-any',
  'publish',
  'withdraw-any',
  'grant-links',
  'see-jobs',
];

export const ROLES = {
  viewer: VIEWER,
  author: AUTHOR,
  editor: EDITOR,
  'site-manager': [...EDITOR, 'manage-site', 'manage-copies', 'manage-people'],
  auditor: [...VIEWER, 'read-audit'],
  operator: ['everything'],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;
export const ROLE_NAMES = Object.keys(ROLES) as readonly RoleName[];
export type RoleName = keyof typeof ROLES;

/** Where a role applies. */
export type Scope = 'everything' | { readonly site: SiteId } | { readonly series: string };

/** A role *for* everything, a site or a series. */
export interface Assignment {
  readonly role: RoleName;
  readonly scope: Scope;
}

export interface HeldPermission {
  readonly permission: Permission;
  readonly scope: Scope;
}

/** `edit` and `withdraw` need the permission for any video, or that for one's own. */
const ACTIONS = {
  edit: { any: 'edit-any', own: 'edit-own' },
  withdraw: { any: 'withdraw-any', own: 'withdraw-own' },
} as const;
export type Action = Permission | keyof typeof ACTIONS;

/** What an action concerns. A target without members is the whole system. */
export interface Target {
  readonly site?: SiteId | undefined;
  readonly series?: string | undefined;
  /** The id of the person who owns the video. */
  readonly owner?: string | undefined;
}

/** The holder of permissions. `person` is absent for the operator token. */
export interface Holder {
  readonly person?: { readonly id: string } | undefined;
  readonly permissions: readonly HeldPermission[];
}

export type Decision =
  | { readonly allowed: true; readonly because: HeldPermission }
  | {
      readonly allowed: false;
      /** The permission that would allow it. */
      readonly missing: Permission;
      /** `elsewhere`: held, but for another site or series. `not-own`: held, but only for one's own videos. */
      readonly because: 'none' | 'elsewhere' | 'not-own';
    };

/** Decides whether `holder` may do `action` to `target`, and says why. */
export function decide(holder: Holder, action: Action, target: Target): Decision {
  const { any, own } = isVideoAction(action) ? ACTIONS[action] : { any: action, own: undefined };
  const isOwn = holder.person !== undefined && target.owner === holder.person.id;
  const held = (permission: Permission): HeldPermission | undefined =>
    holder.permissions.find(
      one => (one.permission === permission || one.permission === 'everything') && covers(one.scope, target),
    );
  const because = held(any) ?? (own !== undefined && isOwn ? held(own) : undefined);
  if (because) return { allowed: true, because };
  if (own !== undefined && !isOwn && held(own)) return { allowed: false, missing: any, because: 'not-own' };
  const isElsewhere = holder.permissions.some(
    ({ permission }) => permission === any || permission === own || permission === 'everything',
  );
  return {
    allowed: false,
    missing: own !== undefined && isOwn ? own : any,
    because: isElsewhere ? 'elsewhere' : 'none',
  };
}

export const isAllowed = (holder: Holder, action: Action, target: Target): boolean =>
  decide(holder, action, target).allowed;

/** True if `holder` has the permission somewhere: a page may then offer it and filter by target. */
export const isAllowedSomewhere = (holder: Holder, action: Action): boolean => {
  const wanted: readonly Permission[] = isVideoAction(action) ? Object.values(ACTIONS[action]) : [action];
  return holder.permissions.some(
    ({ permission }) => permission === 'everything' || wanted.includes(permission),
  );
};

const isVideoAction = (action: Action): action is keyof typeof ACTIONS => Object.hasOwn(ACTIONS, action);

/** True if the scope includes the target. A scope of a site never includes anything outside it. */
function covers(scope: Scope, target: Target): boolean {
  if (scope === 'everything') return true;
  if ('site' in scope) return target.site === scope.site;
  return target.series === scope.series;
}

/** True if everything inside `inner` is also inside `outer`. */
export function includesScope(outer: Scope, inner: Scope): boolean {
  if (outer === 'everything') return true;
  return inner !== 'everything' && covers(outer, inner);
}

/** True if `holder` has everything that `wanted` grants: nobody can give away what they do not have. */
export const holdsAll = (holder: Holder, wanted: readonly HeldPermission[]): boolean =>
  wanted.every(({ permission, scope }) =>
    holder.permissions.some(
      one =>
        (one.permission === permission || one.permission === 'everything') && includesScope(one.scope, scope),
    ),
  );

/** The permissions of these roles, each once. */
export function permissionsOf(assignments: readonly Assignment[]): HeldPermission[] {
  const found = new Map<string, HeldPermission>();
  for (const { role, scope } of assignments) {
    for (const permission of ROLES[role])
      found.set(JSON.stringify([permission, scope]), { permission, scope });
  }
  return [...found.values()];
}

/** The permissions that are in both lists: those of a token and those of its person. */
export function intersectPermissions(
  wanted: readonly HeldPermission[],
  held: readonly HeldPermission[],
): HeldPermission[] {
  const both: HeldPermission[] = [];
  for (const a of wanted) {
    for (const b of held) {
      const permission =
        a.permission === b.permission || b.permission === 'everything'
          ? a.permission
          : a.permission === 'everything'
            ? b.permission
            : undefined;
      if (permission === undefined) continue;
      if (includesScope(b.scope, a.scope)) both.push({ permission, scope: a.scope });
      else if (includesScope(a.scope, b.scope)) both.push({ permission, scope: b.scope });
    }
  }
  return [...new Map(both.map(one => [JSON.stringify(one), one])).values()];
}

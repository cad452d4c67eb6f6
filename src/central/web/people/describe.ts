/** People and roles as the calls return them: only what the caller may see. */
import type { Authority } from '../../../kernel/access/authority.ts';
import { problem } from '../../../kernel/problem.ts';
import type { Person } from '../../../protocol/people/people.ts';
import type { Assignment, HeldPermission, Scope } from '../../../protocol/people/permissions.ts';
import { findPerson, parseRoles } from '../../database/people/authority.ts';
import { findDetails } from '../../database/people/people.ts';
import type { PersonRow } from '../../database/people/tables.ts';
import type { CentralDatabase } from '../../database/schema.ts';
import { managesEveryone, mayControl, visibleRoles } from '../../people/rules.ts';
import { formatTime, optionalTime } from '../context/context.ts';

/** Roles and permissions in the audit log. */
const scopeDetail = (scope: Scope) => (scope === 'everything' ? scope : { ...scope });
export const rolesDetail = (roles: readonly Assignment[]) =>
  roles.map(({ role, scope }) => ({ role, scope: scopeDetail(scope) }));
export const permissionsDetail = (permissions: readonly HeldPermission[] | null) =>
  permissions?.map(({ permission, scope }) => ({ permission, scope: scopeDetail(scope) })) ?? null;

/** People see all of themselves. */
const rolesSeenBy = (
  authority: Authority,
  person: string | undefined,
  roles: readonly Assignment[],
): Assignment[] => [
  ...(person !== undefined && authority.person?.id === person ? roles : visibleRoles(authority, roles)),
];

/**
 * Those who manage people for some sites do not learn the addresses of people who have no role there.
 *
 * @param email the address by which the caller has found the person
 */
export async function describePeople(
  db: CentralDatabase,
  authority: Authority,
  rows: readonly PersonRow[],
  email?: string,
): Promise<Person[]> {
  const detailsOf = await findDetails(
    db,
    rows.map(({ id }) => id),
    Date.now(),
  );
  return rows.map(row => {
    const { groups, providers, invitedUntil } = detailsOf(row.id);
    const seesAll = managesEveryone(authority) || authority.person?.id === row.id;
    const roles = rolesSeenBy(authority, row.id, parseRoles(row.roles));
    const seenGroups = groups.filter(
      group => seesAll || visibleRoles(authority, parseRoles(group.roles)).length > 0,
    );
    const isKnown = seesAll || roles.length > 0 || seenGroups.length > 0;
    return {
      id: row.id,
      name: row.name,
      ...(row.email !== null && (isKnown || row.email === email) ? { email: row.email } : {}),
      disabled: row.disabled === 1,
      roles,
      groups: seenGroups.map(({ id, name }) => ({ id, name })),
      hasPassword: row.password !== null,
      providers: [...providers],
      ...optionalTime('signedInAt', row.signed_in_at),
      ...optionalTime('invitedUntil', invitedUntil),
      createdAt: formatTime(row.created_at),
    };
  });
}

/** One person, and whether the caller may change the account. @throws Problem 404 `person-unknown` */
export async function describePerson(
  db: CentralDatabase,
  authority: Authority,
  { id }: Pick<PersonRow, 'id'>,
): Promise<Person> {
  const found = await findPerson(db, id);
  const [described] = found ? await describePeople(db, authority, [found.person]) : [];
  if (!found || !described) throw problem('person-unknown');
  return { ...described, mayChange: mayControl(authority, found.permissions) };
}

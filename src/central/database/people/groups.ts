/** Groups of people and their members. */
import { newId } from '../../../protocol/base/ids.ts';
import type { Assignment } from '../../../protocol/people/permissions.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { formatRoles } from './people.ts';
import type { GroupRow } from './tables.ts';

/** The issuer of members who were added by hand. */
const BY_HAND = '';

export type ListedGroup = GroupRow & { readonly members: number };

export async function listGroups(db: CentralDatabase): Promise<ListedGroup[]> {
  const rows = await db
    .selectFrom('groups')
    .leftJoin('group_members', 'group_members.group_id', 'groups.id')
    .selectAll('groups')
    .select(({ fn }) => fn.count<number>('group_members.person_id').distinct().as('members'))
    .groupBy('groups.id')
    .orderBy('groups.name')
    .execute();
  return rows.map(row => ({ ...row, members: Number(row.members) }));
}

export const listGroupNames = (db: CentralDatabase): Promise<Pick<GroupRow, 'id' | 'name'>[]> =>
  db.selectFrom('groups').select(['id', 'name']).orderBy('name').execute();

export const findGroup = (db: CentralDatabase, id: string): Promise<GroupRow | undefined> =>
  db.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();

/** Returns undefined if a group has this name. */
export const insertGroup = (
  db: CentralDatabase,
  { name, roles }: { readonly name: string; readonly roles: readonly Assignment[] },
  nowMs: number,
): Promise<GroupRow | undefined> =>
  db
    .insertInto('groups')
    .values({
      id: newId(),
      name,
      source: 'local',
      issuer: null,
      claim: null,
      roles: formatRoles(roles),
      created_at: nowMs,
    })
    .onConflict(conflict => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();

/** @returns false if another group has this name */
export async function updateGroup(
  tx: CentralTransaction,
  id: string,
  { name, roles }: { readonly name?: string | undefined; readonly roles?: readonly Assignment[] | undefined },
): Promise<boolean> {
  if (name !== undefined) {
    const other = await tx
      .selectFrom('groups')
      .select('id')
      .where('name', '=', name)
      .where('id', '!=', id)
      .executeTakeFirst();
    if (other) return false;
    await tx.updateTable('groups').set({ name }).where('id', '=', id).execute();
  }
  if (roles !== undefined)
    await tx
      .updateTable('groups')
      .set({ roles: formatRoles(roles) })
      .where('id', '=', id)
      .execute();
  return true;
}

export async function deleteGroup(tx: CentralTransaction, id: string): Promise<void> {
  await tx.deleteFrom('group_members').where('group_id', '=', id).execute();
  await tx.deleteFrom('groups').where('id', '=', id).execute();
}

/** The ids of all members. */
export async function listMemberIds(db: CentralDatabase, group: string): Promise<string[]> {
  const rows = await db
    .selectFrom('group_members')
    .select('person_id')
    .distinct()
    .where('group_id', '=', group)
    .execute();
  return rows.map(({ person_id }) => person_id);
}

export const addMember = async (tx: CentralTransaction, group: string, person: string): Promise<void> => {
  await tx
    .insertInto('group_members')
    .values({ group_id: group, person_id: person, issuer: BY_HAND })
    .onConflict(conflict => conflict.doNothing())
    .execute();
};

/** Removes a member who was added by hand. @returns false if the person is not such a member */
export async function removeMember(tx: CentralTransaction, group: string, person: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('group_members')
    .where('group_id', '=', group)
    .where('person_id', '=', person)
    .where('issuer', '=', BY_HAND)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** People and groups with a role for exactly this scope, as text of `roles`. */
export async function listRoleHolders(db: CentralDatabase, mention: string) {
  const pattern = `%${mention}%`;
  const people = await db
    .selectFrom('people')
    .select(['id', 'name', 'roles'])
    .where('roles', 'like', pattern)
    .where('disabled', '=', 0)
    .orderBy('search_text')
    .execute();
  const groups = await db
    .selectFrom('groups')
    .select(['id', 'name', 'roles'])
    .where('roles', 'like', pattern)
    .orderBy('name')
    .execute();
  return { people, groups };
}

/** People: finding, listing, creating and changing them. Who may do so is decided elsewhere. */
import type { ExpressionBuilder, SqlBool, Updateable } from 'kysely';
import { sql } from '../../../kernel/sql/sql.ts';
import { newId } from '../../../protocol/base/ids.ts';
import { normaliseForSearch, searchWords } from '../../../protocol/base/text.ts';
import type { Assignment, Scope } from '../../../protocol/people/permissions.ts';
import type { TextCursor } from '../cursor.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import type { PeopleSchema, PersonRow } from './tables.ts';

export interface NewPerson {
  readonly name: string;
  readonly email: string | null;
  readonly roles: readonly Assignment[];
}

/** The text of a list of roles in the database: always the same for the same roles, so that it can be searched. */
export const formatRoles = (roles: readonly Assignment[]): string =>
  JSON.stringify(roles.map(({ role, scope }) => ({ role, scope })));

export const searchTextOf = (name: string, email: string | null): string =>
  normaliseForSearch(`${name} ${email ?? ''}`.trim());

/** Returns undefined if a person with this e-mail address exists. */
export const insertPerson = (
  db: CentralDatabase,
  { name, email, roles }: NewPerson,
  nowMs: number,
  id = newId(),
): Promise<PersonRow | undefined> =>
  db
    .insertInto('people')
    .values({
      id,
      name,
      email,
      disabled: 0,
      password: null,
      roles: formatRoles(roles),
      search_text: searchTextOf(name, email),
      created_at: nowMs,
      signed_in_at: null,
    })
    .onConflict(conflict => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();

export interface PersonChange {
  readonly name?: string | undefined;
  readonly disabled?: boolean | undefined;
  readonly roles?: readonly Assignment[] | undefined;
  /** The hash of the new password. */
  readonly password?: string | undefined;
}

export async function updatePerson(
  tx: CentralTransaction,
  { id, email }: Pick<PersonRow, 'id' | 'email'>,
  { name, disabled, roles, password }: PersonChange,
): Promise<void> {
  const values: Updateable<PeopleSchema['people']> = {
    ...(name === undefined ? {} : { name, search_text: searchTextOf(name, email) }),
    ...(disabled === undefined ? {} : { disabled: disabled ? 1 : 0 }),
    ...(roles === undefined ? {} : { roles: formatRoles(roles) }),
    ...(password === undefined ? {} : { password }),
  };
  if (Object.keys(values).length > 0)
    await tx.updateTable('people').set(values).where('id', '=', id).execute();
}

export const findPersonByEmail = (db: CentralDatabase, email: string): Promise<PersonRow | undefined> =>
  db.selectFrom('people').selectAll().where('email', '=', email).executeTakeFirst();

export interface PeopleQuery {
  readonly q?: string | undefined;
  /** People who have a role for this scope, themselves or through a group. */
  readonly scope?: Scope | undefined;
  /** The id of a group whose members are listed. */
  readonly group?: string | undefined;
  /**
   * Only people who have a role for one of these scopes, and the person whose whole e-mail address is `q`. Undefined: everyone.
   */
  readonly within?: readonly Scope[] | undefined;
  readonly limit: number;
  readonly after?: TextCursor | undefined;
}

/** Lists people by name. Returns one more than `limit` if there are more. */
export function listPeople(db: CentralDatabase, query: PeopleQuery): Promise<PersonRow[]> {
  const { scope, group, within, after, limit } = query;
  let select = db.selectFrom('people').selectAll();
  for (const word of searchWords(query.q))
    select = select.where(sql<boolean>`search_text like ${`%${escapeLike(word)}%`} escape '\\'`);
  if (scope !== undefined) select = select.where(builder => hasRoleFor(builder, [scope]));
  if (group !== undefined)
    select = select.where('id', 'in', ids =>
      ids.selectFrom('group_members').select('person_id').where('group_id', '=', group),
    );
  if (within !== undefined)
    select = select.where(builder =>
      builder.or([hasRoleFor(builder, within), builder('email', '=', (query.q ?? '').trim().toLowerCase())]),
    );
  if (after) select = select.where(sql<boolean>`(search_text, id) > (${after.text}, ${after.id})`);
  return select
    .orderBy('search_text')
    .orderBy('id')
    .limit(limit + 1)
    .execute();
}

function hasRoleFor(builder: ExpressionBuilder<PeopleSchema, 'people'>, scopes: readonly Scope[]) {
  const inGroups = builder
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.id', 'group_members.group_id')
    .select('group_members.person_id')
    .where(mentions('groups.roles', scopes));
  return builder.or([mentions('people.roles', scopes), builder('people.id', 'in', inGroups)]);
}

/** True for a list of roles with one for any of the scopes. */
const mentions = (column: 'people.roles' | 'groups.roles', scopes: readonly Scope[]) =>
  sql<SqlBool>`(${sql.join(
    scopes.map(
      scope => sql`${sql.ref(column)} like ${`%"scope":${escapeLike(JSON.stringify(scope))}%`} escape '\\'`,
    ),
    sql` or `,
  )})`;

const escapeLike = (word: string): string => word.replaceAll(/[\\%_]/g, '\\$&');

export interface PersonDetails {
  readonly groups: readonly { readonly id: string; readonly name: string; readonly roles: string }[];
  readonly providers: readonly string[];
  readonly invitedUntil: number | null;
}

/** Finds the groups, providers and invitations of people. */
export async function findDetails(
  db: CentralDatabase,
  people: readonly string[],
  nowMs: number,
): Promise<(person: string) => PersonDetails> {
  if (people.length === 0) return () => ({ groups: [], providers: [], invitedUntil: null });
  const groups = await db
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.id', 'group_members.group_id')
    .select(['group_members.person_id', 'groups.id', 'groups.name', 'groups.roles'])
    .distinct()
    .where('group_members.person_id', 'in', people)
    .orderBy('groups.name')
    .execute();
  const identities = await db
    .selectFrom('identities')
    .select(['person_id', 'provider'])
    .distinct()
    .where('person_id', 'in', people)
    .orderBy('provider')
    .execute();
  const links = await db
    .selectFrom('links')
    .select(['person_id', 'expires_at'])
    .where('person_id', 'in', people)
    .where('kind', '=', 'password')
    .where('used_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .execute();
  return person => ({
    groups: groups.filter(({ person_id }) => person_id === person),
    providers: identities.filter(({ person_id }) => person_id === person).map(({ provider }) => provider),
    invitedUntil: links.find(({ person_id }) => person_id === person)?.expires_at ?? null,
  });
}

/** Calls for groups and their members, and for the roles that are for one site. */
import * as z from 'zod';
import type { Authority } from '../../../kernel/access/authority.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { siteIdSchema } from '../../../protocol/base/ids.ts';
import { seriesRolesSchema } from '../../../protocol/catalogue/series.ts';
import { groupIdSchema } from '../../../protocol/people/audience.ts';
import {
  type Group,
  groupEditSchema,
  groupListSchema,
  groupNamesSchema,
  groupSchema,
  newGroupSchema,
  personIdSchema,
  siteRolesSchema,
} from '../../../protocol/people/people.ts';
import { type Scope, seriesIdSchema } from '../../../protocol/people/permissions.ts';
import { parseRoles } from '../../database/people/authority.ts';
import { notePeopleChange, notePeopleChanges } from '../../database/people/changes.ts';
import {
  addMember,
  deleteGroup,
  findGroup,
  insertGroup,
  type ListedGroup,
  listGroupNames,
  listGroups,
  listMemberIds,
  listRoleHolders,
  removeMember,
  updateGroup,
} from '../../database/people/groups.ts';
import type { GroupRow } from '../../database/people/tables.ts';
import type { CentralDatabase, CentralTransaction } from '../../database/schema.ts';
import { changePeople, changeRights } from '../../people/change.ts';
import { replaceRoles, requireAssignable, visibleRoles } from '../../people/rules.ts';
import { audit } from '../context/audit.ts';
import type { CentralContext } from '../context/context.ts';
import { rolesDetail } from './describe.ts';
import { requireKnownSites } from './people.ts';
import { requirePeopleManagement, requirePerson } from './target.ts';

const ofGroup = z.object({ id: groupIdSchema });
const ofMember = z.object({ id: groupIdSchema, person: personIdSchema });
const ofSite = z.object({ id: siteIdSchema });
const ofSeries = z.object({ id: seriesIdSchema });

const describe = (authority: Authority, { id, name, source, roles, members }: ListedGroup): Group => ({
  id,
  name,
  source,
  members,
  roles: [...visibleRoles(authority, parseRoles(roles))],
});

async function requireGroup(db: CentralDatabase, id: string): Promise<GroupRow> {
  const group = await findGroup(db, id);
  if (!group) throw problem('group-unknown');
  return group;
}

async function describeOne(db: CentralDatabase, authority: Authority, group: GroupRow): Promise<Group> {
  const { length } = await listMemberIds(db, group.id);
  return describe(authority, { ...group, members: length });
}

/** What members of parts know about every person in the group is out of date. */
async function noteMembers(tx: CentralTransaction, group: string, nowMs: number): Promise<void> {
  const people = await listMemberIds(tx, group);
  await notePeopleChanges(
    tx,
    people.map(person => ({ person })),
    nowMs,
  );
}

/** For the audit log. */
const detailOf = ({ name, roles }: GroupRow) => ({ name, roles: rolesDetail(parseRoles(roles)) });

const groupExists = (): Problem => problem('group-exists');

export function addGroupCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.get('/api/groups', { schema: { response: { 200: groupListSchema } } }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const authority = await requirePeopleManagement(request, context);
    return { groups: (await listGroups(db)).map(group => describe(authority, group)) };
  });

  app.get(
    '/api/group-names',
    {
      schema: {
        description: 'Lists all groups, for choosing who may watch a video.',
        response: { 200: groupNamesSchema },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return { groups: await listGroupNames(db) };
    },
  );

  app.post(
    '/api/groups',
    { schema: { body: newGroupSchema, response: { 201: groupSchema } } },
    async (request, reply) => {
      const authority = await requirePeopleManagement(request, context);
      const { name, roles = [] } = request.body;
      requireAssignable(authority, roles);
      await requireKnownSites(db, roles);
      const group = await changePeople(context, async (tx, nowMs) => {
        const created = await insertGroup(tx, { name, roles }, nowMs);
        if (!created) throw groupExists();
        const object = `group:${created.id}`;
        await audit(
          request,
          context,
          { action: 'group.create', object, after: { name, roles: rolesDetail(roles) } },
          tx,
        );
        return created;
      });
      return reply.code(201).send(describe(authority, { ...group, members: 0 }));
    },
  );

  app.patch(
    '/api/groups/:id',
    {
      schema: {
        description: 'Changes a group. `roles` replaces the roles for what the caller manages.',
        params: ofGroup,
        body: groupEditSchema,
        response: { 200: groupSchema },
      },
    },
    async request => {
      const { id } = request.params;
      const { name, roles: wanted } = request.body;
      const authority = await requirePeopleManagement(request, context, `group:${id}`);
      if (name !== undefined) await context.guard.require(request.raw, 'manage-people', {}, `group:${id}`);
      if (wanted !== undefined) await requireKnownSites(db, wanted);
      const group = await changeRights(context, async (tx, nowMs) => {
        const before = await requireGroup(tx, id);
        const roles =
          wanted === undefined ? undefined : replaceRoles(authority, parseRoles(before.roles), wanted);
        if (!(await updateGroup(tx, id, { name, roles }))) throw groupExists();
        if (roles !== undefined) await noteMembers(tx, id, nowMs);
        const after = await requireGroup(tx, id);
        await audit(
          request,
          context,
          { action: 'group.edit', object: `group:${id}`, before: detailOf(before), after: detailOf(after) },
          tx,
        );
        return after;
      });
      return describeOne(db, authority, group);
    },
  );

  app.delete('/api/groups/:id', { schema: { params: ofGroup } }, async (request, reply) => {
    const { id } = request.params;
    const authority = await requirePeopleManagement(request, context);
    await changeRights(context, async (tx, nowMs) => {
      const group = await requireGroup(tx, id);
      requireAssignable(authority, parseRoles(group.roles));
      await noteMembers(tx, id, nowMs);
      await deleteGroup(tx, id);
      const object = `group:${id}`;
      await audit(request, context, { action: 'group.delete', object, before: detailOf(group) }, tx);
    });
    return reply.code(204).send();
  });

  addMemberCalls(app, context);
  addScopedRolesCalls(app, context);
}

/** Being in a group gives its roles, so anyone who changes the members needs to have what the roles permit. */
function addMemberCalls(app: HttpServer, context: CentralContext): void {
  app.put(
    '/api/groups/:id/members/:person',
    { schema: { description: 'Adds a person to a group.', params: ofMember } },
    async (request, reply) => {
      const { id, person } = request.params;
      const authority = await requirePeopleManagement(request, context);
      await changePeople(context, async (tx, nowMs) => {
        const { roles } = await requireGroup(tx, id);
        requireAssignable(authority, parseRoles(roles));
        await requirePerson(tx, person);
        await addMember(tx, id, person);
        await notePeopleChange(tx, { person }, nowMs);
        const object = `group:${id}`;
        await audit(request, context, { action: 'group.edit', object, after: { added: person } }, tx);
      });
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/groups/:id/members/:person',
    { schema: { description: 'Removes a person who was added by hand from a group.', params: ofMember } },
    async (request, reply) => {
      const { id, person } = request.params;
      const authority = await requirePeopleManagement(request, context);
      await changeRights(context, async (tx, nowMs) => {
        const { roles } = await requireGroup(tx, id);
        requireAssignable(authority, parseRoles(roles));
        if (!(await removeMember(tx, id, person)))
          throw problem(
            'person-unknown',
            'This person was not added to the group by hand. Members from a provider can only be removed there.',
          );
        await notePeopleChange(tx, { person }, nowMs);
        const object = `group:${id}`;
        await audit(request, context, { action: 'group.edit', object, after: { removed: person } }, tx);
      });
      return reply.code(204).send();
    },
  );
}

function addScopedRolesCalls(app: HttpServer, context: CentralContext): void {
  const { db, guard } = context;
  app.get(
    '/api/sites/:id/roles',
    {
      schema: {
        description: 'Lists the people and groups with a role for this site.',
        params: ofSite,
        response: { 200: siteRolesSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return listRolesFor(db, { site: request.params.id });
    },
  );
  app.get(
    '/api/series/:id/roles',
    {
      schema: {
        description:
          'Lists the people and groups with a role for this series: who may add videos to it, edit and publish them.',
        params: ofSeries,
        response: { 200: seriesRolesSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params;
      await guard.require(request.raw, 'manage-people', { series: id }, `series:${id}`);
      return listRolesFor(db, { series: id });
    },
  );
}

/** People and groups with a role for exactly this scope. */
async function listRolesFor(
  db: CentralDatabase,
  wanted: Exclude<Scope, 'everything'>,
): Promise<z.output<typeof siteRolesSchema>> {
  const text = JSON.stringify(wanted);
  const format = ({ id, name, roles }: Pick<GroupRow, 'id' | 'name' | 'roles'>) => ({
    id,
    name,
    roles: parseRoles(roles).filter(({ scope }) => JSON.stringify(scope) === text),
  });
  const { people, groups } = await listRoleHolders(db, text);
  const formatAll = (rows: readonly Parameters<typeof format>[0][]) =>
    rows.map(format).filter(({ roles }) => roles.length > 0);
  return { people: formatAll(people), groups: formatAll(groups) };
}

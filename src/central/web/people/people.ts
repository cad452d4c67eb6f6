/** Calls for people: list, invite, change, and make one-time links. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { siteIdSchema } from '../../../protocol/base/ids.ts';
import { groupIdSchema } from '../../../protocol/people/audience.ts';
import {
  newLinkResponseSchema,
  newLinkSchema,
  newPersonResponseSchema,
  newPersonSchema,
  personEditSchema,
  personListSchema,
  personSchema,
} from '../../../protocol/people/people.ts';
import type { Assignment } from '../../../protocol/people/permissions.ts';
import { formatTextCursor, parseTextCursor } from '../../database/cursor.ts';
import { revokeApiTokens } from '../../database/people/api-tokens.ts';
import { parseRoles } from '../../database/people/authority.ts';
import { notePeopleChange } from '../../database/people/changes.ts';
import { deleteLinks } from '../../database/people/links.ts';
import { insertPerson, listPeople, updatePerson } from '../../database/people/people.ts';
import { endSessions } from '../../database/people/sessions.ts';
import type { PersonRow } from '../../database/people/tables.ts';
import type { CentralDatabase } from '../../database/schema.ts';
import { findMember } from '../../database/sites.ts';
import { changePeople, changeRights } from '../../people/change.ts';
import { addressOfLink, INVITATION_MS, localAccountsOff, makeLink } from '../../people/links.ts';
import {
  managedScopes,
  managesEveryone,
  replaceRoles,
  requireAssignable,
  requireControl,
} from '../../people/rules.ts';
import { audit } from '../context/audit.ts';
import { type CentralContext, formatTime } from '../context/context.ts';
import { describePeople, describePerson, rolesDetail } from './describe.ts';
import { centralUrlOf, ofPerson, requirePeopleManagement, requirePerson } from './target.ts';

const PAGE_ROWS = 100;
const listQuery = z.object({
  q: z.string().max(200).optional(),
  site: siteIdSchema.optional(),
  group: groupIdSchema.optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_ROWS).default(PAGE_ROWS),
  cursor: z.string().max(4_000).optional(),
});

/** @throws Problem 404 `site-unknown`: a role for an unknown site would have no effect */
export async function requireKnownSites(db: CentralDatabase, roles: readonly Assignment[]): Promise<void> {
  for (const { scope } of roles) {
    if (scope === 'everything' || !('site' in scope)) continue;
    if ((await findMember(db, scope.site))?.role !== 'site')
      throw problem('site-unknown', `There is no site ${scope.site}.`);
  }
}

/** For the audit log. */
const accountOf = ({ name, disabled }: PersonRow) => ({ name, disabled: disabled === 1 });

export function addPeopleCalls(app: HttpServer, context: CentralContext): void {
  const { db, guard } = context;

  app.get(
    '/api/people',
    {
      schema: {
        description:
          'Lists people by name. A caller who may manage people for some sites sees the people who have a role there, and anyone by their whole e-mail address.',
        querystring: listQuery,
        response: { 200: personListSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const authority = await requirePeopleManagement(request, context);
      const { q, site, group, limit, cursor } = request.query;
      if (site !== undefined) await guard.require(request.raw, 'manage-people', { site }, `site:${site}`);
      const found = await listPeople(db, {
        q,
        scope: site === undefined ? undefined : { site },
        group,
        within: managesEveryone(authority) ? undefined : managedScopes(authority),
        limit,
        after: cursor === undefined ? undefined : parseTextCursor(cursor),
      });
      const rows = found.slice(0, limit);
      const last = found.length > limit ? rows.at(-1) : undefined;
      return {
        people: await describePeople(db, authority, rows, q?.trim().toLowerCase()),
        ...(last ? { next: formatTextCursor({ text: last.search_text, id: last.id }) } : {}),
      };
    },
  );

  app.post(
    '/api/people',
    {
      schema: {
        description: 'Creates a person, and a link with which they choose a password.',
        body: newPersonSchema,
        response: { 201: newPersonResponseSchema },
      },
    },
    async (request, reply) => {
      const authority = await requirePeopleManagement(request, context);
      const { name, email } = request.body;
      const roles: readonly Assignment[] =
        request.body.roles ?? managedScopes(authority).map(scope => ({ role: 'viewer', scope }));
      if (roles.length === 0 && !managesEveryone(authority))
        throw problem('request-invalid', 'Give the person a role for a site that you manage.');
      requireAssignable(authority, roles);
      await requireKnownSites(db, roles);
      const { row, secret } = await changePeople(context, async (tx, nowMs) => {
        const created = await insertPerson(tx, { name, email, roles }, nowMs);
        if (!created) throw problem('person-exists');
        const link = await makeLink(
          tx,
          {
            kind: 'password',
            person: created.id,
            createdBy: authority.person?.id ?? null,
            lifetimeMs: INVITATION_MS,
          },
          nowMs,
        );
        const object = `person:${created.id}`;
        await audit(
          request,
          context,
          { action: 'person.create', object, after: { name, email, roles: rolesDetail(roles) } },
          tx,
        );
        return { row: created, secret: link.secret };
      });
      const person = await describePerson(db, authority, row);
      return reply
        .header('cache-control', 'no-store')
        .code(201)
        .send({ person, invitation: addressOfLink(centralUrlOf(request, context), secret) });
    },
  );

  addPersonCalls(app, context);
}

function addPersonCalls(app: HttpServer, context: CentralContext): void {
  const { db, guard } = context;

  app.get(
    '/api/people/:id',
    { schema: { params: ofPerson, response: { 200: personSchema } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params;
      const authority = await guard.authorityOf(request.raw);
      if (authority.person?.id !== id) await requirePeopleManagement(request, context, `person:${id}`);
      return describePerson(db, authority, { id });
    },
  );

  app.patch(
    '/api/people/:id',
    {
      schema: {
        description:
          'Changes a person. `roles` replaces the roles for what the caller manages. A disabled person loses all sessions, tokens and links.',
        params: ofPerson,
        body: personEditSchema,
        response: { 200: personSchema },
      },
    },
    async request => {
      const { id } = request.params;
      const { name, disabled, roles: wanted } = request.body;
      const authority = await requirePeopleManagement(request, context, `person:${id}`);
      if (wanted !== undefined) await requireKnownSites(db, wanted);
      const row = await changeRights(context, async (tx, nowMs) => {
        const { person, permissions } = await requirePerson(tx, id);
        if (name !== undefined || disabled !== undefined) requireControl(authority, permissions);
        const roles =
          wanted === undefined ? undefined : replaceRoles(authority, parseRoles(person.roles), wanted);
        await updatePerson(tx, person, { name, disabled, roles });
        if (disabled === true) {
          await endSessions(tx, { person: id }, nowMs);
          await revokeApiTokens(tx, { person: id }, nowMs);
          await deleteLinks(tx, id);
        }
        await notePeopleChange(tx, { person: id }, nowMs);
        const { person: changed } = await requirePerson(tx, id);
        if (name !== undefined || disabled !== undefined)
          await audit(
            request,
            context,
            {
              action: 'person.edit',
              object: `person:${id}`,
              before: accountOf(person),
              after: accountOf(changed),
            },
            tx,
          );
        if (roles !== undefined)
          await audit(
            request,
            context,
            {
              action: 'role.assign',
              object: `person:${id}`,
              before: rolesDetail(parseRoles(person.roles)),
              after: rolesDetail(roles),
            },
            tx,
          );
        return changed;
      });
      return describePerson(db, authority, row);
    },
  );

  addLinkCall(app, context);
}

function addLinkCall(app: HttpServer, context: CentralContext): void {
  app.post(
    '/api/people/:id/links',
    {
      schema: {
        description:
          'Creates a one-time link for a person: to choose a new password, or (operators only) to sign in once. Earlier links of the person end.',
        params: ofPerson,
        body: newLinkSchema,
        response: { 201: newLinkResponseSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { kind } = request.body;
      const authority =
        kind === 'sign-in'
          ? await context.guard.require(request.raw, 'everything', {}, `person:${id}`)
          : await requirePeopleManagement(request, context, `person:${id}`);
      if (kind === 'password' && !context.config.localAccounts) throw localAccountsOff();
      const { secret, expiresMs } = await changePeople(context, async (tx, nowMs) => {
        const { person, permissions } = await requirePerson(tx, id);
        requireControl(authority, permissions);
        if (person.disabled === 1)
          throw problem('request-invalid', 'This person is disabled. Enable the person first.');
        const link = await makeLink(tx, { kind, person: id, createdBy: authority.person?.id ?? null }, nowMs);
        await audit(request, context, { action: 'person.link', object: `person:${id}`, after: { kind } }, tx);
        return link;
      });
      return reply
        .header('cache-control', 'no-store')
        .code(201)
        .send({
          link: addressOfLink(centralUrlOf(request, context), secret),
          expiresAt: formatTime(expiresMs),
        });
    },
  );
}

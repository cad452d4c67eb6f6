/** The calls with which sites and trackers learn who a session or an API token belongs to. */
import { createHash } from 'node:crypto';
import { credentialInvalid } from '../../../kernel/access/credentials.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { problem } from '../../../kernel/problem.ts';
import { groupNamesSchema } from '../../../protocol/people/people.ts';
import {
  codeRequestSchema,
  endRequestSchema,
  personLookupResponseSchema,
  personLookupSchema,
  refreshRequestSchema,
  statementResponseSchema,
  tokenRequestSchema,
} from '../../../protocol/people/statements.ts';
import {
  findApiToken,
  findPersonId,
  findRights,
  listGroupNames,
  touch,
} from '../../database/people/authority.ts';
import { lockPeople } from '../../database/people/changes.ts';
import { endSessions } from '../../database/people/sessions.ts';
import { findSessionToEnd, redeemSignInCode } from '../../database/people/site-sessions.ts';
import type { SessionRow } from '../../database/people/tables.ts';
import { makeStatement, refreshStatement } from '../../people/statements.ts';
import { type CentralContext, requireMember, requireSite } from '../context/context.ts';

const response = { 200: statementResponseSchema };

export function addStatementCalls(app: HttpServer, context: CentralContext): void {
  addSigningCalls(app, context);
  addSignOutCall(app, context);
  addLookupCall(app, context);
}

function addSigningCalls(app: HttpServer, context: CentralContext): void {
  const { db, config } = context;
  const deps = { db, config, key: context.signer.key };

  app.post(
    '/api/statements/code',
    {
      schema: {
        description:
          'Redeems the one-time code of a sign-in and starts the session of the site (site, signed).',
        body: codeRequestSchema,
        response,
      },
    },
    async request => {
      const site = await requireSite(request, context);
      const { code, verifier } = request.body;
      const row = await redeemSignInCode(
        db,
        { codeHash: sha256Hex(code), challenge: challengeOf(verifier), site: site.id },
        Date.now(),
      );
      if (!row) throw problem('code-invalid');
      const statement = await makeStatement(deps, site, { kind: 'session', row });
      await noteSession(context, row, 'sign-in.success', `site:${site.id}`);
      return { statement };
    },
  );

  app.post(
    '/api/statements/token',
    {
      schema: {
        description: 'Says whose API token this is (site or tracker, signed).',
        body: tokenRequestSchema,
        response,
      },
    },
    async request => {
      const member = await requireMember(request, context, 'site', 'tracker');
      const nowMs = Date.now();
      const row = await findApiToken(db, request.body.hash, nowMs);
      if (!row) throw credentialInvalid();
      const statement = await makeStatement(deps, member, { kind: 'token', row });
      await touch(db, 'api_tokens', row, nowMs);
      return { statement };
    },
  );

  app.post(
    '/api/statements/refresh',
    {
      schema: {
        description: 'Returns the present statement about a session or API token (site or tracker, signed).',
        body: refreshRequestSchema,
        response,
      },
    },
    async request => {
      const member = await requireMember(request, context, 'site', 'tracker');
      return { statement: await refreshStatement(deps, member, request.body.credential) };
    },
  );
}

function addSignOutCall(app: HttpServer, context: CentralContext): void {
  const { db } = context;
  app.post(
    '/api/statements/end',
    {
      schema: {
        description: 'Ends the session of a person who has signed out (site, signed).',
        body: endRequestSchema,
      },
    },
    async (request, reply) => {
      const { id: site } = await requireSite(request, context);
      const { credential: id, everywhere } = request.body;
      const session = await findSessionToEnd(db, { id, site, everywhere });
      if (session !== undefined && (await end(context, session.id)))
        await noteSession(context, session, 'sign-out', `session:${session.id}`);
      return reply.code(204).send();
    },
  );
}

function addLookupCall(app: HttpServer, context: CentralContext): void {
  app.post(
    '/api/people/lookup',
    {
      schema: {
        description: 'Finds a person by id or e-mail address, to transfer a video to them (site, signed).',
        body: personLookupSchema,
        response: { 200: personLookupResponseSchema },
      },
    },
    async request => {
      await requireSite(request, context);
      const { body } = request;
      const id = 'person' in body ? body.person : await findPersonId(context.db, body.email);
      const found = id === undefined ? undefined : await findRights(context.db, id);
      if (!found) throw problem('person-unknown');
      return { id: found.person.id, name: found.person.name };
    },
  );

  app.get(
    '/api/groups/names',
    {
      schema: {
        description: 'Returns the names of all groups, to choose the audience of a video (site, signed).',
        response: { 200: groupNamesSchema },
      },
    },
    async request => {
      await requireSite(request, context);
      return { groups: await listGroupNames(context.db) };
    },
  );
}

/** @returns false if the session had ended before */
async function end({ db, changes }: CentralContext, session: string): Promise<boolean> {
  const ended = await db.transaction().execute(async tx => {
    await lockPeople(tx);
    return endSessions(tx, { ids: [session] }, Date.now());
  });
  changes.notify();
  return ended.length > 0;
}

async function noteSession(
  { db, audit }: CentralContext,
  { id, person_id, from_address }: SessionRow,
  action: 'sign-in.success' | 'sign-out',
  object: string,
): Promise<void> {
  const name = (await findRights(db, person_id))?.person.name;
  await audit.append({
    who: { kind: 'person', id: person_id, name, credential: id },
    from: from_address ?? undefined,
    action,
    object,
  });
}

/** RFC 7636, section 4.2: S256. */
const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

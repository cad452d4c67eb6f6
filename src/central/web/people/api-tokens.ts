/** Calls for the API tokens of a person. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { Authority } from '../../../kernel/access/authority.ts';
import { credentialInvalid } from '../../../kernel/access/credentials.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { problem } from '../../../kernel/problem.ts';
import { newId } from '../../../protocol/base/ids.ts';
import {
  holdsAll,
  intersectPermissions,
  isAllowed,
  isAllowedSomewhere,
} from '../../../protocol/people/decide.ts';
import {
  credentialIdSchema,
  newTokenResponseSchema,
  newTokenSchema,
  personIdSchema,
  tokenListSchema,
} from '../../../protocol/people/people.ts';
import type { HeldPermission } from '../../../protocol/people/permissions.ts';
import { insertApiToken, listApiTokens, revokeApiTokens } from '../../database/people/api-tokens.ts';
import { findApiTokenById, type PersonWithRights } from '../../database/people/authority.ts';
import type { ApiTokenRow } from '../../database/people/tables.ts';
import { changePeople } from '../../people/change.ts';
import { refused, requireControl } from '../../people/rules.ts';
import { audit } from '../context/audit.ts';
import { type CentralContext, formatTime, optionalTime } from '../context/context.ts';
import { permissionsDetail } from './describe.ts';
import { ofPerson, requireAccount, requirePerson, requireSelfOrControl } from './target.ts';

const MAX_TOKENS_PER_PERSON = 100;
const ofToken = z.object({ id: personIdSchema, token: credentialIdSchema });

type Wanted = z.output<typeof newTokenSchema>['permissions'];

/**
 * The permissions of a new token. The person, signed in, and operators make tokens that follow the rights of the person. Anyone
 * else who makes a token knows a secret of somebody else, or has a token with fewer rights themselves: such a token never permits
 * more than its maker may do now.
 *
 * @throws Problem 403 `not-permitted` for a permission that the token could not use
 */
function permissionsOfToken(
  authority: Authority,
  { person, permissions }: PersonWithRights,
  wanted: Wanted,
): readonly HeldPermission[] | null {
  const isSelf = authority.person?.id === person.id;
  const follows = (isSelf && authority.via === 'session') || isAllowed(authority, 'everything', {});
  const limit = follows ? permissions : intersectPermissions(permissions, authority.permissions);
  if (wanted === undefined) return follows ? null : limit;
  const holder = { permissions: limit };
  const listed = wanted.map(
    (one): HeldPermission => (typeof one === 'string' ? { permission: one, scope: 'everything' } : one),
  );
  for (const [index, one] of wanted.entries()) {
    const { permission } = listed[index] ?? { permission: 'everything' };
    const isHeld = typeof one === 'string' ? isAllowedSomewhere(holder, one) : holdsAll(holder, [one]);
    if (!isHeld) throw refused(`The token cannot have the permission "${permission}".`, permission);
  }
  return follows ? listed : intersectPermissions(listed, limit);
}

const describe = ({ id, name, permissions, ...times }: ApiTokenRow) => ({
  id,
  name,
  ...(permissions === null ? {} : { permissions: JSON.parse(permissions) as HeldPermission[] }),
  createdAt: formatTime(Number(times.created_at)),
  expiresAt: formatTime(Number(times.expires_at)),
  ...optionalTime('lastUsedAt', times.last_used_at),
});

export function addApiTokenCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.get(
    '/api/people/:id/tokens',
    { schema: { params: ofPerson, response: { 200: tokenListSchema } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params;
      await requireAccount(request, context, id);
      return { tokens: (await listApiTokens(db, id, Date.now())).map(describe) };
    },
  );

  app.post(
    '/api/people/:id/tokens',
    {
      schema: {
        description:
          'Creates an API token, which is shown once. If someone other than the person or an operator creates it, it has at most the permissions that both have now.',
        params: ofPerson,
        body: newTokenSchema,
        response: { 201: newTokenResponseSchema },
      },
    },
    async (request, reply) => {
      const { id: person } = request.params;
      const { name, expiresInS, permissions: wanted } = request.body;
      const { authority, isSelf } = await requireSelfOrControl(request, context, person);
      const id = newId();
      const token = `trib_${randomBytes(32).toString('base64url')}`;
      await changePeople(context, async (tx, nowMs) => {
        const target = await requirePerson(tx, person);
        if (!isSelf) requireControl(authority, target.permissions);
        if (target.person.disabled === 1)
          throw problem('request-invalid', 'This person is disabled. Enable the person first.');
        if ((await listApiTokens(tx, person, nowMs)).length >= MAX_TOKENS_PER_PERSON)
          throw problem(
            'request-invalid',
            `A person has at most ${MAX_TOKENS_PER_PERSON} tokens. Revoke one first.`,
          );
        // A token cannot prolong itself.
        const parent = authority.via === 'token' && isSelf ? authority.credential : undefined;
        if (parent && !(await findApiTokenById(tx, parent.id, nowMs))) throw credentialInvalid();
        const expiresMs = Math.min(nowMs + expiresInS * 1_000, parent?.expiresMs ?? Number.POSITIVE_INFINITY);
        const permissions = permissionsOfToken(authority, target, wanted);
        await insertApiToken(
          tx,
          { id, person, name, secretHash: sha256Hex(token), permissions, parent: parent?.id, expiresMs },
          nowMs,
        );
        const after = {
          person,
          name,
          permissions: permissionsDetail(permissions),
          expiresAt: formatTime(expiresMs),
        };
        await audit(request, context, { action: 'token.create', object: `token:${id}`, after }, tx);
      });
      return reply.header('cache-control', 'no-store').code(201).send({ id, token });
    },
  );

  app.delete(
    '/api/people/:id/tokens/:token',
    {
      schema: {
        description: 'Revokes an API token, and those that it has created for the same person.',
        params: ofToken,
      },
    },
    async (request, reply) => {
      const { id, token } = request.params;
      const { credential } = await context.guard.authorityOf(request.raw);
      // A token may always end itself.
      await (credential?.id === token ? requireSelfOrControl : requireAccount)(request, context, id);
      await changePeople(context, async (tx, nowMs) => {
        if ((await revokeApiTokens(tx, { person: id, only: token }, nowMs)) === 0)
          throw problem('credential-unknown');
        const before = { person: id };
        await audit(request, context, { action: 'token.revoke', object: `token:${token}`, before }, tx);
      });
      return reply.code(204).send();
    },
  );
}

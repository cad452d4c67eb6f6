/** Whom a call concerns, and whether the caller may act for that person. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Authority } from '../../../kernel/access/authority.ts';
import { problem } from '../../../kernel/problem.ts';
import { isAllowedSomewhere } from '../../../protocol/people/decide.ts';
import { personIdSchema } from '../../../protocol/people/people.ts';
import { findPerson, type PersonWithRights } from '../../database/people/authority.ts';
import type { CentralDatabase } from '../../database/schema.ts';
import { requireAllRights, requireControl } from '../../people/rules.ts';
import type { CentralContext } from '../context/context.ts';

export const ofPerson = z.object({ id: personIdSchema });

export const centralUrlOf = (request: FastifyRequest, { config }: CentralContext): string =>
  config.baseUrl ?? `${request.protocol}://${request.host}`;

/**
 * The caller, who may manage people for something.
 *
 * @throws Problem 401 `sign-in-needed`, 403 `not-permitted`
 */
export async function requirePeopleManagement(
  request: FastifyRequest,
  { guard }: CentralContext,
  object?: string,
): Promise<Authority> {
  const authority = await guard.authorityOf(request.raw);
  if (isAllowedSomewhere(authority, 'manage-people')) return authority;
  return guard.require(request.raw, 'manage-people', {}, object);
}

/** @throws Problem 404 `person-unknown` */
export async function requirePerson(db: CentralDatabase, id: string): Promise<PersonWithRights> {
  const found = await findPerson(db, id);
  if (!found) throw problem('person-unknown');
  return found;
}

/**
 * The caller is this person, or may act for this person.
 *
 * @throws Problem 401 `sign-in-needed`; 403 `not-permitted`; 404 `person-unknown`
 */
export async function requireSelfOrControl(
  request: FastifyRequest,
  context: CentralContext,
  id: string,
): Promise<{ readonly authority: Authority; readonly target: PersonWithRights; readonly isSelf: boolean }> {
  const authority = await context.guard.authorityOf(request.raw);
  const isSelf = authority.person?.id === id;
  if (!isSelf) await requirePeopleManagement(request, context, `person:${id}`);
  const target = await requirePerson(context.db, id);
  if (!isSelf) requireControl(authority, target.permissions);
  return { authority, target, isSelf };
}

/**
 * The same, for calls that concern all sessions and tokens: a token that is limited to some permissions of its person neither sees
 * nor ends others that permit more.
 *
 * @throws Problem like `requireSelfOrControl`
 */
export async function requireAccount(
  ...[request, context, id]: Parameters<typeof requireSelfOrControl>
): ReturnType<typeof requireSelfOrControl> {
  const found = await requireSelfOrControl(request, context, id);
  if (found.isSelf && found.authority.via === 'token')
    requireAllRights(found.authority, found.target.permissions);
  return found;
}

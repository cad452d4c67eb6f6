/** Makes statements for one member: whose a session or token is, and what this person may do there (docs/people.md). */
import { credentialInvalid } from '../../kernel/access/credentials.ts';
import { signStatement } from '../../kernel/access/statements.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import type { HeldPermission, Scope } from '../../protocol/people/permissions.ts';
import type { CentralConfig } from '../config.ts';
import { readFeedPosition } from '../database/feed.ts';
import { findApiTokenById, findRights, rightsOfToken, touch } from '../database/people/authority.ts';
import { findSiteSession, touchSiteSession } from '../database/people/site-sessions.ts';
import type { ApiTokenRow, SessionRow } from '../database/people/tables.ts';
import { type CentralDatabase, isSite, type MemberRow } from '../database/schema.ts';

export interface StatementDeps {
  readonly db: CentralDatabase;
  readonly config: Pick<CentralConfig, 'siteSessionLifetime' | 'sessionIdle'>;
  readonly key: KeyPair;
}

export type KnownCredential =
  | { readonly kind: 'session'; readonly row: SessionRow }
  | { readonly kind: 'token'; readonly row: ApiTokenRow };

/** @throws Problem 401 `credential-invalid` if the person is disabled */
export async function makeStatement(
  { db, config, key }: StatementDeps,
  member: MemberRow,
  { kind, row }: KnownCredential,
): Promise<string> {
  // The position is read first, so that the statement contains every change up to it.
  const position = await readFeedPosition(db);
  const rights = await findRights(db, row.person_id);
  if (!rights) throw credentialInvalid();
  const { person, groups, permissions } = kind === 'token' ? rightsOfToken(row, rights) : rights;
  const nowMs = Date.now();
  const untilMs = Number(row.expires_at);
  return signStatement(key, {
    aud: member.id,
    sub: person.id,
    name: person.name,
    email: person.email ?? undefined,
    credential: row.id,
    kind,
    permissions: permissionsAt(member, permissions),
    groups: [...groups],
    position,
    iat: Math.floor(nowMs / 1_000),
    exp: Math.floor(Math.min(nowMs + config.siteSessionLifetime, untilMs) / 1_000),
    until: Math.floor(untilMs / 1_000),
    idle: kind === 'session' ? Math.ceil(config.sessionIdle / 1_000) : undefined,
  });
}

/**
 * The present statement about a credential that a member knows.
 *
 * @throws Problem 401 `credential-invalid` if it has ended, or is the session of another site
 */
export async function refreshStatement(
  deps: StatementDeps,
  member: MemberRow,
  credential: string,
): Promise<string> {
  const { db, config } = deps;
  const nowMs = Date.now();
  const session = isSite(member) ? await findSiteSession(db, credential, member.id, nowMs) : undefined;
  if (session) {
    const statement = await makeStatement(deps, member, { kind: 'session', row: session });
    await touchSiteSession(db, session, config.sessionIdle, nowMs);
    return statement;
  }
  const token = await findApiTokenById(db, credential, nowMs);
  if (!token) throw credentialInvalid();
  const statement = await makeStatement(deps, member, { kind: 'token', row: token });
  await touch(db, 'api_tokens', token, nowMs);
  return statement;
}

/** A member receives only the permissions that apply at it, so a compromised site can use none of them elsewhere. */
const permissionsAt = (
  { role, id }: Pick<MemberRow, 'role' | 'id'>,
  permissions: readonly HeldPermission[],
): HeldPermission[] =>
  permissions.filter(({ scope }) => scope === 'everything' || (role === 'site' && appliesAt(scope, id)));

const appliesAt = (scope: Exclude<Scope, 'everything'>, site: string): boolean =>
  'series' in scope || scope.site === site;

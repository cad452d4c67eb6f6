/** Starts and ends sessions at central. The secret of a session exists only in the cookie; the database has its hash. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type CredentialOptions,
  findCredential,
  formatSessionCookie,
} from '../../kernel/access/credentials.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { Problem, problem } from '../../kernel/problem.ts';
import { newId } from '../../protocol/base/ids.ts';
import type { Audit } from '../audit/audit.ts';
import type { CentralConfig } from '../config.ts';
import { findPerson } from '../database/people/authority.ts';
import { lockPeople } from '../database/people/changes.ts';
import {
  type EndedSession,
  endSessions,
  insertSession,
  listExcessSessions,
  type SessionsToEnd,
} from '../database/people/sessions.ts';
import type { CentralDatabase } from '../database/schema.ts';

export interface SessionDeps {
  readonly db: CentralDatabase;
  readonly config: Pick<CentralConfig, 'sessionLifetime' | 'trustedProxies'>;
  readonly credentials: CredentialOptions;
  readonly changes: { notify(): void };
  readonly audit: Audit;
}

export interface SessionStart {
  /** The id of the person. */
  readonly person: string;
  /** How the person proved who they are, for the audit log: `password`, `link`, `demo`, or the name of a provider. */
  readonly how: string;
}

const MAX_USER_AGENT_CHARACTERS = 300;

/**
 * Signs the person in: a new session with a new secret, so that a cookie that somebody planted before is worth nothing
 * (session fixation). The session that this browser had until now ends. Returns the id of the session.
 *
 * @throws Problem 403 `sign-in-refused` if the person is unknown or disabled
 */
export async function startSession(
  deps: SessionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  { person, how }: SessionStart,
): Promise<string> {
  const { db, config, credentials, audit } = deps;
  const id = newId();
  const secret = randomBytes(32).toString('base64url');
  const nowMs = Date.now();
  const from = requestAddress(request.raw, config.trustedProxies);
  await end(deps, [
    ...(await listExcessSessions(db, person)).map(excess => ({ ids: [excess] })),
    ...cookieOf(request.raw, credentials),
  ]);
  await db.transaction().execute(async tx => {
    const name = await insertSession(
      tx,
      {
        id,
        person_id: person,
        secret_hash: sha256Hex(secret),
        expires_at: nowMs + config.sessionLifetime,
        from_address: from,
        user_agent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT_CHARACTERS) ?? null,
      },
      nowMs,
    );
    if (name === undefined) throw problem('sign-in-refused');
    const who = { kind: 'person', id: person, name, credential: id } as const;
    await audit.append(
      { who, from, action: 'sign-in.success', object: `person:${person}`, after: { how } },
      tx,
    );
  });
  if (credentials.cookie !== undefined)
    reply.header(
      'set-cookie',
      formatSessionCookie(credentials.cookie, secret, config.sessionLifetime / 1_000),
    );
  reply.header('cache-control', 'no-store');
  return id;
}

/** Ends the session of this browser, if it has one, and removes the cookie. */
export async function endSession(
  deps: SessionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { db, config, credentials, audit } = deps;
  for (const { id, person_id, site_id } of await end(deps, cookieOf(request.raw, credentials))) {
    if (site_id !== null) continue;
    const name = (await findPerson(db, person_id))?.person.name;
    await audit.append({
      who: { kind: 'person', id: person_id, name, credential: id },
      from: requestAddress(request.raw, config.trustedProxies),
      action: 'sign-out',
      object: `session:${id}`,
    });
  }
  if (credentials.cookie !== undefined)
    reply.header('set-cookie', formatSessionCookie(credentials.cookie, undefined));
}

async function end(
  { db, changes }: SessionDeps,
  which: readonly SessionsToEnd[],
): Promise<readonly EndedSession[]> {
  if (which.length === 0) return [];
  const ended = await db.transaction().execute(async tx => {
    await lockPeople(tx);
    const all: EndedSession[] = [];
    for (const each of which) all.push(...(await endSessions(tx, each, Date.now())));
    return all;
  });
  changes.notify();
  return ended;
}

/** The session whose cookie a request presents, whatever else it presents. */
function cookieOf(
  { headers: { cookie } }: IncomingMessage,
  credentials: CredentialOptions,
): readonly { readonly secretHash: string }[] {
  try {
    const credential = findCredential({ headers: { cookie } }, credentials);
    return credential.kind === 'session' ? [{ secretHash: credential.hash }] : [];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

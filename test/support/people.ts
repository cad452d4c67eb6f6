/** People, sessions and API tokens, written into the database of a central as its own calls write them. */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { CentralDatabase } from '../../src/central/database/schema.ts';
import { sessionCookieName } from '../../src/kernel/access/credentials.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import type { Assignment, HeldPermission } from '../../src/protocol/people/permissions.ts';

const HOUR_MS = 3_600_000;

/** @returns the id of the person */
export async function insertPerson(
  db: CentralDatabase,
  { name = 'Li Na', roles = [] }: { readonly name?: string; readonly roles?: readonly Assignment[] } = {},
): Promise<string> {
  const id = v7();
  await db
    .insertInto('people')
    .values({
      id,
      name,
      email: `${id}@example.edu`,
      disabled: 0,
      password: null,
      roles: JSON.stringify(roles),
      search_text: name.toLowerCase(),
      created_at: Date.now(),
      signed_in_at: null,
    })
    .execute();
  return id;
}

export interface TestCredential {
  readonly id: string;
  /** Headers of a request with this credential. */
  readonly headers: Readonly<Record<string, string>>;
}

export async function insertSession(
  db: CentralDatabase,
  person: string,
  lifetimeMs = HOUR_MS,
): Promise<TestCredential> {
  const id = v7();
  const secret = randomBytes(32).toString('base64url');
  await db
    .insertInto('sessions')
    .values({
      id,
      person_id: person,
      secret_hash: sha256Hex(secret),
      parent_id: null,
      site_id: null,
      created_at: Date.now(),
      last_used_at: Date.now(),
      expires_at: Date.now() + lifetimeMs,
      revoked_at: null,
      from_address: '127.0.0.1',
      user_agent: null,
    })
    .execute();
  return { id, headers: { cookie: `${sessionCookieName('central')}=${secret}` } };
}

export async function insertToken(
  db: CentralDatabase,
  person: string,
  {
    permissions,
    lifetimeMs = HOUR_MS,
  }: { readonly permissions?: readonly HeldPermission[]; readonly lifetimeMs?: number } = {},
): Promise<TestCredential & { readonly token: string; readonly hash: string }> {
  const id = v7();
  const token = `trib_${randomBytes(32).toString('base64url')}`;
  const hash = sha256Hex(token);
  await db
    .insertInto('api_tokens')
    .values({
      id,
      person_id: person,
      name: 'script',
      secret_hash: hash,
      permissions: permissions ? JSON.stringify(permissions) : null,
      created_at: Date.now(),
      expires_at: Date.now() + lifetimeMs,
      last_used_at: null,
      revoked_at: null,
    })
    .execute();
  return { id, token, hash, headers: { authorization: `Bearer ${token}` } };
}

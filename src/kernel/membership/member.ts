/** The identity of a member (a site or a tracker): its own key, and the membership that central returned when it joined. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type JoinResponse, joinResponseSchema } from '../../protocol/central.ts';
import { writeDurably } from '../files.ts';
import { call, type Signer } from '../http/client.ts';
import { type KeyPair, readOrMakeKey } from '../identity/keys.ts';
import { problem } from '../problem.ts';

const JOIN_TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 64 * 1024;

const membershipSchema = z.object({ centralUrl: z.string(), ...joinResponseSchema.shape });
export type Membership = JoinResponse & { readonly centralUrl: string };

export interface MemberIdentity {
  readonly key: KeyPair;
  readonly membership: Membership | undefined;
}

/** The file in which a member stores its key. */
export const keyPath = (directory: string): string => join(directory, 'member.key');

const membershipPath = (directory: string): string => join(directory, 'member.json');

/** Reads this member's key (created at the first start) and, if it has joined, its membership. */
export async function readIdentity(directory: string): Promise<MemberIdentity> {
  await mkdir(directory, { recursive: true });
  const key = await readOrMakeKey(keyPath(directory));
  const path = membershipPath(directory);
  const membership = existsSync(path)
    ? (membershipSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) as Membership)
    : undefined;
  return { key, membership };
}

export interface JoinParameters {
  readonly directory: string;
  readonly key: KeyPair;
  readonly centralUrl: string;
  readonly joinToken: string;
  readonly role: JoinResponse['role'];
}

/**
 * Enrols `key` with the one-time join token. The request is signed with that key, to prove that this member holds it.
 *
 * @throws Problem that central reported, for example 401 `join-token-expired`, or 409 `join-role-mismatch`.
 */
export async function joinCentral({
  directory,
  key,
  centralUrl,
  joinToken,
  role,
}: JoinParameters): Promise<Membership> {
  const joined = await call(`${centralUrl}/api/join`, {
    method: 'POST',
    body: { joinToken, publicKey: key.publicKey },
    signer: { key, keyId: 'join' },
    timeoutMs: JOIN_TIMEOUT_MS,
    maxBytes: MAX_RESPONSE_BYTES,
    response: joinResponseSchema,
  });
  if (joined.role !== role) {
    throw problem('join-role-mismatch', `This join token is for a ${joined.role}, but this is a ${role}.`);
  }
  const membership: Membership = { centralUrl, ...joined };
  await writeDurably(membershipPath(directory), `${JSON.stringify(membership, null, 2)}\n`);
  return membership;
}

export const signerOf = (key: KeyPair, membership: Membership): Signer => ({ key, keyId: membership.id });

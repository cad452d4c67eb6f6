/** The identity of a member (a site or a tracker): its own key, and the membership that central returned when it joined. */
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type JoinResponse, joinResponseSchema } from '../../protocol/central.ts';
import { openPrivateDirectory, renameDurably, writeDurably } from '../files.ts';
import { call, type Signer } from '../http/client.ts';
import { type KeyPair, readOrMakeKey, sha256Hex } from '../identity/keys.ts';
import { makeDataDirectory } from '../lifecycle/data-directory.ts';
import type { Log } from '../log.ts';
import { Problem, problem } from '../problem.ts';

const JOIN_TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 64 * 1024;

const membershipSchema = z.object({
  centralUrl: z.string(),
  ...joinResponseSchema.shape,
  joinTokenHash: z.string().optional(),
  publicKey: z.string().optional(),
});
export type Membership = JoinResponse & {
  readonly centralUrl: string;
  /** Hash of the last join token that was used or refused. Absent: an earlier version wrote this membership. */
  readonly joinTokenHash?: string | undefined;
  /** The public half of the key that is enrolled. */
  readonly publicKey?: string | undefined;
};

export interface MemberIdentity {
  readonly key: KeyPair;
  readonly membership: Membership | undefined;
}

/** The file in which a member stores its key. */
export const keyPath = (directory: string): string => join(directory, 'member.key');

const membershipPath = (directory: string): string => join(directory, 'member.json');

/** The file of a new key until central has enrolled it. Its name contains the hash of the join token. */
const newKeyPath = (directory: string, joinTokenHash: string): string =>
  `${keyPath(directory)}.${joinTokenHash.slice(0, 16)}`;

/** Reads this member's key (created at the first start) and, if it has joined, its membership. */
export async function readIdentity(directory: string): Promise<MemberIdentity> {
  await makeDataDirectory(directory);
  await openPrivateDirectory(directory);
  const key = await readOrMakeKey(keyPath(directory));
  const path = membershipPath(directory);
  if (!existsSync(path)) return { key, membership: undefined };
  const membership = membershipSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) as Membership;
  const { joinTokenHash = '', publicKey = key.publicKey } = membership;
  if (publicKey === key.publicKey || !existsSync(newKeyPath(directory, joinTokenHash))) {
    return { key, membership };
  }
  // The process ended after central had enrolled the new key.
  return { key: await adoptKey(directory, joinTokenHash), membership };
}

async function adoptKey(directory: string, joinTokenHash: string): Promise<KeyPair> {
  await renameDurably(newKeyPath(directory, joinTokenHash), keyPath(directory));
  return readOrMakeKey(keyPath(directory));
}

/** True if `joinToken` is new to this member: then it must join, even if it has joined before. */
const hasNewToken = ({ membership }: MemberIdentity, joinToken: string): boolean =>
  membership?.joinTokenHash !== sha256Hex(joinToken);

export interface JoinParameters {
  readonly directory: string;
  readonly centralUrl: string;
  readonly joinToken: string;
  readonly role: JoinResponse['role'];
}

/**
 * Joins with the one-time join token. Each token enrols a new key, so that joining again replaces a key that has leaked. The request
 * is signed with the new key, to prove that this member holds it.
 *
 * @throws Problem that central reported, for example 401 `join-token-expired`, or 409 `join-role-mismatch`.
 */
async function joinCentral({
  directory,
  centralUrl,
  joinToken,
  role,
}: JoinParameters): Promise<MemberIdentity> {
  const joinTokenHash = sha256Hex(joinToken);
  // The file remains until central has responded, because a token enrols only one key.
  const key = await readOrMakeKey(newKeyPath(directory, joinTokenHash));
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
  const membership: Membership = { centralUrl, ...joined, joinTokenHash, publicKey: key.publicKey };
  await writeMembership(directory, membership);
  return { key: await adoptKey(directory, joinTokenHash), membership };
}

const REFUSALS: readonly string[] = [
  'join-token-missing',
  'join-token-unknown',
  'join-token-expired',
  'join-token-used',
  'join-role-mismatch',
];

/** True if there is no join token, or central refused it for good: trying again is useless until an operator acts. */
export const isJoinRefused = (error: unknown): error is Problem =>
  error instanceof Problem && REFUSALS.includes(error.code);

/** Why a member without a membership and a join token cannot join. */
export const joinTokenMissing = (): Problem =>
  problem(
    'join-token-missing',
    'No joinToken is configured. Create a join token on the admin page of central, set joinToken, and restart this part.',
  );

/**
 * Joins again if `joinToken` is new. If central refuses the token, which may be that of an earlier version's first start, the member
 * keeps its membership and does not try the token again.
 *
 * @throws Problem as `joinCentral` does, if this member has no membership to keep or central did not decide
 */
export async function joinIfNeeded(
  identity: MemberIdentity,
  parameters: JoinParameters,
  log: Log,
): Promise<MemberIdentity> {
  const { directory, centralUrl, joinToken } = parameters;
  if (!hasNewToken(identity, joinToken)) return identity;
  try {
    const joined = await joinCentral(parameters);
    log.info({ member: joined.membership?.id, central: centralUrl }, 'joined');
    return joined;
  } catch (error) {
    const { membership } = identity;
    if (!membership || !isJoinRefused(error)) throw error;
    log.warn(
      { reason: error.message },
      'the join token was refused, so this member keeps its membership; remove joinToken from the configuration',
    );
    const joinTokenHash = sha256Hex(joinToken);
    const kept: Membership = { ...membership, joinTokenHash };
    await writeMembership(directory, kept);
    await rm(newKeyPath(directory, joinTokenHash), { force: true });
    return { ...identity, membership: kept };
  }
}

const writeMembership = (directory: string, membership: Membership): Promise<void> =>
  writeDurably(membershipPath(directory), `${JSON.stringify(membership, null, 2)}\n`, 0o600);

/** Stores the name and base URL that an operator gave this member at central. */
export async function updateMembership(
  directory: string,
  identity: MemberIdentity,
  settings: Pick<Membership, 'name' | 'baseUrl'>,
): Promise<MemberIdentity> {
  const { membership } = identity;
  if (!membership || (membership.name === settings.name && membership.baseUrl === settings.baseUrl)) {
    return identity;
  }
  const updated: Membership = { ...membership, ...settings };
  await writeMembership(directory, updated);
  return { ...identity, membership: updated };
}

export const signerOf = (key: KeyPair, membership: Membership): Signer => ({ key, keyId: membership.id });

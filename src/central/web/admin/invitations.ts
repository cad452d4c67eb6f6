/** Join tokens. A token is shown once, enrols one key, expires after half an hour, and is stored as a hash. */
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import type { Invitation } from '../../database/sites.ts';
import type { CentralContext } from '../context/context.ts';

const LIFETIME_MS = 30 * 60 * 1_000;

export function makeInvitation(nowMs: number): {
  readonly joinToken: string;
  readonly invitation: Invitation;
} {
  const joinToken = randomBytes(32).toString('base64url');
  return { joinToken, invitation: { tokenHash: sha256Hex(joinToken), expiresAt: nowMs + LIFETIME_MS } };
}

/** What the new member needs in order to join. */
export const describeInvitation = (
  joinToken: string,
  { config }: CentralContext,
): { readonly joinToken: string; readonly central?: string } => ({
  joinToken,
  ...(config.baseUrl === undefined ? {} : { central: config.baseUrl }),
});

/** Join tokens: shown once, good for one key and half an hour, kept hashed. */
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import type { Invitation } from '../../database/sites.ts';

const LIFETIME_MS = 30 * 60 * 1_000;

export function makeInvitation(nowMs: number): {
  readonly joinToken: string;
  readonly invitation: Invitation;
} {
  const joinToken = randomBytes(32).toString('base64url');
  return { joinToken, invitation: { tokenHash: sha256Hex(joinToken), expiresAt: nowMs + LIFETIME_MS } };
}

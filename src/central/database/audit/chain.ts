/**
 * The hashes and proofs of the audit log. Everyone can check the hashes, which chain the entries. Only a holder of central's key can
 * make the proofs, so that a chain that was computed again without the key is detected.
 */
import { createHmac } from 'node:crypto';
import { type KeyPair, sha256Hex } from '../../../kernel/identity/keys.ts';
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import type { AuditEntry } from '../../../protocol/people/audit.ts';

/** The position of an entry in the chain. `seq` 0 is the position before the first entry. */
export interface Position {
  readonly seq: number;
  readonly hash: string;
}

/** Makes proofs. All centrals on one database have the same key. */
export interface Prover {
  /** The proof of an entry. */
  entry(position: Position): string;
  /** The proof that this was once the last entry. */
  end(position: Position): string;
  /** The proof that the retention has removed everything up to this entry. */
  removed(position: Position): string;
}

/** An Ed25519 signature is deterministic, so the key can be derived from one that nobody else gets to see. */
const AUDIT = 'tributary central: proofs of the audit log';

export function createProver(key: Pick<KeyPair, 'sign'>): Prover {
  const secret = Buffer.from(sha256Hex(key.sign(AUDIT)), 'hex');
  const prove =
    (purpose: string) =>
    ({ seq, hash }: Position): string =>
      createHmac('sha256', secret).update(`${purpose} ${seq} ${hash}`).digest('base64url');
  return { entry: prove('entry'), end: prove('end'), removed: prove('removed') };
}

export const bodyOf = (entry: Omit<AuditEntry, 'hash'>): string => canonicalJson(entry);

export const hashOf = (previous: string, body: string): string => sha256Hex(`${previous}\n${body}`);

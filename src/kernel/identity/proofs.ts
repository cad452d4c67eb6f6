/**
 * Proofs of origin: the SHA-256 of a whole file (RFC 9530, `Repr-Digest`), signed together with the path of the file by the
 * site that made it (RFC 9421, Ed25519). A buffer passes the proof on with the bytes, so a receiver can check the bytes of any
 * holder, and a holder that alters bytes gains nothing. There is one profile without options. The signature does not expire,
 * because the path names a revision, and the bytes of a revision never change.
 */
import { webcrypto } from 'node:crypto';
import { type KeyPair, type PublicKey, verifySignature } from './keys.ts';

export interface Proof {
  /** SHA-256 of the whole file, base64. */
  readonly sha256: string;
  /** The public key of the signer. The reader decides whether it is the expected one. */
  readonly key: PublicKey;
  /** The Ed25519 signature, base64. */
  readonly signature: string;
}

const DIGEST = /^sha-256=:([A-Za-z0-9+/]{43}=):$/;
const INPUT = /^bytes=\("@path";req "repr-digest"\);keyid="([A-Za-z0-9_-]{43})";alg="ed25519"$/;
const SIGNATURE = /^bytes=:([A-Za-z0-9+/]{86}==):$/;

const formatDigest = (sha256: string): string => `sha-256=:${sha256}:`;
const formatParameters = (key: PublicKey): string =>
  `("@path";req "repr-digest");keyid="${key}";alg="ed25519"`;

/** The signature base (RFC 9421, section 2.5). `;req` says that the path is part of the request (section 2.4). */
const signatureBase = (path: string, sha256: string, key: PublicKey): string =>
  [
    `"@path";req: ${path}`,
    `"repr-digest": ${formatDigest(sha256)}`,
    `"@signature-params": ${formatParameters(key)}`,
  ].join('\n');

export function signBytes(key: KeyPair, path: string, sha256: string): Proof {
  const signature = key.sign(signatureBase(path, sha256, key.publicKey)).toString('base64');
  return { sha256, key: key.publicKey, signature };
}

/** True if the key that the proof names made the signature. */
export const isSigned = (path: string, { sha256, key, signature }: Proof): boolean =>
  verifySignature(key, signatureBase(path, sha256, key), Buffer.from(signature, 'base64'));

export const formatProof = ({ sha256, key, signature }: Proof): string[] => [
  'Repr-Digest',
  formatDigest(sha256),
  'Signature-Input',
  `bytes=${formatParameters(key)}`,
  'Signature',
  `bytes=:${signature}:`,
];

/** Parses a proof from response headers. Returns undefined if there is none, or none of exactly this form. */
export function parseProof(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Proof | undefined {
  const [, sha256] = DIGEST.exec(String(headers['repr-digest'] ?? '')) ?? [];
  const [, key] = INPUT.exec(String(headers['signature-input'] ?? '')) ?? [];
  const [, signature] = SIGNATURE.exec(String(headers.signature ?? '')) ?? [];
  return sha256 && key && signature ? { sha256, key, signature } : undefined;
}

/** Computes a SHA-256 off the main thread, because 2 MB take 1–2 ms. */
export const sha256Base64 = async (bytes: Buffer): Promise<string> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('base64');

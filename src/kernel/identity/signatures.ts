/**
 * HTTP Message Signatures (RFC 9421) with Ed25519 and Content-Digest (RFC 9530), by which members and central authenticate.
 *
 * There is one profile without options: the signature is labelled `sig`, and covers `@method`, `@authority`, `@path`, `@query`
 * and `content-digest`, in this order, with `created`, `expires` (at most 60 s later), `nonce`, `keyid` and `alg`. Any other
 * form is rejected, so an attacker has nothing to negotiate.
 *
 * `@authority` binds the request to its recipient: the recipient compares it with the authorities that its own settings name. The
 * Host header of the request is not used, because the sender of a replayed request chooses it, and a proxy may rewrite it.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ProblemCode } from '../../protocol/problems.ts';
import { type KeyPair, type PublicKey, verifySignature } from './keys.ts';

const LIFETIME_S = 60;
/** The tolerated difference between the clocks of two parts. */
const CLOCK_TOLERANCE_S = 30;
const COMPONENTS = '("@method" "@authority" "@path" "@query" "content-digest")';
const INPUT =
  /^sig=(\("@method" "@authority" "@path" "@query" "content-digest"\);created=(\d{1,12});expires=(\d{1,12});nonce="([A-Za-z0-9_-]{16,64})";keyid="([A-Za-z0-9_-]{1,64})";alg="ed25519")$/;
const SIGNATURE = /^sig=:([A-Za-z0-9+/]{86}==):$/;

export interface SignedParts {
  readonly method: string;
  /** Host and port of the URL that the signer calls, in lower case, without the default port of the scheme. */
  readonly authority: string;
  readonly path: string;
  /** The query with its leading `?`, or only `?` if the request has none (RFC 9421, section 2.2.7). */
  readonly query: string;
  readonly body: string | Buffer;
}

export interface SignatureHeaders extends Record<string, string> {
  'content-digest': string;
  'signature-input': string;
  signature: string;
}

const contentDigest = (body: string | Buffer): string =>
  `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

/** The signature base (RFC 9421, section 2.5). */
const signatureBase = (parts: Omit<SignedParts, 'body'>, digest: string, parameters: string): string =>
  [
    `"@method": ${parts.method.toUpperCase()}`,
    `"@authority": ${parts.authority}`,
    `"@path": ${parts.path}`,
    `"@query": ${parts.query}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ].join('\n');

export const splitUrl = (url: URL): Pick<SignedParts, 'authority' | 'path' | 'query'> => ({
  authority: url.host.toLowerCase(),
  path: url.pathname,
  query: url.search || '?',
});

export function signRequest(
  key: KeyPair,
  keyId: string,
  parts: SignedParts,
  nowMs: number,
): SignatureHeaders {
  const created = Math.floor(nowMs / 1000);
  const nonce = randomBytes(18).toString('base64url');
  const parameters = `${COMPONENTS};created=${created};expires=${created + LIFETIME_S};nonce="${nonce}";keyid="${keyId}";alg="ed25519"`;
  const digest = contentDigest(parts.body);
  return {
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${key.sign(signatureBase(parts, digest, parameters)).toString('base64')}:`,
  };
}

export type Verification =
  | { readonly ok: true; readonly keyId: string }
  | {
      readonly ok: false;
      readonly code: ProblemCode;
      readonly detail: string;
      /** The id of the key, if the signature itself is valid. Then the error is attributed to the key's owner. */
      readonly signer?: string;
    };

/** No signature is accepted for longer than this after it was first seen, whichever clock is ahead. Milliseconds. */
export const MAX_ACCEPTANCE_MS = (LIFETIME_S + 2 * CLOCK_TOLERANCE_S) * 1_000;

/** Remembers nonces while their signatures could be valid, so that no signed request is accepted twice. */
export class NonceMemory {
  readonly #seen: Map<string, number>;
  readonly #store: (nonce: string, expiresMs: number) => void;

  /**
   * @param seen the nonces of an earlier start, each with the time at which its signature expires, in milliseconds since 1970
   * @param store makes a nonce survive the end of this process
   */
  constructor(
    seen: Iterable<readonly [string, number]> = [],
    store: (nonce: string, expiresMs: number) => void = () => {},
  ) {
    this.#seen = new Map(seen);
    this.#store = store;
  }

  /** Returns false if this nonce was seen before. */
  claim(nonce: string, expiresMs: number, nowMs: number): boolean {
    // A Map keeps insertion order, and expiry times rise with it except for the clock tolerance, so sweeping its front is enough.
    for (const [old, expiry] of this.#seen) {
      if (expiry >= nowMs) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(nonce)) return false;
    this.#seen.set(nonce, expiresMs);
    this.#store(nonce, expiresMs);
    return true;
  }
}

export interface ReceivedRequest extends Omit<SignedParts, 'authority' | 'body'> {
  /** Undefined if it has not arrived. Then its digest is not checked, and the nonce is not claimed. */
  readonly body: string | Buffer | undefined;
  /** The authorities of the recipient. The request must be signed for one of them. */
  readonly authorities: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const describeMisdirected = (host: string, authorities: readonly string[]): string =>
  `This request was signed for ${host}, which is not an address of this recipient (${authorities.join(', ')}). If it is one, set it in "baseUrl" or add it to "hosts".`;

const refuse = (code: ProblemCode, detail: string): Verification => ({ ok: false, code, detail });

/**
 * Verifies a signed request. `findKey` returns the public key of a key id, or undefined if the id is unknown or revoked. If the
 * clocks differ too much, the detail says by how much. The error of a request that was signed for another recipient names both.
 */
export async function verifyRequest(
  { headers, authorities, body, ...parts }: ReceivedRequest,
  findKey: (keyId: string) => Promise<PublicKey | undefined>,
  nonces: NonceMemory,
  nowMs: number,
): Promise<Verification> {
  const input = INPUT.exec(String(headers['signature-input'] ?? ''));
  const signature = SIGNATURE.exec(String(headers.signature ?? ''));
  if (!input || !signature)
    return refuse('signature-missing', 'This call must be signed (RFC 9421, Ed25519).');
  const [, parameters = '', created = '', expires = '', nonce = '', keyId = ''] = input;
  const createdS = Number(created);
  const expiresS = Number(expires);
  const nowS = nowMs / 1000;
  if (expiresS - createdS > LIFETIME_S || expiresS < createdS) {
    return refuse('signature-lifetime', `A signature may be valid for at most ${LIFETIME_S} s.`);
  }
  const announced = String(headers['content-digest'] ?? '');
  const digest = body === undefined ? announced : contentDigest(body);
  if (announced !== digest) {
    return refuse('digest-mismatch', 'Content-Digest does not match the body.');
  }
  const publicKey = await findKey(keyId);
  if (!publicKey) return refuse('key-unknown', 'The signing key is unknown here, or it was revoked.');
  const isSignedFor = (authority: string): boolean => {
    const base = signatureBase({ ...parts, authority }, digest, parameters);
    return verifySignature(publicKey, base, Buffer.from(signature[1] ?? '', 'base64'));
  };
  if (!authorities.some(isSignedFor)) {
    const host = String(headers.host ?? '').toLowerCase();
    return isSignedFor(host)
      ? refuse('signature-misdirected', describeMisdirected(host, authorities))
      : refuse('signature-invalid', 'The signature does not match the request.');
  }
  if (createdS > nowS + CLOCK_TOLERANCE_S || expiresS < nowS - CLOCK_TOLERANCE_S) {
    const off = Math.round(createdS - nowS);
    return {
      ok: false,
      code: 'clock-off',
      detail: `The signer's clock is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} ours. Synchronise it (NTP) and try again.`,
      signer: keyId,
    };
  }
  if (
    body !== undefined &&
    !nonces.claim(`${keyId}:${nonce}`, (expiresS + CLOCK_TOLERANCE_S) * 1000, nowMs)
  ) {
    return {
      ok: false,
      code: 'signature-replayed',
      detail: 'This signed request was received before.',
      signer: keyId,
    };
  }
  return { ok: true, keyId };
}

/**
 * Grants and tokens: an HMAC-SHA256 over the claims and the id of the video. The verifier holds the key with which they were
 * signed. Trackers share a key derived from the master; each site has its own derived key, so it can sign tokens for itself
 * only. There is one form without options, 40 characters of base64url:
 *
 *     kind (1 byte) · generation of the key (1) · expiry, seconds since 1970 (4) · subject (8) · first half of the MAC (16)
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { VideoId } from '../../protocol/base/ids.ts';
import { CLOCK_TOLERANCE_S, RIGHT_TEXT } from '../../protocol/rights.ts';
import { type Problem, problem } from '../problem.ts';

/**
 * `grant`: held by a viewer, accepted by trackers. `viewer`: derived from a grant, accepted by one site. `member`: held by a
 * site or a tracker. `studio`: signed by a site for its own operators and its origin.
 */
const KINDS = ['grant', 'viewer', 'member', 'studio'] as const;
export type RightKind = (typeof KINDS)[number];

const HEAD_BYTES = 14;
const MAC_BYTES = 16;
export const NO_SUBJECT = '0000000000000000';
/** The audience of grants: all trackers. */
const TRACKERS = 'trackers';

export interface Claims {
  readonly kind: RightKind;
  readonly expiresS: number;
  /** The id of the grant in 16 hexadecimal digits, or `NO_SUBJECT` if there is no grant. */
  readonly subject: string;
}

export interface RightKey {
  readonly generation: number;
  readonly key: Buffer;
}

const derive = (master: Buffer, audience: string): Buffer =>
  createHmac('sha256', master).update(`tributary rights key for ${audience}`).digest();
export const deriveSiteKey = (master: Buffer, site: string): Buffer => derive(master, `site ${site}`);
export const deriveTrackersKey = (master: Buffer): Buffer => derive(master, TRACKERS);

const macOf = (key: Buffer, head: Buffer, video: VideoId): Buffer =>
  createHmac('sha256', key).update(head).update(video).digest().subarray(0, MAC_BYTES);

export function signRight({ generation, key }: RightKey, claims: Claims, video: VideoId): string {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(KINDS.indexOf(claims.kind) + 1, 0);
  head.writeUInt8(generation, 1);
  head.writeUInt32BE(claims.expiresS, 2);
  head.write(claims.subject, 6, 'hex');
  return Buffer.concat([head, macOf(key, head, video)]).toString('base64url');
}

/** The id of the grant, of which the caller knows that it is valid. */
export const grantIdOf = (grant: string): string =>
  Buffer.from(grant, 'base64url').toString('hex', 6, HEAD_BYTES);

/** The generation of the key with which a grant or token was signed. */
export const generationOf = (text: string): number => Buffer.from(text, 'base64url').readUInt8(1);

/**
 * Returns the claims of a grant or token if it was signed for this video with one of these keys, else undefined. The caller
 * checks expiry and revocation.
 */
export function verifyRight(
  text: string,
  video: VideoId,
  findKey: (generation: number) => Buffer | undefined,
): Claims | undefined {
  if (!RIGHT_TEXT.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  const kind = KINDS[bytes.readUInt8(0) - 1];
  const key = findKey(bytes.readUInt8(1));
  if (kind === undefined || key === undefined) return undefined;
  const head = bytes.subarray(0, HEAD_BYTES);
  if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), macOf(key, head, video))) return undefined;
  return { kind, expiresS: bytes.readUInt32BE(2), subject: bytes.toString('hex', 6, HEAD_BYTES) };
}

/**
 * Returns the claims of a grant for this video. The caller checks revocation.
 *
 * @returns undefined if the text is not a grant for this video
 * @throws Problem 403 `grant-expired`
 */
export function verifyGrant(
  text: string,
  video: VideoId,
  findMaster: (generation: number) => Buffer | undefined,
  nowS: number,
): Claims | undefined {
  const claims = verifyRight(text, video, generation => {
    const master = findMaster(generation);
    return master && deriveTrackersKey(master);
  });
  if (claims?.kind !== 'grant') return undefined;
  if (isExpired(claims, nowS))
    throw problem('grant-expired', 'This link has expired. Ask the sender for a new one.');
  return claims;
}

export const isExpired = ({ expiresS }: Claims, nowS: number): boolean => expiresS + CLOCK_TOLERANCE_S < nowS;

export const grantRevoked = (): Problem =>
  problem('grant-revoked', 'This link was revoked. Ask the sender for a new one.');

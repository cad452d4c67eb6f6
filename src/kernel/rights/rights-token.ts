/**
 * Grants and tokens: HMAC-SHA256 over what they say and the video that they are for. Whoever checks one holds the key that it was
 * made with: trackers the master's, each site one of its own derived from the master, with which it can make tokens for itself
 * alone. One form and no options, 40 characters of base64url:
 *
 *     kind (1 byte) · generation of the key (1) · expiry, seconds since 1970 (4) · subject (8) · MAC, its first half (16)
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { VideoId } from '../../protocol/ids.ts';
import { CLOCK_TOLERANCE_S, RIGHT_TEXT } from '../../protocol/rights.ts';
import { type Problem, problem } from '../problem.ts';

/** `grant`: of a viewer, for trackers. `viewer`: made of a grant, for one site. `member`: of a site or tracker itself. `studio`: a site's own, for its operators and its origin. */
const KINDS = ['grant', 'viewer', 'member', 'studio'] as const;
export type RightKind = (typeof KINDS)[number];

const HEAD_BYTES = 14;
const MAC_BYTES = 16;
export const NO_SUBJECT = '0000000000000000';
/** Grants are for all trackers. */
const TRACKERS = 'trackers';

export interface Claims {
  readonly kind: RightKind;
  readonly expiresS: number;
  /** The grant's id in 16 hexadecimal digits; `NO_SUBJECT` of what comes of none. */
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

/** Of a right that was read. */
export const generationOf = (text: string): number => Buffer.from(text, 'base64url').readUInt8(1);

/**
 * What it says, where it was made for this video with one of these keys. Whether it has expired or was revoked is for the caller to
 * ask: only of what is genuine does that say anything.
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
 * What a grant for this video says. Whether it was revoked is for the caller to ask.
 *
 * @returns undefined of what is no grant for it
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
    throw problem('grant-expired', 'This link has expired. Ask whoever gave it to you for another one.');
  return claims;
}

export const isExpired = ({ expiresS }: Claims, nowS: number): boolean => expiresS + CLOCK_TOLERANCE_S < nowS;

export const grantRevoked = (): Problem =>
  problem('grant-revoked', 'This link was taken back by whoever gave it.');

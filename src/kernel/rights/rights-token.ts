/**
 * Grants and tokens: an HMAC-SHA256 over the claims and the id of the video. The verifier holds the key with which they were
 * signed. Trackers share a key derived from the master; each site has its own derived key, so it can sign tokens for itself
 * only. There is one form without options, 40 characters of base64url:
 *
 *     kind (1 byte) · generation of the key (1) · expiry, seconds since 1970 (4) · subject (8) · first half of the MAC (16)
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
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

/** The keys derived from each master, by audience. Each is derived once. */
const derived = new WeakMap<Buffer, Map<string, Buffer>>();
function derive(master: Buffer, audience: string): Buffer {
  const keys = derived.get(master) ?? new Map<string, Buffer>();
  derived.set(master, keys);
  const key =
    keys.get(audience) ??
    createHmac('sha256', master).update(`tributary rights key for ${audience}`).digest();
  keys.set(audience, key);
  return key;
}
export const deriveSiteKey = (master: Buffer, site: string): Buffer => derive(master, `site ${site}`);
export const deriveTrackersKey = (master: Buffer): Buffer => derive(master, TRACKERS);

/** The padded key of each direction of an HMAC (RFC 2104, section 2), each before the bytes that are hashed with it. */
interface MacKey {
  readonly inner: Buffer;
  readonly outer: Buffer;
}
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const VIDEO_BYTES = 36;
const macKeys = new WeakMap<Buffer, MacKey>();

function macKeyOf(key: Buffer): MacKey {
  const known = macKeys.get(key);
  if (known) return known;
  if (key.length > BLOCK_BYTES) throw new RangeError('a key of rights is longer than a block of SHA-256');
  const pad = (value: number, bytes: number): Buffer => {
    const padded = Buffer.alloc(BLOCK_BYTES + bytes);
    for (let at = 0; at < BLOCK_BYTES; at++) padded[at] = (key[at] ?? 0) ^ value;
    return padded;
  };
  const made = { inner: pad(0x36, HEAD_BYTES + VIDEO_BYTES), outer: pad(0x5c, HASH_BYTES) };
  macKeys.set(key, made);
  return made;
}

/**
 * Writes the first half of the HMAC-SHA256 of the head and the video after the head. Two hashes of prepared buffers cost half of
 * an `Hmac` object, and leave nothing to the garbage collector: a play response has a token for each source.
 */
function writeMac(bytes: Buffer, key: Buffer, video: VideoId): void {
  const { inner, outer } = macKeyOf(key);
  if (video.length !== VIDEO_BYTES) throw new RangeError('an id of a video has 36 characters');
  bytes.copy(inner, BLOCK_BYTES, 0, HEAD_BYTES);
  inner.write(video, BLOCK_BYTES + HEAD_BYTES, VIDEO_BYTES, 'latin1');
  outer.write(hash('sha256', inner, 'binary'), BLOCK_BYTES, HASH_BYTES, 'latin1');
  bytes.write(hash('sha256', outer, 'binary'), HEAD_BYTES, MAC_BYTES, 'latin1');
}

export function signRight({ generation, key }: RightKey, claims: Claims, video: VideoId): string {
  const bytes = Buffer.alloc(HEAD_BYTES + MAC_BYTES);
  bytes.writeUInt8(KINDS.indexOf(claims.kind) + 1, 0);
  bytes.writeUInt8(generation, 1);
  bytes.writeUInt32BE(claims.expiresS, 2);
  bytes.write(claims.subject, 6, 'hex');
  writeMac(bytes, key, video);
  return bytes.toString('base64url');
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
  const genuine = Buffer.from(bytes);
  writeMac(genuine, key, video);
  if (!timingSafeEqual(bytes, genuine)) return undefined;
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

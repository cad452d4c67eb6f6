/**
 * Sessions: what the tracker gave to a player, so that it believes reports only of players that it sent itself. The id says
 * when it was given and is signed for the viewer's network prefix; what is remembered of a session beside it is a comfort
 * that may be lost.
 */
import { hash, randomFillSync, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { SiteId } from '../../protocol/ids.ts';

/** An id is a head of so many bytes, and a signature of 84 bits: in base64url, one after the other. */
const TIME_BYTES = 4;
const RANDOM_BYTES = 8;
const HEAD_BYTES = TIME_BYTES + RANDOM_BYTES;
const HEAD_CHARACTERS = 16;
const MAC_CHARACTERS = 14;
const ID = /^[A-Za-z0-9_-]{30}$/;
const MAX_AGE_S = 12 * 3_600;
const MAX_REMEMBERED = 100_000;

export interface Session {
  readonly id: string;
  readonly beganAtMs: number;
  /** 0–1, its own for its whole life: patience, and luck. */
  readonly luck: number;
  /** The site that it said it is on. */
  current: SiteId | undefined;
  /** The site that it was told to prefer, and how often it went elsewhere all the same. */
  told: SiteId | undefined;
  refusals: number;
  /** Where it is for the site's merits, or was until that site failed. */
  home: SiteId | undefined;
  /** How often it left a site by itself. */
  departures: number;
  /** Steering requests seen, and when it last changed sites. */
  asked: number;
  movedAtMs: number;
  /** When it began to speak in this second, and how often it has: it cannot speak without end. */
  heardAtMs: number;
  words: number;
}

export interface Sessions {
  /** Sessions are signed with this key from now on, as other trackers do; those of the key before are still known. */
  share(key: Buffer): void;
  /**
   * A new session for a viewer of this prefix. All that it is stands in its id, so it is remembered from the player's first
   * word on: who only begins, however often, puts nobody out.
   */
  begin(prefix: string, nowMs: number): Session;
  remember(session: Session): void;
  /** Undefined where it was not given here, to a viewer of this prefix, in the last hours. */
  find(id: string | undefined, prefix: string | undefined, nowMs: number): Session | undefined;
}

/** Asking the system for many random bytes at once takes no longer than for a few. */
const randomPool = Buffer.alloc(RANDOM_BYTES * 1_024);
let randomAt = randomPool.length;
function takeRandom(target: Buffer, at: number): void {
  if (randomAt === randomPool.length) {
    randomFillSync(randomPool);
    randomAt = 0;
  }
  randomPool.copy(target, at, randomAt, randomAt + RANDOM_BYTES);
  randomAt += RANDOM_BYTES;
}

/**
 * A keyed hash. SHA-512/256 shows half of its last state, so what is signed cannot be lengthened (FIPS 180-4; Coron, Dodis, Malinaud
 * and Puniya, Merkle–Damgård Revisited, 2005), key and head have one length each, and a seventh of the time of an HMAC is enough: a
 * tracker signs for every viewer who begins.
 */
const sign = (head: string, prefix: string, key: string): string =>
  hash('sha512-256', `${key} ${head} ${prefix}`, 'base64url').slice(0, MAC_CHARACTERS);
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));

export function createSessions(own: Buffer): Sessions {
  let keys: readonly [string, ...string[]] = [own.toString('hex')];
  const remembered = new LRUCache<string, Session>({ max: MAX_REMEMBERED });
  const head = Buffer.alloc(HEAD_BYTES);

  return {
    share(key) {
      const next = key.toString('hex');
      if (next !== keys[0]) keys = [next, keys[0]];
    },
    begin(prefix, nowMs) {
      head.writeUInt32BE(Math.floor(nowMs / 1_000), 0);
      takeRandom(head, TIME_BYTES);
      const text = head.toString('base64url');
      return makeSession(text + sign(text, prefix, keys[0]), head);
    },
    find(id, prefix, nowMs) {
      if (id === undefined || prefix === undefined || !ID.test(id)) return undefined;
      const text = id.slice(0, HEAD_CHARACTERS);
      const bytes = Buffer.from(text, 'base64url');
      const ageS = nowMs / 1_000 - bytes.readUInt32BE(0);
      if (ageS > MAX_AGE_S || ageS < -60) return undefined;
      const signature = id.slice(HEAD_CHARACTERS);
      if (!keys.some(key => isSame(signature, sign(text, prefix, key)))) return undefined;
      const session = remembered.get(id) ?? makeSession(id, bytes);
      remembered.set(id, session);
      return session;
    },
    remember: session => void remembered.set(session.id, session),
  };
}

const makeSession = (id: string, head: Buffer): Session => ({
  id,
  beganAtMs: head.readUInt32BE(0) * 1_000,
  luck: head.readUInt32BE(TIME_BYTES) / 2 ** 32,
  current: undefined,
  told: undefined,
  refusals: 0,
  home: undefined,
  departures: 0,
  asked: 0,
  movedAtMs: 0,
  heardAtMs: 0,
  words: 0,
});

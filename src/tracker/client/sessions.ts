/**
 * Sessions of players. The tracker accepts reports only with a session id that it issued itself. The id contains its time of
 * issue and is signed for the client's network prefix. Everything else about a session is a cache entry that may be lost.
 */
import { hash, randomFillSync, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { SiteId } from '../../protocol/base/ids.ts';

/** An id is a head of these bytes, followed by a signature of 84 bits, both in base64url. */
const TIME_BYTES = 4;
const RANDOM_BYTES = 8;
const HEAD_BYTES = TIME_BYTES + RANDOM_BYTES;
const HEAD_CHARACTERS = 16;
const MAC_CHARACTERS = 14;
const ID = /^[A-Za-z0-9_-]{30}$/;
const MAX_AGE_S = 12 * 3_600;
const CLOCK_TOLERANCE_S = 60;
const MAX_REMEMBERED = 100_000;

export interface Session {
  readonly id: string;
  readonly startedAtMs: number;
  /** 0–1, constant for the session: decides whether it explores, and for which gain it switches sites. */
  readonly sessionRandom: number;
  /** The site that the player uses: the pathway of a steering request, or the site of a segment, whichever changed last. */
  current: SiteId | undefined;
  /** The site that served the last segment before the player's last beacon. */
  lastServed: SiteId | undefined;
  /** The site that the last manifest ranked first, and how often the player did not use it. */
  preferred: SiteId | undefined;
  refusals: number;
  /** The site that serves the session best, or did until it failed. */
  primary: SiteId | undefined;
  /** Number of times the player left a site on its own. */
  switches: number;
  /** It was counted as a play, or is too old to be. */
  isCounted: boolean;
  /** Number of steering requests. */
  steeringRequests: number;
  /** Time of the last switch, epoch milliseconds. */
  switchedAtMs: number;
  /** The sites that the player's browser does not let it connect to. */
  blocked: readonly SiteId[];
  /** Start of the current second of reports, epoch milliseconds, and the number of reports in it: their rate is limited. */
  reportsSinceMs: number;
  reports: number;
}

export interface Sessions {
  /** Signs new ids with this key, which all trackers share. Ids signed with the previous key remain valid. */
  share(key: Buffer): void;
  /**
   * Starts a session for a client with this prefix. Its id contains everything needed, so it is only remembered from the
   * player's first report on: a client that starts many sessions evicts no others.
   */
  start(prefix: string, nowMs: number): Session;
  remember(session: Session): void;
  /** Undefined unless a tracker issued this id to a client with this prefix within the last hours. */
  find(id: string | undefined, prefix: string | undefined, nowMs: number): Session | undefined;
}

/** Requesting many random bytes from the system takes no longer than requesting a few. */
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
 * A keyed hash. SHA-512/256 outputs only half of its last state, so the signed text cannot be extended (FIPS 180-4; Coron, Dodis,
 * Malinaud and Puniya, Merkle–Damgård Revisited, 2005), and key and head have a fixed length. It takes a seventh of the time of an
 * HMAC, which matters because the tracker signs an id for every new viewer.
 */
const sign = (head: string, prefix: string, key: string): string =>
  hash('sha512-256', `${key} ${head} ${prefix}`, 'base64url').slice(0, MAC_CHARACTERS);
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));

export function createSessions(ownKey: Buffer): Sessions {
  let keys: readonly [string, ...string[]] = [ownKey.toString('hex')];
  const remembered = new LRUCache<string, Session>({ max: MAX_REMEMBERED });
  const head = Buffer.alloc(HEAD_BYTES);

  return {
    share(key) {
      const next = key.toString('hex');
      if (next !== keys[0]) keys = [next, keys[0]];
    },
    start(prefix, nowMs) {
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
      if (ageS > MAX_AGE_S || ageS < -CLOCK_TOLERANCE_S) return undefined;
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
  startedAtMs: head.readUInt32BE(0) * 1_000,
  sessionRandom: head.readUInt32BE(TIME_BYTES) / 2 ** 32,
  current: undefined,
  lastServed: undefined,
  preferred: undefined,
  refusals: 0,
  blocked: [],
  primary: undefined,
  switches: 0,
  isCounted: false,
  steeringRequests: 0,
  switchedAtMs: 0,
  reportsSinceMs: 0,
  reports: 0,
});

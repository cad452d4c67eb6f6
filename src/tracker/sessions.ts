/**
 * Sessions: what the tracker gave to a player, so that it believes reports only of players that it sent itself. The id says
 * when it was given and is signed for the viewer's network prefix; what is remembered of a session beside it is a comfort
 * that may be lost.
 */
import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { SiteId } from '../protocol/ids.ts';

const TIME_BYTES = 4;
const RANDOM_BYTES = 6;
const MAC_BYTES = 10;
const ID = /^[A-Za-z0-9_-]{27}$/;
const MAX_AGE_S = 12 * 3_600;
const MAX_REMEMBERED = 100_000;

export interface Session {
  readonly id: string;
  readonly beganAtMs: number;
  /** 0–1, its own for its whole life: patience, and luck. */
  readonly luck: number;
  /** The site that it said it is on. */
  current: SiteId | undefined;
  /** The site that it was told to prefer. */
  told: SiteId | undefined;
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
  /** A new session for a viewer of this prefix. */
  begin(prefix: string, nowMs: number): Session;
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

export function createSessions(own: Buffer): Sessions {
  let keys: readonly [Buffer, ...Buffer[]] = [own];
  const remembered = new LRUCache<string, Session>({ max: MAX_REMEMBERED });
  const sign = (head: Buffer, prefix: string, key: Buffer): Buffer =>
    createHmac('sha256', key).update(head).update(prefix).digest().subarray(0, MAC_BYTES);

  function remember(id: string, bytes: Buffer): Session {
    const known = remembered.get(id);
    if (known) return known;
    const session: Session = {
      id,
      beganAtMs: bytes.readUInt32BE(0) * 1_000,
      luck: bytes.readUInt32BE(TIME_BYTES) / 2 ** 32,
      current: undefined,
      told: undefined,
      asked: 0,
      movedAtMs: 0,
      heardAtMs: 0,
      words: 0,
    };
    remembered.set(id, session);
    return session;
  }

  return {
    share(key) {
      if (!key.equals(keys[0])) keys = [key, keys[0]];
    },
    begin(prefix, nowMs) {
      const head = Buffer.alloc(TIME_BYTES + RANDOM_BYTES);
      head.writeUInt32BE(Math.floor(nowMs / 1_000), 0);
      takeRandom(head, TIME_BYTES);
      const bytes = Buffer.concat([head, sign(head, prefix, keys[0])]);
      return remember(bytes.toString('base64url'), bytes);
    },
    find(id, prefix, nowMs) {
      if (id === undefined || prefix === undefined || !ID.test(id)) return undefined;
      const bytes = Buffer.from(id, 'base64url');
      const head = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES);
      const ageS = nowMs / 1_000 - head.readUInt32BE(0);
      if (ageS > MAX_AGE_S || ageS < -60) return undefined;
      const isOurs = keys.some(key => timingSafeEqual(bytes.subarray(head.length), sign(head, prefix, key)));
      return isOurs ? remember(id, bytes) : undefined;
    },
  };
}

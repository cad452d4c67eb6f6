/**
 * Rights at a site (docs/private-videos.md): which videos are private, and whether a token is a right to one of them. All of it is here,
 * so nobody has to be asked while somebody watches.
 */
import { LRUCache } from 'lru-cache';
import type { Log } from '../../kernel/log.ts';
import { messageOf, type Problem, problem } from '../../kernel/problem.ts';
import type { RightsState } from '../../kernel/rights/rights-state.ts';
import {
  type Claims,
  grantRevoked,
  isExpired,
  NO_SUBJECT,
  signRight,
  verifyRight,
} from '../../kernel/rights/rights-token.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { BufferRights } from '../delivery/delivery.ts';

/** In the data directory of a site. */
export const RIGHTS_FILE = 'rights.json';
/** Of what this site makes for its own operators, and for its own origin. */
const OWN_LIFETIME_S = 12 * 3_600;
const ROUND_S = 3_600;
/** Viewers of whom it is remembered that their token is genuine. */
const MAX_GENUINE = 10_000;

/** A token that was made for this video with this key. */
interface VerifiedToken {
  readonly claims: Claims;
  readonly video: VideoId;
  readonly generation: number;
  readonly key: Buffer;
}

export interface SiteRights extends BufferRights {
  /** Of what this site has whole: its own videos, and copies. */
  markOwn(video: VideoId, isPrivate: boolean): void;
  /** For an operator, who may watch at this site whatever it has. */
  studioToken(video: VideoId): string;
}

export function createSiteRights(book: RightsState, log: Log, now = Date.now): SiteRights {
  const save = (): void => {
    book.save().catch(error => log.error({ reason: messageOf(error) }, 'what is private was not written'));
  };
  // The same for an hour: what is played does not get another address with every answer.
  const mintOwn = (video: VideoId): string => {
    const nowS = Math.floor(now() / 1_000);
    const expiresS = nowS - (nowS % ROUND_S) + OWN_LIFETIME_S;
    return signRight(book.ownKey, { kind: 'studio', expiresS, subject: NO_SUBJECT }, video);
  };
  /** A viewer shows the same token with every segment. Whether it still counts is asked each time: key, time, grant. */
  const genuine = new LRUCache<string, VerifiedToken>({ max: MAX_GENUINE });
  const read = (token: string, video: VideoId, nowS: number): Claims | undefined => {
    const known = genuine.get(token);
    if (known?.video === video && book.findKey(known.generation, nowS) === known.key) return known.claims;
    let found: Pick<VerifiedToken, 'generation' | 'key'> | undefined;
    const claims = verifyRight(token, video, generation => {
      const key = book.findKey(generation, nowS);
      found = key && { generation, key };
      return key;
    });
    if (claims && found) genuine.set(token, { claims, video, ...found });
    return claims;
  };
  return {
    isPrivate: video => book.isPrivate(video),
    checkToken(token, video) {
      const nowS = now() / 1_000;
      const claims = read(token, video, nowS);
      if (!claims || claims.kind === 'grant') return tokenInvalid();
      if (isExpired(claims, nowS)) return tokenExpired();
      return book.isRevoked(claims.subject) ? grantRevoked() : undefined;
    },
    originToken: mintOwn,
    studioToken: mintOwn,
    notePrivate(video) {
      if (book.isPrivate(video)) return;
      book.mark('tracker', video, true);
      save();
    },
    markOwn(video, isPrivate) {
      book.mark('own', video, isPrivate);
      save();
    },
    onChange: listener => book.onChange(listener),
  };
}

const tokenInvalid = (): Problem =>
  problem('token-invalid', 'This address is no right to watch. Open the link that you were given again.');
const tokenExpired = (): Problem =>
  problem('token-expired', 'The time of this address is over. Open the link that you were given again.');

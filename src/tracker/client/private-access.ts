/**
 * Decides who gets access to private videos (docs/private-videos.md): a client with a grant, a site that signed its
 * request, an operator, and for internal videos a client in a house network. Access consists of tokens, one for each offered site.
 */
import { LRUCache } from 'lru-cache';
import { type Problem, problem } from '../../kernel/problem.ts';
import type { RightsState } from '../../kernel/rights/rights-state.ts';
import {
  type Claims,
  deriveSiteKey,
  generationOf,
  grantRevoked,
  NO_SUBJECT,
  signRight,
  verifyGrant,
} from '../../kernel/rights/rights-token.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';

/** The credentials of a request for a video. */
export interface Credentials {
  readonly grant?: string | undefined;
  /** The request is signed by a site. */
  readonly isMember?: boolean;
  readonly isOperator?: boolean;
  /** True if the client is in a house network, whose viewers may watch internal videos. */
  readonly isInHouseNetwork?: () => boolean;
}

/** Access to one private video. */
export interface Access {
  tokenFor(site: SiteId): string;
}

export interface PrivateAccess {
  /**
   * @param isInternal viewers in house networks may watch this video
   * @returns undefined without valid credentials for this video
   *
   * @throws Problem 403 `grant-expired`, `grant-revoked`; 503 while this tracker does not have the keys.
   */
  open(video: VideoId, credentials: Credentials, isInternal?: boolean): Access | undefined;
}

/** For an operator, who gets information about the video but no token. */
const NO_TOKENS: Access = { tokenFor: () => '' };
/**
 * Limits how long a disconnected site serves a revoked grant: a token is for one viewing, not for the lifetime of the
 * grant.
 */
const MAX_VIEWER_TOKEN_S = 12 * 3_600;
/** Grants that are remembered as verified, with the tokens of up to eight sites each: about 20 MB. */
const MAX_GRANTED = 20_000;
const MEMBER_TOKEN_S = 3_600;
/** A token of a viewer in a house network belongs to no grant. Sites refuse it when the video has another audience. */
const HOUSE_TOKEN_S = 6 * 3_600;
/** Tokens of one grant are identical within this time. */
const ROUND_S = 3_600;

export function createPrivateAccess(rights: RightsState, now = Date.now): PrivateAccess {
  const nowS = (): number => Math.floor(now() / 1_000);
  const masterKeyOf = (generation: number): Buffer => {
    const master = rights.findKey(generation, nowS());
    if (!master) throw keysUnknown();
    return master;
  };
  const accessOf = (video: VideoId, generation: number, claims: Claims): Access => {
    const tokens = new Map<SiteId, string>();
    return {
      tokenFor(site) {
        const known = tokens.get(site);
        if (known !== undefined) return known;
        const key = deriveSiteKey(masterKeyOf(generation), site);
        const token = signRight({ generation, key }, claims, video);
        tokens.set(site, token);
        return token;
      },
    };
  };
  /** A player and its page present the same grant with every request. The key, the expiry and a revocation are checked each time. */
  const granted = new LRUCache<string, Granted>({ max: MAX_GRANTED });
  const roundUp = (seconds: number): number => Math.ceil(seconds / ROUND_S) * ROUND_S;

  return {
    open(video, { grant, isMember, isOperator, isInHouseNetwork }, isInternal = false) {
      const generation = rights.newest?.generation;
      if (isOperator) return NO_TOKENS;
      if (isMember) {
        if (generation === undefined) throw keysUnknown();
        const expiresS = roundUp(nowS() + MEMBER_TOKEN_S);
        return accessOf(video, generation, { kind: 'member', expiresS, subject: NO_SUBJECT });
      }
      if (grant === undefined) {
        if (!isInternal || !isInHouseNetwork?.()) return undefined;
        if (generation === undefined) throw keysUnknown();
        const expiresS = roundUp(nowS() + HOUSE_TOKEN_S);
        return accessOf(video, generation, { kind: 'viewer', expiresS, subject: NO_SUBJECT });
      }
      if (generation === undefined) throw keysUnknown();
      const known = granted.get(grant);
      const limitS = roundUp(nowS() + MAX_VIEWER_TOKEN_S);
      if (
        known?.video === video &&
        known.limitS === limitS &&
        nowS() <= known.claims.expiresS &&
        rights.findKey(known.generation, nowS()) === known.master
      ) {
        if (rights.isRevoked(known.claims.subject)) throw grantRevoked();
        return known.access;
      }
      const findMaster = (asked: number): Buffer | undefined =>
        asked === 0 ? undefined : rights.findKey(asked, nowS());
      const claims = verifyGrant(grant, video, findMaster, nowS());
      if (!claims) return undefined;
      const { subject, expiresS } = claims;
      if (rights.isRevoked(subject)) throw grantRevoked();
      // Signed with the generation of the grant, which a site that does not have the newest keys accepts.
      const ofGrant = generationOf(grant);
      const access = accessOf(video, ofGrant, {
        kind: 'viewer',
        expiresS: Math.min(expiresS, limitS),
        subject,
      });
      granted.set(grant, {
        video,
        claims,
        generation: ofGrant,
        master: masterKeyOf(ofGrant),
        limitS,
        access,
      });
      return access;
    },
  };
}

/** A grant that was verified before, for this video and with this key. */
interface Granted {
  readonly video: VideoId;
  readonly claims: Claims;
  readonly generation: number;
  readonly master: Buffer;
  /** The latest expiry of a token at that time. */
  readonly limitS: number;
  readonly access: Access;
}

const keysUnknown = (): Problem =>
  problem('no-source', 'This tracker does not have the keys of private videos yet. Try again soon.', {
    headers: { 'retry-after': '2' },
  });

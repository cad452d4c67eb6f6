/**
 * Who may have private videos (docs/private-videos.md): whoever shows a grant, a site that signs its question, an operator. What they get
 * are tokens, one for each site that they are sent to.
 */
import { type Problem, problem } from '../../kernel/problem.ts';
import type { RightsState } from '../../kernel/rights/rights-state.ts';
import {
  deriveSiteKey,
  generationOf,
  grantRevoked,
  NO_SUBJECT,
  type RightKind,
  signRight,
  verifyGrant,
} from '../../kernel/rights/rights-token.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';

/** What somebody shows who asks for a video. */
export interface Shown {
  readonly grant?: string | undefined;
  /** A site that has signed its question. */
  readonly isMember?: boolean;
  readonly isOperator?: boolean;
}

/** To one private video. */
export interface Access {
  tokenFor(site: SiteId): string;
}

export interface TrackerRights {
  /**
   * @returns undefined where nothing was shown that says anything of this video
   * @throws Problem 403 `grant-expired`, `grant-revoked`; 503 where this tracker does not know the keys yet.
   */
  open(video: VideoId, shown: Shown): Access | undefined;
}

/** Who is told about a video, and is sent nowhere. */
const NO_ADDRESSES: Access = { tokenFor: () => '' };
/** A site that was cut off serves a revoked grant no longer than this: tokens are for a viewing, not for the grant's whole life. */
const MAX_VIEWER_TOKEN_S = 12 * 3_600;
const MEMBER_TOKEN_S = 3_600;
/** Tokens of one grant are the same for so long. */
const ROUND_S = 3_600;

export function createTrackerRights(book: RightsState, now = Date.now): TrackerRights {
  const nowS = (): number => Math.floor(now() / 1_000);
  const masterOf = (generation: number): Buffer => {
    const master = book.findKey(generation, nowS());
    if (!master) throw keysUnknown();
    return master;
  };
  const accessOf = (
    video: VideoId,
    generation: number,
    kind: RightKind,
    expiresS: number,
    subject: string,
  ): Access => ({
    tokenFor: site =>
      signRight(
        { generation, key: deriveSiteKey(masterOf(generation), site) },
        { kind, expiresS, subject },
        video,
      ),
  });
  const roundUp = (seconds: number): number => Math.ceil(seconds / ROUND_S) * ROUND_S;

  return {
    open(video, { grant, isMember, isOperator }) {
      const generation = book.newest?.generation;
      if (isOperator) return NO_ADDRESSES;
      if (isMember) {
        if (generation === undefined) throw keysUnknown();
        return accessOf(video, generation, 'member', roundUp(nowS() + MEMBER_TOKEN_S), NO_SUBJECT);
      }
      if (grant === undefined) return undefined;
      if (generation === undefined) throw keysUnknown();
      const findMaster = (asked: number): Buffer | undefined =>
        asked === 0 ? undefined : book.findKey(asked, nowS());
      const claims = verifyGrant(grant, video, findMaster, nowS());
      if (!claims) return undefined;
      const { subject, expiresS } = claims;
      if (book.isRevoked(subject)) throw grantRevoked();
      // Of the grant's own generation: a site that has not heard of a new one yet takes it.
      return accessOf(
        video,
        generationOf(grant),
        'viewer',
        Math.min(expiresS, roundUp(nowS() + MAX_VIEWER_TOKEN_S)),
        subject,
      );
    },
  };
}

const keysUnknown = (): Problem =>
  problem('no-source', 'This tracker does not know the keys of private videos yet. Try again soon.', {
    headers: { 'retry-after': '2' },
  });

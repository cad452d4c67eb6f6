/**
 * The rights of a site (docs/private-videos.md): which videos are private, and whether a token permits to watch one of them.
 * The site decides both from its own state, so no other part has to respond while somebody watches.
 */
import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../kernel/log.ts';
import { messageOf, problem } from '../../kernel/problem.ts';
import type { RightsState } from '../../kernel/rights/rights-state.ts';
import {
  type Claims,
  grantRevoked,
  isExpired,
  NO_SUBJECT,
  signRight,
  verifyRight,
} from '../../kernel/rights/rights-token.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { BufferRights } from '../delivery/delivery.ts';

/** The file of the rights, in the data directory of a site. */
export const RIGHTS_FILE = 'rights.json';
/** Lifetime of the tokens that a site signs for its studio and its own origin. */
const OWN_LIFETIME_S = 12 * 3_600;
/** Lifetime of the tokens that a site signs for viewers. Nobody can revoke them, so they are for one viewing. */
const VIEWER_LIFETIME_S = 6 * 3_600;
const ROUND_S = 3_600;
const MAX_VERIFIED = 10_000;
/** Files that are not shown before somebody watches: neither pictures nor captions. */
const MEDIA = /\.(?:m3u8|mpd|m4s|mp4)$/;

/** A token whose signature, for this video and with this key, was verified before. */
interface VerifiedToken {
  readonly claims: Claims;
  readonly video: VideoId;
  readonly generation: number;
  readonly key: Buffer;
  /** True when `onWatch` has reported it. */
  isReported: boolean;
}

export interface SiteRights extends BufferRights {
  /** Stores whether a video that this site holds in full, as its own or as a copy, is private. */
  markOwn(video: VideoId, isPrivate: boolean): void;
  /** The copies whose `withdrawAt` has passed: no token permits to watch them. */
  setExpired(videos: ReadonlySet<VideoId>): void;
  /** An own video has reached its `publishAt`, which central may only say later. */
  notePublished(video: VideoId): void;
  /** Signs a token for a viewer who may edit or publish this video. */
  studioToken(video: VideoId, viewer: string): string;
  /** Signs a token for a viewer who may watch this video here, also while the site is offline. */
  viewerToken(video: VideoId, viewer: string): string;
  /** The subject of the tokens of a viewer, from which nobody else learns who that is. */
  subjectOf(viewer: string): string;
  /** Calls `listener` when a token that this site signed for a viewer is first used for media: at most once an hour for each video. */
  onWatch(listener: (video: VideoId, subject: string) => void): void;
}

export function createSiteRights(state: RightsState, log: Log, now = Date.now): SiteRights {
  const save = (): void => {
    state
      .save()
      .catch(error => log.error({ reason: messageOf(error) }, 'could not store the list of private videos'));
  };
  /** Signs the same token for an hour, so that the address of a video being played does not change. */
  const signOwn = (video: VideoId, lifetimeS: number, subject = NO_SUBJECT): string => {
    const nowS = Math.floor(now() / 1_000);
    const expiresS = nowS - (nowS % ROUND_S) + lifetimeS;
    return signRight(state.ownKey, { kind: 'studio', expiresS, subject }, video);
  };
  const verified = new LRUCache<string, VerifiedToken>({ max: MAX_VERIFIED });
  /** A viewer presents the same token with every segment, so its signature is verified once. The key is checked each time. */
  const verify = (token: string, video: VideoId, nowS: number): VerifiedToken | undefined => {
    const known = verified.get(token);
    if (known?.video === video && state.findKey(known.generation, nowS) === known.key) return known;
    let found: Pick<VerifiedToken, 'generation' | 'key'> | undefined;
    const claims = verifyRight(token, video, generation => {
      const key = state.findKey(generation, nowS);
      found = key && { generation, key };
      return key;
    });
    if (!claims || !found) return undefined;
    const entry = { claims, video, ...found, isReported: false };
    verified.set(token, entry);
    return entry;
  };
  let expired: ReadonlySet<VideoId> = new Set();
  let reportWatch: (video: VideoId, subject: string) => void = () => {};
  const subjectOf = (viewer: string): string =>
    createHmac('sha256', state.ownKey.key)
      .update(`viewer ${viewer}`)
      .digest('hex')
      .slice(0, NO_SUBJECT.length);
  return {
    isPrivate: video => state.isPrivate(video),
    checkToken(token, video, path = '') {
      if (expired.has(video)) return problem('video-withdrawn', 'This video was withdrawn.');
      const nowS = now() / 1_000;
      const entry = verify(token, video, nowS);
      const claims = entry?.claims;
      if (!claims || claims.kind === 'grant') return problem('token-invalid');
      if (isExpired(claims, nowS)) return problem('token-expired');
      // A tracker gave it to a viewer in a house network, without a grant that could be revoked.
      if (claims.kind === 'viewer' && claims.subject === NO_SUBJECT && !state.isOpenToHouseNetworks(video))
        return problem('token-expired', 'This video has another audience now.');
      if (state.isRevoked(claims.subject)) return grantRevoked();
      if (
        claims.kind === 'studio' &&
        !entry.isReported &&
        claims.subject !== NO_SUBJECT &&
        MEDIA.test(path)
      ) {
        entry.isReported = true;
        reportWatch(video, claims.subject);
      }
      return undefined;
    },
    originToken: video => signOwn(video, OWN_LIFETIME_S),
    studioToken: (video, viewer) => signOwn(video, OWN_LIFETIME_S, subjectOf(viewer)),
    viewerToken: (video, viewer) => signOwn(video, VIEWER_LIFETIME_S, subjectOf(viewer)),
    subjectOf,
    onWatch(listener) {
      reportWatch = listener;
    },
    notePrivate(video) {
      if (state.isPrivate(video)) return;
      state.mark('tracker', video, true);
      save();
    },
    markOwn(video, isPrivate) {
      state.mark('own', video, isPrivate);
      save();
    },
    setExpired(videos) {
      expired = videos;
    },
    notePublished(video) {
      if (!state.isMarked('central', video)) return;
      state.mark('central', video, false);
      save();
    },
    onChange: listener => state.onChange(listener),
  };
}

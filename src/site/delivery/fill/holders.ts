/** Where a buffer fills from: its own origin first, then the sites that the tracker names, in the tracker's order. */
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { call, type Signer } from '../../../kernel/http/client.ts';
import type { PublicKey } from '../../../kernel/identity/keys.ts';
import { Problem } from '../../../kernel/problem.ts';
import { baseUrlSchema } from '../../../protocol/central.ts';
import { siteIdSchema, type VideoId, videoIdSchema } from '../../../protocol/ids.ts';
import { rightTextSchema } from '../../../protocol/rights.ts';
import { videoUnknown, videoWithdrawn } from '../http/problems.ts';
import type { Address } from './upstream-client.ts';

const TRACKER_TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 2 ** 20;
const MAX_SITES = 16;
const REMEMBER_SITES_MS = 10_000;
/** Of a video that nobody else has. */
const REMEMBER_NO_SITES_MS = 1_000;
const REMEMBER_FAILURE_MS = 5_000;
/** A site whose bytes are not what was signed is broken or hostile. */
const REMEMBER_ALTERED_MS = 600_000;
const MAX_REMEMBERED_VIDEOS = 10_000;

/** Someone who may have the file. */
export interface Holder {
  /** Its site id, or `origin`. */
  readonly name: string;
  readonly isOwnOrigin: boolean;
  readonly address: Address;
  /** The right to have a private video from there. */
  readonly token?: string | undefined;
  /** What it sends must be signed with one of these. Of the own origin nothing is demanded. */
  readonly keys: readonly PublicKey[];
}

/** Only what is needed of `GET /play/{id}`, so that a newer tracker's additions do no harm. */
export const holderResponseSchema = z.object({
  video: videoIdSchema,
  sources: z.array(z.unknown()).max(1_000),
  origin: z.object({ publicKey: z.string().max(100).optional() }).optional(),
  isPrivate: z.boolean().optional(),
});
export type HolderResponse = z.output<typeof holderResponseSchema>;
const siteSchema = z.object({
  site: siteIdSchema,
  baseUrl: baseUrlSchema,
  token: rightTextSchema.optional(),
});

interface Remembered {
  readonly sites: readonly Holder[];
  /** When the tracker was last asked, whether or not it answered. */
  readonly askedAtMs: number;
}

export interface HolderList {
  /**
   * The other sites, best first; those that just failed are last. Empty where nobody can be asked.
   *
   * @param hasRight who asked may have it if it is private: then, and only then, the tracker gives tokens for the holders
   * @throws Problem `video-unknown` or `video-withdrawn` as the tracker has it.
   */
  list(video: VideoId, hasRight: boolean): Promise<readonly Holder[]>;
  /** The tracker is asked anew: what it said before does not hold any more. */
  forget(video: VideoId): void;
  /** This site did not do its part: until the tracker notices, others are tried first. */
  noteFailure(holder: Holder, hasAltered: boolean): void;
}

/** Asks a tracker for the holders of a video; signed by this site, it is told of private ones and gets tokens for them. */
export function fetchHolders(
  trackerUrl: string,
  site: string,
  video: VideoId,
  signer?: Signer | undefined,
): Promise<HolderResponse> {
  return call(`${trackerUrl}/play/${video}?fill=${site}`, {
    ...(signer ? { signer } : {}),
    timeoutMs: TRACKER_TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
    response: holderResponseSchema,
  });
}

export interface HolderListDeps {
  readonly trackerUrl: () => string | undefined;
  readonly selfSiteId: () => string | undefined;
  /** Asks with this site's signature; without it private videos of other sites cannot be had. */
  readonly fetchHoldersSigned?: ((video: VideoId) => Promise<HolderResponse>) | undefined;
  readonly onPrivate?: (video: VideoId) => void;
}

export function createHolderList(options: HolderListDeps): HolderList {
  const remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED_VIDEOS });
  const asking = new Map<string, Promise<readonly Holder[]>>();
  const failed = new LRUCache<string, true>({ max: 1_000, ttl: REMEMBER_FAILURE_MS });
  /** Apart: what one who has a right is told must not reach one who has none. */
  const keyOf = (video: VideoId, hasRight: boolean): string => (hasRight ? `right ${video}` : video);

  async function ask(video: VideoId, hasRight: boolean): Promise<readonly Holder[]> {
    const key = keyOf(video, hasRight);
    const known = remembered.get(key)?.sites ?? [];
    const tracker = options.trackerUrl();
    const self = options.selfSiteId();
    if (!tracker || !self) return known;
    let sites = known;
    try {
      const { fetchHoldersSigned: askWithRight } = options;
      const answer = await (hasRight && askWithRight
        ? askWithRight(video)
        : fetchHolders(tracker, self, video));
      if (answer.video === video) {
        if (answer.isPrivate) options.onPrivate?.(video);
        const signedBy = answer.origin?.publicKey;
        sites = parseSites(answer.sources, self, signedBy === undefined ? [] : [signedBy]);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const status = error.peerStatus ?? error.status;
      if (status === 404 || status === 410) {
        remembered.delete(key);
        throw status === 410 ? videoWithdrawn() : videoUnknown();
      }
      // The tracker is away: what it said last is better than nothing. It is not asked for every segment then.
    }
    remembered.set(key, { sites, askedAtMs: Date.now() });
    return sites;
  }

  return {
    async list(video, hasRight) {
      const key = keyOf(video, hasRight);
      const known = remembered.get(key);
      let sites: readonly Holder[];
      const freshMs = known && known.sites.length > 0 ? REMEMBER_SITES_MS : REMEMBER_NO_SITES_MS;
      if (known && Date.now() - known.askedAtMs < freshMs) sites = known.sites;
      else {
        let question = asking.get(key);
        if (!question) {
          question = ask(video, hasRight).finally(() => asking.delete(key));
          asking.set(key, question);
        }
        sites = await question;
      }
      const isWell = (holder: Holder): boolean => !failed.has(holder.name);
      return [...sites.filter(isWell), ...sites.filter(holder => !isWell(holder))];
    },
    forget(video) {
      for (const hasRight of [true, false]) remembered.delete(keyOf(video, hasRight));
    },
    noteFailure(holder, hasAltered) {
      const remaining = failed.getRemainingTTL(holder.name);
      const ttl = hasAltered ? REMEMBER_ALTERED_MS : REMEMBER_FAILURE_MS;
      if (remaining < ttl) failed.set(holder.name, true, { ttl });
    },
  };
}

/** Leaves out this site itself and whatever is no http(s) base URL. */
const parseSites = (
  sources: readonly unknown[],
  self: string,
  keys: readonly PublicKey[],
): readonly Holder[] =>
  sources
    .flatMap(source => {
      const parsed = siteSchema.safeParse(source);
      return parsed.success && parsed.data.site !== self ? [parsed.data] : [];
    })
    .slice(0, MAX_SITES)
    .map(({ site, baseUrl, token }) => ({
      name: site,
      isOwnOrigin: false,
      address: { url: baseUrl },
      token,
      keys,
    }));

export const originHolder = (address: Address): Holder => ({
  name: 'origin',
  isOwnOrigin: true,
  address,
  keys: [],
});

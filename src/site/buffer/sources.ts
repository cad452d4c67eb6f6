/** Where a buffer fills from: its own origin first, then the sites that the tracker names, in the tracker's order. */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { call } from '../../kernel/client.ts';
import type { PublicKey } from '../../kernel/keys.ts';
import { Problem } from '../../kernel/problem.ts';
import { baseUrlSchema } from '../../protocol/central.ts';
import { siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import { videoUnknown, videoWithdrawn } from './problems.ts';
import type { Address } from './upstream.ts';

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
  /** What it sends must be signed with one of these. Of the own origin nothing is demanded. */
  readonly keys: readonly PublicKey[];
}

/** Only what is needed of `GET /play/{id}`, so that a newer tracker's additions do no harm. */
const answerSchema = z.object({
  video: videoIdSchema,
  sources: z.array(z.unknown()).max(1_000),
  origin: z.object({ publicKey: z.string().max(100).optional() }).optional(),
});
const siteSchema = z.object({ site: siteIdSchema, baseUrl: baseUrlSchema });

interface Remembered {
  readonly sites: readonly Holder[];
  /** When the tracker was last asked, whether or not it answered. */
  readonly askedAtMs: number;
}

export interface SiteUpstreams {
  /**
   * The other sites, best first; those that just failed are last. Empty where nobody can be asked.
   *
   * @throws Problem `video-unknown` or `video-withdrawn` as the tracker has it.
   */
  list(video: VideoId): Promise<readonly Holder[]>;
  /** The tracker is asked anew: what it said before does not hold any more. */
  forget(video: VideoId): void;
  /** This site did not do its part: until the tracker notices, others are tried first. */
  noteFailure(holder: Holder, hasAltered: boolean): void;
}

export function siteUpstreams(options: {
  readonly trackerUrl: () => string | undefined;
  readonly selfSiteId: () => string | undefined;
}): SiteUpstreams {
  const remembered = new LRUCache<VideoId, Remembered>({ max: MAX_REMEMBERED_VIDEOS });
  const asking = new Map<VideoId, Promise<readonly Holder[]>>();
  const failed = new LRUCache<string, true>({ max: 1_000, ttl: REMEMBER_FAILURE_MS });

  async function ask(video: VideoId): Promise<readonly Holder[]> {
    const known = remembered.get(video)?.sites ?? [];
    const tracker = options.trackerUrl();
    const self = options.selfSiteId();
    if (!tracker || !self) return known;
    let sites = known;
    try {
      const answer = await call(`${tracker}/play/${video}?fill=${self}`, {
        timeoutMs: TRACKER_TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        answer: answerSchema,
      });
      if (answer.video === video) {
        const key = answer.origin?.publicKey;
        sites = parseSites(answer.sources, self, key === undefined ? [] : [key]);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 404 || error.status === 410) {
        remembered.delete(video);
        throw error.status === 410 ? videoWithdrawn() : videoUnknown();
      }
      // The tracker is away: what it said last is better than nothing. It is not asked for every segment then.
    }
    remembered.set(video, { sites, askedAtMs: Date.now() });
    return sites;
  }

  return {
    async list(video) {
      const known = remembered.get(video);
      let sites: readonly Holder[];
      const freshMs = known && known.sites.length > 0 ? REMEMBER_SITES_MS : REMEMBER_NO_SITES_MS;
      if (known && Date.now() - known.askedAtMs < freshMs) sites = known.sites;
      else {
        let question = asking.get(video);
        if (!question) {
          question = ask(video).finally(() => asking.delete(video));
          asking.set(video, question);
        }
        sites = await question;
      }
      const isWell = (holder: Holder): boolean => !failed.has(holder.name);
      return [...sites.filter(isWell), ...sites.filter(holder => !isWell(holder))];
    },
    forget: video => void remembered.delete(video),
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
    .map(({ site, baseUrl }) => ({ name: site, isOwnOrigin: false, address: { url: baseUrl }, keys }));

export const originUpstream = (address: Address): Holder => ({
  name: 'origin',
  isOwnOrigin: true,
  address,
  keys: [],
});

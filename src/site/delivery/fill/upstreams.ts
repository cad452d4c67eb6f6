/** Finds the upstreams that a buffer can fill from: its own origin, and the sites that the tracker names, in that order. */
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { call, type Signer } from '../../../kernel/http/client.ts';
import type { PublicKey } from '../../../kernel/identity/keys.ts';
import { Problem } from '../../../kernel/problem.ts';
import { siteIdSchema, type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { baseUrlSchema } from '../../../protocol/central.ts';
import { rightTextSchema } from '../../../protocol/rights.ts';
import { videoUnknown, videoWithdrawn } from '../http/problems.ts';
import type { Address } from './upstream-client.ts';

const TRACKER_TIMEOUT_MS = 2_000;
const MAX_RESPONSE_BYTES = 2 ** 20;
const MAX_SITES = 16;
const REMEMBER_SITES_MS = 10_000;
/** For videos that no other site has. */
const REMEMBER_NO_SITES_MS = 1_000;
const REMEMBER_FAILURE_MS = 5_000;
/** A site that sends other bytes than were signed is broken or hostile. */
const REMEMBER_ALTERED_MS = 600_000;
const MAX_REMEMBERED_VIDEOS = 10_000;

/** A server that may have a file. */
export interface Upstream {
  /** Its site id, or `origin`. */
  readonly name: string;
  readonly isOwnOrigin: boolean;
  readonly address: Address;
  /** The token for a private video at this upstream. */
  readonly token?: string | undefined;
  /** Its bytes must be signed with one of these keys. This site's own origin needs no signature. */
  readonly keys: readonly PublicKey[];
}

/** The part of `GET /play/{id}` that fills use. Members that a newer tracker adds are ignored. */
export const upstreamResponseSchema = z.object({
  video: videoIdSchema,
  sources: z.array(z.unknown()).max(1_000),
  origin: z.object({ publicKey: z.string().max(100).optional() }).optional(),
  isPrivate: z.boolean().optional(),
});
export type UpstreamResponse = z.output<typeof upstreamResponseSchema>;
const sourceSchema = z.object({
  site: siteIdSchema,
  baseUrl: baseUrlSchema,
  token: rightTextSchema.optional(),
});

interface RememberedUpstreams {
  readonly upstreams: readonly Upstream[];
  /** When the tracker was last asked, whether or not it responded. */
  readonly askedAtMs: number;
}

export interface UpstreamList {
  /**
   * The other sites, best first; those that have just failed come last. Empty if no tracker can be asked.
   *
   * @param hasToken the client may have the video if it is private: only then does the tracker issue tokens for the upstreams
   * @throws Problem `video-unknown` or `video-withdrawn` if the tracker says so
   */
  list(video: VideoId, hasToken: boolean): Promise<readonly Upstream[]>;
  /** Asks the tracker again next time, because its last response is out of date. */
  forget(video: VideoId): void;
  /** Tries other sites before this one, until the tracker notices the failure too. */
  noteFailure(upstream: Upstream, hasAltered: boolean): void;
}

/** Asks a tracker for the upstreams of a video. If this site signs the call, the response includes private videos, with tokens. */
export function fetchUpstreams(
  trackerUrl: string,
  site: string,
  video: VideoId,
  signer?: Signer | undefined,
): Promise<UpstreamResponse> {
  return call(`${trackerUrl}/play/${video}?fill=${site}`, {
    ...(signer ? { signer } : {}),
    timeoutMs: TRACKER_TIMEOUT_MS,
    maxBytes: MAX_RESPONSE_BYTES,
    response: upstreamResponseSchema,
  });
}

export interface UpstreamListDeps {
  readonly trackerUrl: () => string | undefined;
  readonly selfSiteId: () => string | undefined;
  /** Asks with this site's signature. Without it, private videos of other sites cannot be fetched. */
  readonly fetchUpstreamsSigned?: ((video: VideoId) => Promise<UpstreamResponse>) | undefined;
  /** The tracker says that this video is private. */
  readonly onPrivate?: ((video: VideoId) => void) | undefined;
}

export function createUpstreamList(deps: UpstreamListDeps): UpstreamList {
  const remembered = new LRUCache<string, RememberedUpstreams>({ max: MAX_REMEMBERED_VIDEOS });
  const pending = new Map<string, Promise<readonly Upstream[]>>();
  const failed = new LRUCache<string, true>({ max: 1_000, ttl: REMEMBER_FAILURE_MS });
  /** Separate keys, so that a client without a token never benefits from a response to one with a token. */
  const keyOf = (video: VideoId, hasToken: boolean): string => (hasToken ? `token ${video}` : video);

  async function ask(video: VideoId, hasToken: boolean): Promise<readonly Upstream[]> {
    const key = keyOf(video, hasToken);
    let upstreams = remembered.get(key)?.upstreams ?? [];
    const { fetchUpstreamsSigned } = deps;
    const tracker = deps.trackerUrl();
    const self = deps.selfSiteId();
    if (!tracker || !self) return upstreams;
    try {
      const response = await (hasToken && fetchUpstreamsSigned
        ? fetchUpstreamsSigned(video)
        : fetchUpstreams(tracker, self, video));
      if (response.video === video) {
        if (response.isPrivate) deps.onPrivate?.(video);
        const signer = response.origin?.publicKey;
        upstreams = parseUpstreams(response.sources, self, signer === undefined ? [] : [signer]);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const status = error.peerStatus ?? error.status;
      if (status === 404 || status === 410) {
        remembered.delete(key);
        throw status === 410 ? videoWithdrawn() : videoUnknown();
      }
      // The tracker is unavailable. Its last response is used meanwhile, so that it is not asked for every segment.
    }
    remembered.set(key, { upstreams, askedAtMs: Date.now() });
    return upstreams;
  }

  function find(video: VideoId, hasToken: boolean): readonly Upstream[] | Promise<readonly Upstream[]> {
    const key = keyOf(video, hasToken);
    const known = remembered.get(key);
    const freshMs = known && known.upstreams.length > 0 ? REMEMBER_SITES_MS : REMEMBER_NO_SITES_MS;
    if (known && Date.now() - known.askedAtMs < freshMs) return known.upstreams;
    let asking = pending.get(key);
    if (!asking) {
      asking = ask(video, hasToken).finally(() => pending.delete(key));
      pending.set(key, asking);
    }
    return asking;
  }

  return {
    async list(video, hasToken) {
      const upstreams = await find(video, hasToken);
      const isHealthy = (upstream: Upstream): boolean => !failed.has(upstream.name);
      return [...upstreams.filter(isHealthy), ...upstreams.filter(upstream => !isHealthy(upstream))];
    },
    forget(video) {
      for (const hasToken of [true, false]) remembered.delete(keyOf(video, hasToken));
    },
    noteFailure(upstream, hasAltered) {
      const remaining = failed.getRemainingTTL(upstream.name);
      const ttl = hasAltered ? REMEMBER_ALTERED_MS : REMEMBER_FAILURE_MS;
      if (remaining < ttl) failed.set(upstream.name, true, { ttl });
    },
  };
}

/** Leaves out this site and everything without an http(s) base URL. */
const parseUpstreams = (
  sources: readonly unknown[],
  self: string,
  keys: readonly PublicKey[],
): readonly Upstream[] =>
  sources
    .flatMap(source => {
      const { data } = sourceSchema.safeParse(source);
      return data && data.site !== self ? [data] : [];
    })
    .slice(0, MAX_SITES)
    .map(({ site, baseUrl, token }) => ({
      name: site,
      isOwnOrigin: false,
      address: { url: baseUrl },
      token,
      keys,
    }));

export const originUpstream = (address: Address): Upstream => ({
  name: 'origin',
  isOwnOrigin: true,
  address,
  keys: [],
});

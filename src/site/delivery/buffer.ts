/**
 * The buffer of a site, the only part that viewers connect to. It serves files from memory, then from disk, then by a fill.
 * Concurrent misses of one file share one disk read and one fill. This file composes its parts and contains no logic.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastPath } from '../../kernel/http/server.ts';
import { Semaphore } from '../../kernel/lifecycle/semaphore.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { Cache } from './cache/cache.ts';
import { createEgress, type Egress } from './egress/egress.ts';
import type { TrafficClass } from './egress/pacer.ts';
import { AlteredBytes, type FillDeps } from './fill/fill.ts';
import { Fills } from './fill/fills.ts';
import {
  type Address,
  createUpstreamClient,
  FILL_TIMING,
  type FillTiming,
  type UpstreamClient,
} from './fill/upstream-client.ts';
import {
  createUpstreamList,
  originUpstream,
  type UpstreamList,
  type UpstreamListDeps,
} from './fill/upstreams.ts';
import { videoWithdrawn } from './http/problems.ts';
import { ALL_PUBLIC, type BufferRights, hidePrivate } from './respond/buffer-rights.ts';
import { createMediaFastPath } from './respond/fast-path.ts';
import { createHandler } from './respond/serve.ts';
import { createViewerReports, type ViewerReports } from './respond/viewer-reports.ts';

const MAX_ORIGIN_REQUESTS = 32;
const MAX_SITE_REQUESTS = 64;
const MAX_QUEUE = 256;
/** The announced bytes of all fills in progress. */
const MAX_FILLING_BYTES = 512 * 2 ** 20;

export interface BufferOptions {
  /** Undefined until the site has joined. Until then it asks no other site. */
  readonly siteId: () => string | undefined;
  readonly directory: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** The address of this site's own origin. */
  readonly origin: Address;
  readonly trackerUrl: () => string | undefined;
  /** Default: no video is private. */
  readonly rights?: BufferRights;
  /** Asks a tracker for upstreams with this site's signature, for private videos. */
  readonly fetchUpstreamsSigned?: UpstreamListDeps['fetchUpstreamsSigned'];
  readonly log: Log;
  readonly timing?: FillTiming;
  /** The uplink. Default: unlimited. */
  readonly egress?: Egress;
  /** False if this site does not serve this viewer. Default: all viewers are served. */
  readonly servesViewer?: (request: IncomingMessage) => boolean;
  /** False at times of day at which nothing is prefetched. Default: always true. */
  readonly mayPrefetch?: () => boolean;
}

export interface BufferStats {
  /** Responses from memory or disk. */
  readonly hits: number;
  /** Responses from a fill, including its failures. */
  readonly misses: number;
  /** Fills that were started. */
  readonly fills: number;
  readonly fillsFailed: number;
  readonly diskReads: number;
  /** Bytes on the wire, to viewers and to other sites' fills. */
  readonly egress: Readonly<Record<TrafficClass, number>>;
  /** Body bytes that were fetched from other sites. */
  readonly ingressBytes: number;
  readonly activeResponses: number;
  readonly activeFills: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface StreamBuffer {
  /** Serves plain GETs without node:http. Undefined if requests may be paced or rejected. */
  readonly fastPath: FastPath | undefined;
  handle(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Deletes a withdrawn video, ends its fills, and responds with 410 for it from now on.
   *
   * @throws Error if it cannot be deleted from disk
   */
  drop(video: VideoId): Promise<void>;
  /** Videos with at least one file on disk, without withdrawn ones. */
  videos(): ReadonlySet<VideoId>;
  /** Undoes `drop`. */
  allow(video: VideoId): void;
  /** Returns the players' reports and the viewed videos since the last call. */
  takeReports: ViewerReports['take'];
  stats(): BufferStats;
  /** Ends the fills in progress and waits for the disk. */
  stop(): Promise<void>;
}

export async function createStreamBuffer(options: BufferOptions): Promise<StreamBuffer> {
  const { directory, memoryBytes, diskBytes, log, rights = ALL_PUBLIC, mayPrefetch = () => true } = options;
  const { isPrivate } = rights;
  const hide = hidePrivate(rights);
  const cache = await Cache.open({ directory, memoryBytes, diskBytes, isPrivate, log });
  const upstreams = createUpstreamList({
    trackerUrl: options.trackerUrl,
    selfSiteId: options.siteId,
    fetchUpstreamsSigned: options.fetchUpstreamsSigned,
    onPrivate: rights.notePrivate,
  });
  const client = createUpstreamClient(options.timing ?? FILL_TIMING);
  const fill = createFillDeps(options, rights, upstreams, client);
  const fills = new Fills({ fill, cache, isPrivate, mayPrefetch, log });
  const egress = options.egress ?? createEgress({}, undefined);
  const { servesViewer } = options;
  const reports = createViewerReports();
  const counts = { hits: 0, misses: 0, activeResponses: 0 };
  rights.onChange(video => {
    cache.deleteFromMemory(video);
    upstreams.forget(video);
  });

  return {
    // If responses may be paced or rejected, all requests use node:http, which does that.
    fastPath:
      egress.isUnlimited && !servesViewer
        ? createMediaFastPath({ cache, fills, counts, egress, reports, rights, hide })
        : undefined,
    handle: createHandler({
      hide,
      cache,
      fills,
      counts,
      egress,
      servesViewer: servesViewer ?? (() => true),
      reports,
      rights,
      log,
    }),
    async drop(video) {
      const deleted = cache.withdraw(video);
      fills.stopVideo(video, videoWithdrawn());
      await deleted;
    },
    videos: () => cache.videos(),
    allow: video => cache.allow(video),
    takeReports: reports.take,
    stats: () => ({ ...counts, ...fills.counts(), ...cache.stats(), egress: egress.bytes }),
    async stop() {
      fills.stop();
      client.stop();
      await egress.stop();
      await cache.stop();
    },
  };
}

function createFillDeps(
  options: BufferOptions,
  rights: BufferRights,
  upstreams: UpstreamList,
  client: UpstreamClient,
): FillDeps {
  const { log } = options;
  let fillingBytes = 0;
  return {
    origin: originUpstream(options.origin),
    upstreams,
    client,
    originRequests: new Semaphore(MAX_ORIGIN_REQUESTS, MAX_QUEUE),
    siteRequests: new Semaphore(MAX_SITE_REQUESTS, MAX_QUEUE),
    siteId: options.siteId,
    originToken: video => (rights.isPrivate(video) ? rights.originToken(video) : undefined),
    reserve(bytes) {
      if (fillingBytes > 0 && fillingBytes + bytes > MAX_FILLING_BYTES) return false;
      fillingBytes += bytes;
      return true;
    },
    release(bytes) {
      fillingBytes -= bytes;
    },
    onUpstreamFailed(upstream, file, error) {
      const hasAltered = error instanceof AlteredBytes;
      if (!upstream.isOwnOrigin) upstreams.noteFailure(upstream, hasAltered);
      const context = { upstream: upstream.name, key: file.key, reason: messageOf(error) };
      if (hasAltered) log.error(context, 'an upstream sent altered bytes');
      else log.warn(context, 'an upstream could not fill');
    },
  };
}

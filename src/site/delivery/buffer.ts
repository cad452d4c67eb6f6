/**
 * The buffer (CP): the only thing that viewers talk to. Memory first, then disk, then a fill; concurrent misses of one file
 * make one read of the disk and one fill.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { FastPath } from '../../kernel/http/server.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, type Problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { DiskTier } from './cache/disk-tier.ts';
import { type CacheEntry, MemoryTier, makeCacheEntry } from './cache/memory-tier.ts';
import { createEgress, type Egress } from './egress/egress.ts';
import type { TrafficClass } from './egress/pacer.ts';
import { AlteredBytes, Fill, type FillDeps } from './fill/fill.ts';
import { createHolderList, type HolderListDeps, originHolder } from './fill/holders.ts';
import { listNext } from './fill/prefetch.ts';
import { Semaphore } from './fill/semaphore.ts';
import { type Address, createUpstreamClient, FILL_TIMING, type FillTiming } from './fill/upstream-client.ts';
import { etagOfBody } from './http/etags.ts';
import type { MediaFile } from './http/media-file.ts';
import { busy, stopping, videoWithdrawn } from './http/problems.ts';
import { createMediaFastPath } from './respond/fast-path.ts';
import { ALL_PUBLIC, type BufferRights } from './respond/rights.ts';
import { createHandler, type Shelf } from './respond/serve.ts';
import { createViewerReports, type ViewerReports } from './respond/viewer-reports.ts';

const ORIGIN_REQUESTS_AT_ONCE = 32;
const SITE_REQUESTS_AT_ONCE = 64;
const MAX_QUEUE = 256;
/** Fills of any state: asking the tracker, waiting in a queue, under way. */
const MAX_FILLS = 1_024;
/** Of videos at other sites, before anybody waits for them. */
const MAX_FILLS_AHEAD = 16;
const MAX_FILLING_BYTES = 512 * 2 ** 20;
const DISK_READS_AT_ONCE = 16;
const REMEMBER_REFUSAL_MS = 2_000;

export interface BufferOptions {
  /** Undefined until the site has joined; it asks no other site before. */
  readonly siteId: () => string | undefined;
  readonly directory: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** This site's own origin. */
  readonly origin: Address;
  readonly trackerUrl: () => string | undefined;
  /** Without them nothing is private here. */
  readonly rights?: BufferRights;
  /** Asks a tracker with this site's signature, for videos that are private. */
  readonly fetchHoldersSigned?: HolderListDeps['fetchHoldersSigned'];
  readonly log: Log;
  readonly timing?: FillTiming;
  /** The way out. Without one nothing is limited. */
  readonly egress?: Egress;
  /** False: this viewer is not served from here. */
  readonly servesViewer?: (request: IncomingMessage) => boolean;
  /** False: at this time of day only what a viewer waits for is fetched from other sites. */
  readonly mayPrefetch?: () => boolean;
}

export interface BufferStats {
  /** Answered from memory or disk. */
  readonly hits: number;
  /** Answered by a fill, or by saying no. */
  readonly misses: number;
  /** Fills begun, and those of them that failed. */
  readonly fills: number;
  readonly fillsFailed: number;
  readonly diskReads: number;
  /** Bytes on the wire: to viewers, and to other sites' fills. */
  readonly egress: Readonly<Record<TrafficClass, number>>;
  /** Bytes that were fetched from other sites. */
  readonly ingressBytes: number;
  readonly activeResponses: number;
  readonly activeFills: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface StreamBuffer {
  /** Answers plain requests for what is in memory, below node:http. */
  readonly fastPath: FastPath | undefined;
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Forgets a withdrawn video, cuts off its fills, and answers 410 for it from now on. @throws Error if the disk will not. */
  drop(video: VideoId): Promise<void>;
  /** Of which something is kept on disk, withdrawn ones left out. */
  videos(): ReadonlySet<VideoId>;
  /** Takes back `drop`. */
  allow(video: VideoId): void;
  /** What viewers' players told, and which videos they had, since this was last asked for. */
  takeReports: ViewerReports['take'];
  stats(): BufferStats;
  /** Ends the fills under way and waits for the disk. */
  stop(): Promise<void>;
}

export async function createStreamBuffer(options: BufferOptions): Promise<StreamBuffer> {
  const { log, rights = ALL_PUBLIC } = options;
  const disk = await DiskTier.open(options.directory, options.diskBytes, log);
  const dropped = new Set<VideoId>();
  const memory = new MemoryTier(options.memoryBytes, kept => {
    // In demand in memory, it was not asked of the disk, which may have let it go.
    disk.touch(kept.file);
    if (!dropped.has(kept.file.video)) disk.add(kept.file, kept);
  });
  const sites = createHolderList({
    trackerUrl: options.trackerUrl,
    selfSiteId: options.siteId,
    fetchHoldersSigned: options.fetchHoldersSigned,
    onPrivate: rights.notePrivate,
  });
  const client = createUpstreamClient(options.timing ?? FILL_TIMING);
  let fillingBytes = 0;
  const means: FillDeps = {
    origin: originHolder(options.origin),
    sites,
    client,
    originRequests: new Semaphore(ORIGIN_REQUESTS_AT_ONCE, MAX_QUEUE),
    siteRequests: new Semaphore(SITE_REQUESTS_AT_ONCE, MAX_QUEUE),
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
    onHolderFailed(holder, file, error) {
      const hasAltered = error instanceof AlteredBytes;
      if (!holder.isOwnOrigin) sites.noteFailure(holder, hasAltered);
      const what = { holder: holder.name, key: file.key, reason: messageOf(error) };
      if (hasAltered) log.error(what, 'a holder sent bytes that are not those of the video');
      else log.warn(what, 'a holder could not fill');
    },
  };
  const egress = options.egress ?? createEgress({}, undefined);
  const mayFetchAhead = options.mayPrefetch ?? (() => true);
  /** Videos that lie at other sites. */
  const away = new LRUCache<VideoId, true>({ max: 10_000 });
  const diskSlots = new Semaphore(DISK_READS_AT_ONCE, Number.POSITIVE_INFINITY);
  const fills = new Map<string, Fill>();
  const readings = new Map<string, Promise<CacheEntry | undefined>>();
  const refusals = new LRUCache<string, Problem>({ max: 10_000, ttl: REMEMBER_REFUSAL_MS });
  const counts = {
    hits: 0,
    misses: 0,
    fills: 0,
    fillsFailed: 0,
    diskReads: 0,
    ingressBytes: 0,
    activeResponses: 0,
  };
  let isStopped = false;

  async function read(file: MediaFile): Promise<CacheEntry | undefined> {
    counts.diskReads++;
    const found = await diskSlots.run(() => disk.read(file));
    if (!found || dropped.has(file.video)) return undefined;
    const kept = makeCacheEntry(file, found, rights.isPrivate(file.video));
    memory.add(kept);
    return kept;
  }

  function startFill(
    fillKey: string,
    file: MediaFile,
    mayAskOthers: boolean,
    hasRight: boolean,
    isAhead = false,
  ): Fill {
    const fill = new Fill(means, file, mayAskOthers, hasRight, isAhead);
    fills.set(fillKey, fill);
    counts.fills++;
    void fill.run().then(() => {
      fills.delete(fillKey);
      const { body, failure } = fill;
      if (fill.isRemote) {
        counts.ingressBytes += body?.length ?? 0;
        away.set(file.video, true);
        if (!fill.isPrefetch) fetchAhead(file);
      }
      if (failure) noteRefusal(fillKey, file, failure);
      else if (body && fill.mayKeep && !dropped.has(file.video)) {
        const { etag = etagOfBody(body), proof } = fill;
        const kept = makeCacheEntry(file, { body, etag, proof }, rights.isPrivate(file.video));
        kept.isPrefetched = fill.isPrefetch;
        memory.add(kept);
        disk.add(file, kept);
      }
    });
    return fill;
  }

  function fetchAhead(viewed: MediaFile): void {
    if (isStopped || !away.has(viewed.video) || !mayFetchAhead()) return;
    for (const file of listNext(viewed)) {
      const hasRight = rights.isPrivate(file.video);
      const fillKey = fillKeyOf(file, true, hasRight);
      const isHere = memory.has(file.key) || disk.has(file) || fills.has(fillKey) || refusals.has(fillKey);
      const underWay = [...fills.values()].filter(({ isPrefetch: isAhead }) => isAhead).length;
      if (isHere || underWay >= MAX_FILLS_AHEAD || dropped.has(file.video)) continue;
      startFill(fillKey, file, true, hasRight, true);
    }
  }

  function noteRefusal(fillKey: string, file: MediaFile, failure: Problem): void {
    counts.fillsFailed++;
    if (failure.status < 500 && !dropped.has(file.video)) refusals.set(fillKey, failure);
    // Its own site or the tracker said so: what is left of it here is gone too.
    if (failure.code === 'video-withdrawn') {
      forget(file.video).catch(error =>
        log.warn({ video: file.video, reason: messageOf(error) }, 'a withdrawn video is still on disk'),
      );
    }
  }

  function forget(video: VideoId): Promise<void> {
    memory.drop(video);
    return disk.drop(video);
  }

  const shelf: Shelf = {
    find: key => memory.find(key),
    hasOnDisk: file => disk.has(file),
    read(file) {
      if (!disk.has(file)) return undefined;
      let reading = readings.get(file.key);
      if (!reading) {
        reading = read(file).finally(() => readings.delete(file.key));
        readings.set(file.key, reading);
      }
      return reading;
    },
    fill(file, mayAskOthers, hasRight) {
      if (isStopped) return stopping();
      const fillKey = fillKeyOf(file, mayAskOthers, hasRight);
      const refusal = refusals.get(fillKey);
      if (refusal) return refusal;
      const underWay = fills.get(fillKey);
      if (underWay) {
        underWay.promote();
        return underWay;
      }
      return fills.size >= MAX_FILLS ? busy() : startFill(fillKey, file, mayAskOthers, hasRight);
    },
    isWithdrawn: video => dropped.has(video),
    isPrivate: rights.isPrivate,
    noteViewed(file, kept) {
      if (kept) kept.isPrefetched = false;
      fetchAhead(file);
    },
  };
  // What is in memory has its headers ready, and says for itself whether it is private: it is made anew from disk, or asked for.
  rights.onChange(video => {
    memory.drop(video);
    sites.forget(video);
  });
  const servesViewer = options.servesViewer ?? (() => true);
  const reports = createViewerReports();

  return {
    // Where something is paced or refused, every request takes the longer way, on which that is done.
    fastPath:
      egress.isFree && !options.servesViewer
        ? createMediaFastPath({ shelf, counts, egress, reports, rights })
        : undefined,
    handle: createHandler({ shelf, counts, egress, servesViewer, reports, rights, log }),
    async drop(video) {
      dropped.add(video);
      for (const fill of fills.values()) if (fill.file.video === video) fill.stop(videoWithdrawn());
      await forget(video);
    },
    videos: () => new Set([...disk.videos].filter(video => !dropped.has(video))),
    allow: video => void dropped.delete(video),
    takeReports: reports.take,
    stats: () => ({
      ...counts,
      egress: egress.bytes,
      activeFills: fills.size,
      memoryBytes: memory.bytes,
      diskBytes: disk.bytes,
    }),
    async stop() {
      isStopped = true;
      for (const fill of fills.values()) fill.stop(stopping());
      client.stop();
      await egress.stop();
      await disk.idle();
    },
  };
}

/**
 * Requests of other buffers are kept apart: they must never wait for a fill that may be waiting for them. So are those that have a
 * right: what they fetch may be what others must not have.
 */
const fillKeyOf = (file: MediaFile, mayAskOthers: boolean, hasRight: boolean): string =>
  `${mayAskOthers ? '' : 'own '}${hasRight ? 'right ' : ''}${file.key}`;

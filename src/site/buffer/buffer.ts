/**
 * The buffer (CP): the only thing that viewers talk to. Memory first, then disk, then a fill; concurrent misses of one file
 * make one read of the disk and one fill.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { ConnectionLane } from '../../kernel/http.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, type Problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { DiskTier } from './disk-tier.ts';
import { etagOfBody } from './etags.ts';
import { Fill, type FillMeans } from './fill.ts';
import { createHotLane } from './hot-lane.ts';
import type { MediaFile } from './media-file.ts';
import { type Kept, MemoryTier, makeKept } from './memory-tier.ts';
import { busy, stopping, videoWithdrawn } from './problems.ts';
import { createHandler, type Shelf } from './serve.ts';
import { Slots } from './slots.ts';
import { originUpstream, siteUpstreams } from './sources.ts';
import { type Address, createUpstreamClient, FILL_TIMING, type FillTiming } from './upstream.ts';

const ORIGIN_REQUESTS_AT_ONCE = 32;
const SITE_REQUESTS_AT_ONCE = 64;
const MAX_QUEUE = 256;
/** Fills of any state: asking the tracker, waiting in a queue, under way. */
const MAX_FILLS = 1_024;
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
  readonly log: Log;
  readonly timing?: FillTiming;
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
  /** Body bytes handed to viewers' connections. */
  readonly egressBytes: number;
  readonly activeResponses: number;
  readonly activeFills: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface StreamBuffer {
  /** Answers plain requests for what is in memory, below node:http. */
  readonly lane: ConnectionLane;
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Forgets a withdrawn video, cuts off its fills, and answers 410 for it from now on. @throws Error if the disk will not. */
  drop(video: VideoId): Promise<void>;
  /** Takes back `drop`. */
  allow(video: VideoId): void;
  stats(): BufferStats;
  /** Ends the fills under way and waits for the disk. */
  stop(): Promise<void>;
}

export async function createStreamBuffer(options: BufferOptions): Promise<StreamBuffer> {
  const { log } = options;
  const disk = await DiskTier.open(options.directory, options.diskBytes, log);
  const memory = new MemoryTier(options.memoryBytes, file => disk.touch(file));
  const sites = siteUpstreams({ trackerUrl: options.trackerUrl, selfSiteId: options.siteId });
  const client = createUpstreamClient(options.timing ?? FILL_TIMING);
  let fillingBytes = 0;
  const means: FillMeans = {
    origin: originUpstream(options.origin),
    sites,
    client,
    originSlots: new Slots(ORIGIN_REQUESTS_AT_ONCE, MAX_QUEUE),
    siteSlots: new Slots(SITE_REQUESTS_AT_ONCE, MAX_QUEUE),
    siteId: options.siteId,
    reserve(bytes) {
      if (fillingBytes > 0 && fillingBytes + bytes > MAX_FILLING_BYTES) return false;
      fillingBytes += bytes;
      return true;
    },
    release(bytes) {
      fillingBytes -= bytes;
    },
    onHolderFailed(holder, file, reason) {
      if (!holder.isOwnOrigin) sites.noteFailure(holder);
      log.warn({ holder: holder.name, key: file.key, reason }, 'a holder could not fill');
    },
  };
  const diskSlots = new Slots(DISK_READS_AT_ONCE, Number.POSITIVE_INFINITY);
  const fills = new Map<string, Fill>();
  const readings = new Map<string, Promise<Kept | undefined>>();
  const refusals = new LRUCache<string, Problem>({ max: 10_000, ttl: REMEMBER_REFUSAL_MS });
  const dropped = new Set<VideoId>();
  const counts = {
    hits: 0,
    misses: 0,
    fills: 0,
    fillsFailed: 0,
    diskReads: 0,
    egressBytes: 0,
    activeResponses: 0,
  };
  let isStopped = false;

  async function read(file: MediaFile): Promise<Kept | undefined> {
    counts.diskReads++;
    const found = await diskSlots.use(() => disk.read(file));
    if (!found || dropped.has(file.video)) return undefined;
    const kept = makeKept(file, found.body, found.etag);
    memory.keep(kept);
    return kept;
  }

  function startFill(fillKey: string, file: MediaFile, mayAskOthers: boolean): Fill {
    const fill = new Fill(means, file, mayAskOthers);
    fills.set(fillKey, fill);
    counts.fills++;
    void fill.run().then(() => {
      fills.delete(fillKey);
      const { body, failure } = fill;
      if (failure) noteRefusal(fillKey, file, failure);
      else if (body && !dropped.has(file.video)) {
        const kept = makeKept(file, body, fill.etag ?? etagOfBody(body));
        memory.keep(kept);
        disk.keep(file, kept);
      }
    });
    return fill;
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
    read(file) {
      if (!disk.has(file)) return undefined;
      let reading = readings.get(file.key);
      if (!reading) {
        reading = read(file).finally(() => readings.delete(file.key));
        readings.set(file.key, reading);
      }
      return reading;
    },
    fill(file, mayAskOthers) {
      if (isStopped) return stopping();
      // Requests of other buffers are kept apart: they must never wait for a fill that may be waiting for them.
      const fillKey = mayAskOthers ? file.key : `own ${file.key}`;
      const refusal = refusals.get(fillKey);
      if (refusal) return refusal;
      const underWay = fills.get(fillKey);
      if (underWay) return underWay;
      return fills.size >= MAX_FILLS ? busy() : startFill(fillKey, file, mayAskOthers);
    },
    isWithdrawn: video => dropped.has(video),
  };

  return {
    lane: createHotLane(shelf.find, counts),
    handle: createHandler(shelf, counts, log),
    async drop(video) {
      dropped.add(video);
      for (const fill of fills.values()) if (fill.file.video === video) fill.stop(videoWithdrawn());
      await forget(video);
    },
    allow: video => void dropped.delete(video),
    stats: () => ({
      ...counts,
      activeFills: fills.size,
      memoryBytes: memory.bytes,
      diskBytes: disk.bytes,
    }),
    async stop() {
      isStopped = true;
      for (const fill of fills.values()) fill.stop(stopping());
      client.stop();
      await disk.settle();
    },
  };
}

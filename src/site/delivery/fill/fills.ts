/** The fills of a buffer: at most one for each file, prefetches, and the rejections that are remembered for a moment. */
import { LRUCache } from 'lru-cache';
import type { Log } from '../../../kernel/log.ts';
import { messageOf, type Problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Cache } from '../cache/cache.ts';
import { etagOfBody } from '../http/etags.ts';
import type { MediaFile } from '../http/media-file.ts';
import { busy, stopping } from '../http/problems.ts';
import { Fill, type FillDeps, type FillRequest } from './fill.ts';
import { listNext } from './prefetch.ts';

/** Fills in any state: asking the tracker, queued, or in progress. */
const MAX_FILLS = 1_024;
const MAX_PREFETCHES = 16;
const REMEMBER_REJECTION_MS = 2_000;

interface FillsDeps {
  readonly fill: FillDeps;
  readonly cache: Cache;
  readonly isPrivate: (video: VideoId) => boolean;
  readonly mayPrefetch: () => boolean;
  readonly log: Log;
}

interface FillCounts {
  /** Fills that were started. */
  readonly fills: number;
  readonly fillsFailed: number;
  /** Body bytes that were fetched from other sites. */
  readonly ingressBytes: number;
  readonly activeFills: number;
}

export class Fills {
  readonly #deps: FillsDeps;
  readonly #active = new Map<string, Fill>();
  readonly #rejections = new LRUCache<string, Problem>({ max: 10_000, ttl: REMEMBER_REJECTION_MS });
  /** Videos that are stored at other sites. */
  readonly #remoteVideos = new LRUCache<VideoId, true>({ max: 10_000 });
  readonly #counts = { fills: 0, fillsFailed: 0, ingressBytes: 0 };
  #isStopped = false;

  constructor(deps: FillsDeps) {
    this.#deps = deps;
  }

  /** The fill of a file that a client waits for: the one in progress, a new one, or the reason why there is none. */
  start(file: MediaFile, options: Pick<FillRequest, 'mayAskOthers' | 'hasToken'>): Fill | Problem {
    if (this.#isStopped) return stopping();
    const request: FillRequest = { file, ...options, isPrefetch: false };
    const key = keyOf(request);
    const rejection = this.#rejections.get(key);
    if (rejection) return rejection;
    const active = this.#active.get(key);
    if (active) {
      active.promote();
      return active;
    }
    return this.#active.size >= MAX_FILLS ? busy() : this.#run(key, request);
  }

  /** Prefetches the files that follow one that a viewer has requested, if the video is stored at another site. */
  prefetchAfter(viewed: MediaFile): void {
    const { cache, isPrivate, mayPrefetch } = this.#deps;
    if (this.#isStopped || !this.#remoteVideos.has(viewed.video) || !mayPrefetch()) return;
    for (const file of listNext(viewed)) {
      const hasToken = isPrivate(file.video);
      const request: FillRequest = { file, mayAskOthers: true, hasToken, isPrefetch: true };
      const key = keyOf(request);
      const isKnown = cache.has(file) || this.#active.has(key) || this.#rejections.has(key);
      const prefetches = [...this.#active.values()].filter(({ isPrefetch }) => isPrefetch).length;
      if (isKnown || prefetches >= MAX_PREFETCHES || cache.isWithdrawn(file.video)) continue;
      this.#run(key, request);
    }
  }

  /** Ends the fills of a video. */
  stopVideo(video: VideoId, reason: Problem): void {
    for (const fill of this.#active.values()) if (fill.file.video === video) fill.stop(reason);
  }

  /** Ends all fills and starts no new ones. */
  stop(): void {
    this.#isStopped = true;
    for (const fill of this.#active.values()) fill.stop(stopping());
  }

  counts(): FillCounts {
    return { ...this.#counts, activeFills: this.#active.size };
  }

  #run(key: string, request: FillRequest): Fill {
    const fill = new Fill(this.#deps.fill, request);
    this.#active.set(key, fill);
    this.#counts.fills++;
    void fill.run().then(() => this.#finish(key, fill));
    return fill;
  }

  #finish(key: string, fill: Fill): void {
    const { file, body, failure, proof, isPrefetch } = fill;
    this.#active.delete(key);
    if (fill.isRemote) {
      this.#counts.ingressBytes += body?.length ?? 0;
      this.#remoteVideos.set(file.video, true);
      if (!isPrefetch) this.prefetchAfter(file);
    }
    if (failure) this.#noteFailure(key, file, failure);
    else if (body && fill.mayKeep)
      this.#deps.cache.add(file, { body, etag: fill.etag ?? etagOfBody(body), proof }, isPrefetch);
  }

  #noteFailure(key: string, { video }: MediaFile, failure: Problem): void {
    const { cache, log } = this.#deps;
    this.#counts.fillsFailed++;
    if (failure.status < 500 && !cache.isWithdrawn(video)) this.#rejections.set(key, failure);
    // The video's own site or the tracker says that it was withdrawn, so the rest of it is deleted here too.
    if (failure.code === 'video-withdrawn') {
      cache
        .delete(video)
        .catch(error =>
          log.warn({ video, reason: messageOf(error) }, 'could not delete a withdrawn video from the cache'),
        );
    }
  }
}

/**
 * Requests of other buffers have their own fills, because they must never wait for a fill that may be waiting for them. So do
 * requests with a token: their fills may fetch files that other clients must not have.
 */
const keyOf = ({ file, mayAskOthers, hasToken }: FillRequest): string =>
  `${mayAskOthers ? '' : 'own '}${hasToken ? 'token ' : ''}${file.key}`;

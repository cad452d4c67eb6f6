/**
 * The timelines of revisions: where their segments begin. A timeline is fetched once from a site, because a revision
 * never changes. With it and the record, the tracker writes its own DASH manifests and relay playlists, which remain
 * usable if that site fails.
 */
import { LRUCache } from 'lru-cache';
import { call } from '../../kernel/http/client.ts';
import { Problem, problem } from '../../kernel/problem.ts';
import type { RevisionId, VideoId } from '../../protocol/base/ids.ts';
import { mediaPath, TIMELINE } from '../../protocol/media/media.ts';
import {
  MAX_TIMELINE_BYTES,
  type RevisionTimeline,
  revisionTimelineSchema,
} from '../../protocol/media/timeline.ts';

const TIMEOUT_MS = 2_000;
/** Sites that are tried, one after the other. */
const MAX_SITES_TRIED = 4;
const MAX_CACHE_BYTES = 64 * 2 ** 20;
/** Approximate memory of a run, a rendition and a timeline. */
const RUN_BYTES = 64;
const TIMELINE_BYTES = 1_024;
/** Limits the load on sites from requests for revisions that never existed. */
const MAX_PENDING = 64;
const MISSING_FOR_MS = 30_000;
const MAX_MISSING = 10_000;
/** 100 hours of four-second segments; a playlist of them has 3 MB. */
const MAX_SEGMENTS = 100_000;

export interface Timelines {
  /**
   * @param baseUrls the sites to try, the most trustworthy one first
   *
   * @throws Problem 404 `revision-unknown`, 503 `no-source`
   */
  get(video: VideoId, revision: RevisionId, baseUrls: readonly string[]): Promise<RevisionTimeline>;
  stop(): void;
}

export function createTimelines(): Timelines {
  const cached = new LRUCache<string, RevisionTimeline>({
    maxSize: MAX_CACHE_BYTES,
    sizeCalculation: sizeOf,
  });
  const missing = new LRUCache<string, true>({ max: MAX_MISSING, ttl: MISSING_FOR_MS });
  const pending = new Map<string, Promise<RevisionTimeline>>();
  const abort = new AbortController();

  async function fetchFrom(
    video: VideoId,
    revision: RevisionId,
    baseUrls: readonly string[],
  ): Promise<RevisionTimeline> {
    let isMissing = false;
    for (const baseUrl of baseUrls.slice(0, MAX_SITES_TRIED)) {
      try {
        const timeline = await call(baseUrl + mediaPath(video, revision, TIMELINE), {
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_TIMELINE_BYTES,
          abort: abort.signal,
          response: revisionTimelineSchema,
        });
        if (Object.values(timeline.renditions).some(({ runs }) => countSegments(runs) > MAX_SEGMENTS))
          continue;
        cached.set(`${video} ${revision}`, timeline);
        return timeline;
      } catch (error) {
        isMissing ||= error instanceof Problem && error.peerStatus === 404;
      }
    }
    if (!isMissing) throw unavailable();
    missing.set(`${video} ${revision}`, true);
    throw unknown();
  }

  return {
    async get(video, revision, baseUrls) {
      // The key includes the video: access to one video must not give access to another.
      const key = `${video} ${revision}`;
      const known = cached.get(key);
      if (known) return known;
      if (missing.has(key)) throw unknown();
      const running = pending.get(key);
      if (running) return running;
      if (pending.size >= MAX_PENDING) throw unavailable();
      const fetching = fetchFrom(video, revision, baseUrls).finally(() => pending.delete(key));
      pending.set(key, fetching);
      return fetching;
    },
    stop: () => abort.abort(),
  };
}

type Runs = RevisionTimeline['renditions'][string]['runs'];

const countSegments = (runs: Runs): number => runs.reduce((sum, [, count]) => sum + count, 0);

const sizeOf = ({ renditions }: RevisionTimeline): number =>
  Object.values(renditions).reduce((sum, { runs }) => sum + RUN_BYTES * (1 + runs.length), TIMELINE_BYTES);

/** Lists the durations of the segments, in seconds. */
export const listDurations = ({ timescale, runs }: RevisionTimeline['renditions'][string]): number[] =>
  runs.flatMap(([ticks, count]) => Array<number>(count).fill(ticks / timescale));

const unknown = (): Problem =>
  problem('revision-unknown', 'No site has this revision of the video. Request the video again.');
const unavailable = (): Problem =>
  problem('no-source', 'No site with this video responds at the moment. Try again soon.', {
    headers: { 'retry-after': '2' },
  });

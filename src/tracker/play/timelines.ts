/**
 * Where the segments of videos begin, asked of a site that has them, once: a revision never changes. With them and the record
 * the tracker writes DASH manifests and relayed playlists of its own, which go on working when that site is gone.
 */
import { LRUCache } from 'lru-cache';
import { call } from '../../kernel/http/client.ts';
import { Problem, problem } from '../../kernel/problem.ts';
import type { RevisionId, VideoId } from '../../protocol/ids.ts';
import { mediaPath, TIMELINE } from '../../protocol/media/media.ts';
import {
  MAX_TIMELINE_BYTES,
  type RevisionTimeline,
  revisionTimelineSchema,
} from '../../protocol/media/timeline.ts';

const TIMEOUT_MS = 2_000;
/** Sites that are asked one after the other. */
const MAX_ASKED = 4;
const MAX_KEPT_BYTES = 64 * 2 ** 20;
/** About what a run, a rendition and a timeline take in memory. */
const RUN_BYTES = 64;
const TIMELINE_BYTES = 1_024;
/** Whoever asks for revisions that there never were costs the sites this much and no more. */
const MAX_UNDER_WAY = 64;
const MISSING_FOR_MS = 30_000;
const MAX_MISSING = 10_000;
/** 100 hours of four-second segments; a playlist of them has 3 MB. */
export const MAX_SEGMENTS = 100_000;

export interface Timelines {
  /**
   * @param baseUrls of sites to ask, the most trusted first
   * @throws Problem 404 `revision-unknown`, 503 `no-source`.
   */
  of(video: VideoId, revision: RevisionId, baseUrls: readonly string[]): Promise<RevisionTimeline>;
  stop(): void;
}

export function createTimelines(): Timelines {
  const kept = new LRUCache<string, RevisionTimeline>({
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: sizeOf,
  });
  const missing = new LRUCache<string, true>({ max: MAX_MISSING, ttl: MISSING_FOR_MS });
  const underWay = new Map<string, Promise<RevisionTimeline>>();
  const stopped = new AbortController();

  async function fetchFrom(
    video: VideoId,
    revision: RevisionId,
    baseUrls: readonly string[],
  ): Promise<RevisionTimeline> {
    let isMissing = false;
    for (const baseUrl of baseUrls.slice(0, MAX_ASKED)) {
      try {
        const timeline = await call(baseUrl + mediaPath(video, revision, TIMELINE), {
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_TIMELINE_BYTES,
          abort: stopped.signal,
          response: revisionTimelineSchema,
        });
        if (Object.values(timeline.renditions).some(({ runs }) => countSegments(runs) > MAX_SEGMENTS))
          continue;
        kept.set(`${video} ${revision}`, timeline);
        return timeline;
      } catch (error) {
        isMissing ||= error instanceof Problem && error.peerStatus === 404;
      }
    }
    if (!isMissing) throw noAnswer();
    missing.set(`${video} ${revision}`, true);
    throw unknown();
  }

  return {
    async of(video, revision, baseUrls) {
      // By both: who may ask for one video must not be given another's.
      const key = `${video} ${revision}`;
      const known = kept.get(key);
      if (known) return known;
      if (missing.has(key)) throw unknown();
      const before = underWay.get(key);
      if (before) return before;
      if (underWay.size >= MAX_UNDER_WAY) throw noAnswer();
      const fetching = fetchFrom(video, revision, baseUrls).finally(() => underWay.delete(key));
      underWay.set(key, fetching);
      return fetching;
    },
    stop: () => stopped.abort(),
  };
}

type Runs = RevisionTimeline['renditions'][string]['runs'];

const countSegments = (runs: Runs): number => runs.reduce((sum, [, count]) => sum + count, 0);

const sizeOf = ({ renditions }: RevisionTimeline): number =>
  Object.values(renditions).reduce((sum, { runs }) => sum + RUN_BYTES * (1 + runs.length), TIMELINE_BYTES);

/** The durations of the segments, seconds. */
export const listDurations = ({ timescale, runs }: RevisionTimeline['renditions'][string]): number[] =>
  runs.flatMap(([ticks, count]) => Array<number>(count).fill(ticks / timescale));

const unknown = (): Problem =>
  problem('revision-unknown', 'No site has this revision of the video. Ask for the video again.');
const noAnswer = (): Problem =>
  problem('no-source', 'No site that has this video answers now. Try again in a moment.', {
    headers: { 'retry-after': '2' },
  });

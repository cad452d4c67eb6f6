/**
 * Remembers which sites recently served a video of which they hold only a part, in their buffers. Bounded; entries
 * expire.
 */
import { LRUCache } from 'lru-cache';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';

const MAX_VIDEOS = 50_000;
const MAX_SITES = 8;
const FORGET_MS = 900_000;

export interface PartialHolders {
  record(site: SiteId, videos: readonly VideoId[]): void;
  of(video: VideoId): readonly SiteId[];
}

export function createPartialHolders(): PartialHolders {
  const bySite = new LRUCache<VideoId, readonly SiteId[]>({ max: MAX_VIDEOS, ttl: FORGET_MS });
  return {
    record(site, videos) {
      for (const video of videos) {
        const others = (bySite.get(video) ?? []).filter(each => each !== site);
        bySite.set(video, [site, ...others].slice(0, MAX_SITES));
      }
    },
    of: video => bySite.get(video) ?? [],
  };
}

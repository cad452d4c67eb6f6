/** Keeps the catalogue up to date without discarding what "Load more" has added. Pure. */
import type { Video } from '../../protocol/central.ts';

export interface VideoPage {
  readonly videos: readonly Video[];
  readonly next?: string;
}

/**
 * Merges a new first page into the shown videos. Shown videos after its last one remain. A shown video that belongs on the
 * first page and is not on it any more was withdrawn.
 */
export function mergeNewest(shown: VideoPage | undefined, fresh: VideoPage): VideoPage {
  const last = fresh.videos.at(-1);
  if (!shown || !last || fresh.next === undefined) return fresh;
  const ids = new Set(fresh.videos.map(video => video.id));
  const lastIndex = shown.videos.findIndex(video => video.id === last.id);
  const after = shown.videos.slice(lastIndex + 1).filter(video => !ids.has(video.id));
  if (after.length === 0) return fresh;
  return { videos: [...fresh.videos, ...after], ...(shown.next === undefined ? {} : { next: shown.next }) };
}

/** Adds the next page below the shown videos. */
export function appendPage(shown: VideoPage, following: VideoPage): VideoPage {
  const ids = new Set(shown.videos.map(video => video.id));
  const { next } = following;
  return {
    videos: [...shown.videos, ...following.videos.filter(video => !ids.has(video.id))],
    ...(next === undefined ? {} : { next }),
  };
}

/** The videos of `fresh` that were not known before. */
export const listNew = (known: ReadonlySet<string>, fresh: VideoPage): readonly Video[] =>
  fresh.videos.filter(video => !known.has(video.id));

/** Keeps the catalogue up to date without losing what "load more" has brought. Pure. */
import type { Video } from '../../protocol/central.ts';

export interface VideoPage {
  readonly videos: readonly Video[];
  readonly next?: string;
}

/**
 * Puts a new first page over what is shown. What stood after its last video stays; what stood among its videos and is
 * no longer there was withdrawn.
 */
export function mergeNewest(shown: VideoPage | undefined, fresh: VideoPage): VideoPage {
  const last = fresh.videos.at(-1);
  if (!shown || !last || fresh.next === undefined) return fresh;
  const ids = new Set(fresh.videos.map(video => video.id));
  const place = shown.videos.findIndex(video => video.id === last.id);
  const after = shown.videos.slice(place + 1).filter(video => !ids.has(video.id));
  if (after.length === 0) return fresh;
  return { videos: [...fresh.videos, ...after], ...(shown.next === undefined ? {} : { next: shown.next }) };
}

/** Puts the following page below what is shown. */
export function appendPage(shown: VideoPage, following: VideoPage): VideoPage {
  const ids = new Set(shown.videos.map(video => video.id));
  const { next } = following;
  return {
    videos: [...shown.videos, ...following.videos.filter(video => !ids.has(video.id))],
    ...(next === undefined ? {} : { next }),
  };
}

/** Videos of `fresh` that were not known before. */
export const listNew = (known: ReadonlySet<string>, fresh: VideoPage): readonly Video[] =>
  fresh.videos.filter(video => !known.has(video.id));

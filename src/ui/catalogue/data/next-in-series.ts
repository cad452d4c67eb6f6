/** Where a viewer begins or continues a series. Pure. */
import { isResumable, type WatchProgress } from '../../browser/watch-progress.ts';
import type { CatalogueItem } from './item.ts';

interface Next {
  readonly item: CatalogueItem;
  /** Nothing of the series was watched before. */
  readonly isStart: boolean;
  /** How much of the video was watched, 0 to 1. */
  readonly watched: number;
}

/**
 * The video of the series that was watched last, if its end was not reached.
 *
 * @param items in the order of the series
 * @param progress of all videos, the last watched one first
 */
export function chooseNext(
  items: readonly CatalogueItem[],
  progress: readonly WatchProgress[],
): Next | undefined {
  for (const entry of progress) {
    const item = items.find(({ id }) => id === entry.video);
    if (item && isResumable(entry)) return { item, isStart: false, watched: entry.atMs / entry.durationMs };
  }
  const [first] = items;
  return first && { item: first, isStart: true, watched: 0 };
}

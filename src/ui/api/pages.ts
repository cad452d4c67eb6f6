/** Combines the first page of a library, which is reloaded, with the pages that "Load more" has added. Pure. */
import type { LibraryPage } from '../../protocol/site.ts';

export type LibraryVideo = LibraryPage['videos'][number];

/** Pages after the first one, which belong to one query. */
export interface FurtherPages {
  readonly query: string;
  readonly pages: readonly LibraryPage[];
}

export function mergePages(
  first: LibraryPage | undefined,
  query: string,
  further: FurtherPages | undefined,
): readonly LibraryPage[] {
  if (!first) return [];
  return further?.query === query ? [first, ...further.pages] : [first];
}

/** A new video moves the last ones of the first page to the second one, so a video may be on two pages. It is listed once. */
export const listVideos = (pages: readonly LibraryPage[]): readonly LibraryVideo[] => [
  ...new Map(pages.flatMap(page => page.videos.map(video => [video.id, video] as const))).values(),
];

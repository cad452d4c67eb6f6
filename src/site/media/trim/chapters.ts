/** Moves chapters between the timelines of a trimmed video and the untrimmed one. Pure. */

export interface Chapter {
  readonly startMs: number;
  readonly title: string;
}

/** The chapters between the marks. The one in which the start lies begins with the video. */
export function cutChapters(
  chapters: readonly Chapter[],
  startMs: number,
  endMs: number,
): readonly Chapter[] {
  const current = chapters.filter(chapter => chapter.startMs <= startMs).at(-1);
  const inside = chapters.filter(chapter => chapter.startMs > startMs && chapter.startMs < endMs);
  return [
    ...(current ? [{ ...current, startMs: 0 }] : []),
    ...inside.map(chapter => ({ ...chapter, startMs: chapter.startMs - startMs })),
  ];
}

/**
 * The chapters of the untrimmed video: those that were cut, and the present ones, which may have been edited since.
 *
 * @param before the chapters before the trim
 * @param present those of the trimmed video
 */
export function restoreChapters(
  before: readonly Chapter[],
  present: readonly Chapter[],
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): readonly Chapter[] {
  const isUnchanged = JSON.stringify(cutChapters(before, startMs, endMs)) === JSON.stringify(present);
  if (isUnchanged) return before;
  const moved = present.map(chapter => ({ ...chapter, startMs: chapter.startMs + startMs }));
  const outside = before.filter(chapter => chapter.startMs < startMs || chapter.startMs >= endMs);
  return [...outside, ...moved].sort((a, b) => a.startMs - b.startMs);
}

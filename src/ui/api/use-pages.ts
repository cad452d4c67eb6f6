/** The hook around a list by pages: the first page is reloaded regularly, further ones are loaded on request. */
import { useState } from 'preact/hooks';
import { type FurtherPages, mergePages } from './pages.ts';
import { usePoll } from './use-poll.ts';

export interface Pages<Page> {
  /** The first page; undefined until it was loaded. */
  readonly first: Page | undefined;
  readonly pages: readonly Page[];
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
  /** The error of the last attempt to load a page. */
  readonly error: unknown;
  readonly refresh: () => void;
}

/**
 * @param query identifies the list: another query discards all pages
 * @param load loads the first page, or the one after `cursor`
 */
export function usePages<Page extends { readonly next?: string | number | undefined }>(
  query: string,
  load: (cursor: Page['next'], abort?: AbortSignal) => Promise<Page>,
  refreshMs: number,
): Pages<Page> {
  const [further, setFurther] = useState<FurtherPages<Page>>();
  const [moreError, setMoreError] = useState<unknown>();
  const first = usePoll(
    query,
    abort => load(undefined, abort),
    () => refreshMs,
  );
  const pages = mergePages(first.value, query, further);
  const next = pages.at(-1)?.next;
  return {
    first: first.value,
    pages,
    hasMore: next !== undefined,
    async loadMore() {
      try {
        const page = await load(next);
        setFurther(before => ({ query, pages: [...(before?.query === query ? before.pages : []), page] }));
        setMoreError(undefined);
      } catch (cause) {
        setMoreError(cause);
      }
    },
    error: first.error ?? moreError,
    refresh: first.refresh,
  };
}

/** The results of a search, page after page. An entry of the history remembers which pages it had, so that returning shows them all. */
import { useRef, useState } from 'preact/hooks';
import { readEntry, usePlace, writeEntry } from '../../browser/place.ts';
import { type ItemPage, useCollection } from './collection.tsx';
import type { CatalogueItem } from './item.ts';
import { formatSearch, type SearchState } from './search-state.ts';
import { useLoad } from './use-load.ts';

const PAGE_SIZE = 24;
/** A page that is loaded again loads at most this many pages of its list. */
const MAX_RESTORED_PAGES = 10;

export interface Results {
  /** Undefined until the first page was loaded. */
  readonly items: readonly CatalogueItem[] | undefined;
  readonly pageCount: number;
  readonly next: string | undefined;
  readonly isLoadingMore: boolean;
  readonly isConnected: boolean;
  readonly siteName: string | undefined;
  readonly error: unknown;
  readonly retry: () => void;
  readonly loadMore: () => void;
}

/** @param isWanted false: nothing is loaded */
export function useResults(search: SearchState, isWanted = true): Results {
  const collection = useCollection();
  const { by } = usePlace();
  const key = `results ${collection.part} ${collection.key} ${formatSearch(search)}`;
  const list = (cursor: string | undefined, abort?: AbortSignal): Promise<ItemPage> =>
    collection.list({ ...search, cursor }, PAGE_SIZE, abort);
  const loaded = useLoad<readonly ItemPage[]>(
    isWanted ? key : undefined,
    abort => {
      const { cursors = [] } = by === 'link' ? {} : readEntry();
      const all = [search.cursor, ...cursors.slice(0, MAX_RESTORED_PAGES)];
      return Promise.all(all.map(cursor => list(cursor, abort)));
    },
    { former: by === 'link' ? 'forget' : 'reuse' },
  );
  const [more, setMore] = useState<{ readonly key: string; readonly error?: unknown }>();
  const latestKey = useRef(key);
  latestKey.current = key;
  const pages = loaded.value;
  const next = pages?.at(-1)?.next;
  const isLoadingMore = more?.key === key && more.error === undefined;
  const loadMore = async (): Promise<void> => {
    if (!pages || next === undefined || isLoadingMore) return;
    setMore({ key });
    try {
      const page = await list(next);
      if (latestKey.current !== key) return;
      const all = [...pages, page];
      loaded.update(all);
      writeEntry({ cursors: all.slice(0, -1).flatMap(each => each.next ?? []) });
      setMore(undefined);
    } catch (error) {
      setMore({ key, error });
    }
  };
  const moreError = more?.key === key ? more.error : undefined;
  return {
    items: pages && listOnce(pages.flatMap(({ items }) => items)),
    pageCount: pages?.length ?? 0,
    next,
    isLoadingMore,
    isConnected: pages?.[0]?.isConnected ?? true,
    siteName: pages?.[0]?.siteName,
    error: loaded.error ?? moreError,
    retry: moreError === undefined ? loaded.retry : () => void loadMore(),
    loadMore: () => void loadMore(),
  };
}

/** A video that was published while pages were loaded moves others to the next page. */
const listOnce = (items: readonly CatalogueItem[]): readonly CatalogueItem[] => [
  ...new Map(items.map(item => [item.id, item])).values(),
];

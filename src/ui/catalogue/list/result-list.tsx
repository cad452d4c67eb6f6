/** The videos of a search, page after page, with everything that can happen to them: they load, fail, or there are none. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ErrorNotice } from '../../components/notice.tsx';
import { CardSkeletons } from '../../components/video-card/video-card.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import type { SearchState } from '../data/search-state.ts';
import type { Results } from '../data/use-results.ts';
import { ItemCard } from './item-card.tsx';

const SKELETONS = 8;
/** So many pages follow by themselves. Then the person decides, and can reach the end of the page. */
const AUTOMATIC_PAGES = 4;
const AHEAD = '600px';

interface ResultListProps {
  readonly results: Results;
  readonly search: SearchState;
  readonly layout: 'tile' | 'row';
  readonly level?: 2 | 3;
  /** Shown if there is no video. */
  readonly empty: ComponentChildren;
}

export function ResultList({ results, search, layout, level = 2, empty }: ResultListProps) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  const { items, error, next } = results;
  const { cursor, ...whole } = search;
  return (
    <>
      {cursor !== undefined && (
        <p>
          <a href={addresses.searchFor(whole)}>{t.search.firstPage}</a>
        </p>
      )}
      {/* A page may be empty although others follow. */}
      {items?.length === 0 && next === undefined && empty}
      <ul
        class={`cards ${layout === 'row' ? 'cards-rows' : ''}`}
        aria-busy={items === undefined && error === undefined}
        data-testid="videos"
      >
        {items?.map(item => (
          <ItemCard key={`${item.id} ${item.revision}`} item={item} layout={layout} level={level} />
        ))}
        {((items === undefined && error === undefined) || results.isLoadingMore) && (
          <CardSkeletons count={items ? 4 : SKELETONS} layout={layout} />
        )}
      </ul>
      {error !== undefined && <ErrorNotice error={error} retry={results.retry} />}
      {next !== undefined && error === undefined && (
        <NextPage results={results} href={addresses.searchFor({ ...search, cursor: next })} />
      )}
      <div class="visually-hidden" role="status">
        {results.pageCount > 1 && items ? t.search.loaded(items.length) : ''}
      </div>
    </>
  );
}

/** A link to the next page, which loads it below this one when it comes into view. */
function NextPage({ results, href }: { readonly results: Results; readonly href: string }) {
  const { t } = useTranslation();
  const link = useRef<HTMLAnchorElement>(null);
  const latest = useRef(results);
  latest.current = results;
  const { pageCount } = results;
  useEffect(() => {
    if (!link.current || pageCount % AUTOMATIC_PAGES === 0) return undefined;
    const observer = new IntersectionObserver(
      entries => entries.some(entry => entry.isIntersecting) && latest.current.loadMore(),
      { rootMargin: AHEAD },
    );
    observer.observe(link.current);
    return () => observer.disconnect();
  }, [pageCount]);
  return (
    <div class="actions next-page">
      <a
        ref={link}
        class="button"
        href={href}
        rel="next"
        data-testid="more"
        onClick={event => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          latest.current.loadMore();
        }}
      >
        {t.catalogue.more}
      </a>
    </div>
  );
}

/** The results of a search. Everything that it depends on is in the address. */
import { useEffect, useRef } from 'preact/hooks';
import type { Facets, Order } from '../../../protocol/catalogue/search.ts';
import { go, usePlace } from '../../browser/place.ts';
import { useMedia } from '../../browser/use-media.ts';
import { Logo } from '../../components/wordmark.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { formatSearch, hasFilters, parseSearch, type SearchState } from '../data/search-state.ts';
import { useLoad } from '../data/use-load.ts';
import { type Results, useResults } from '../data/use-results.ts';
import { Frame } from '../frame.tsx';
import { ResultList } from '../list/result-list.tsx';
import { FacetPanel } from './facet-panel.tsx';
import { FilterChips } from './filter-chips.tsx';

const WIDE = '(min-width: 62rem)';
const ORDERS: readonly Order[] = ['relevance', 'newest', 'recorded', 'played', 'title'];

export function SearchView() {
  const { t } = useTranslation();
  const search = parseSearch(usePlace().search);
  const results = useResults(search);
  const { facets, former } = useFacets(search);
  const shownFacets = facets ?? former;
  const heading = useRef<HTMLHeadingElement>(null);
  const { q } = search;
  const title = q === undefined ? t.search.allVideos : t.search.resultsFor(q);
  return (
    <Frame title={title} q={q} isConnected={results.isConnected}>
      <div class="search-page">
        <Filters search={search} facets={shownFacets} />
        <div class="stack">
          <div class="search-head">
            <div>
              <h1 ref={heading} tabIndex={-1} dir="auto">
                {title}
              </h1>
              <ResultCount results={results} facets={facets} />
            </div>
            <OrderSelect search={search} />
          </div>
          <FilterChips search={search} facets={shownFacets} onRemoved={() => heading.current?.focus()} />
          <ResultList
            results={results}
            search={search}
            layout={q === undefined ? 'tile' : 'row'}
            empty={<NothingFound search={search} />}
          />
        </div>
      </div>
    </Frame>
  );
}

/** The facets of the former search remain until the next ones are there, so that the filters do not flicker. */
function useFacets(search: SearchState) {
  const collection = useCollection();
  const { cursor: _cursor, order: _order, ...filter } = search;
  const { value } = useLoad<Facets>(
    `facets ${collection.part} ${collection.key} ${formatSearch(filter)}`,
    abort => collection.facets(filter, abort),
  );
  const former = useRef<Facets | undefined>(undefined);
  useEffect(() => {
    if (value) former.current = value;
  }, [value]);
  return { facets: value, former: former.current };
}

interface FiltersProps {
  readonly search: SearchState;
  readonly facets: Facets | undefined;
}

function Filters({ search, facets }: FiltersProps) {
  const { t } = useTranslation();
  const isWide = useMedia(WIDE);
  const panel = <FacetPanel search={search} facets={facets} />;
  if (isWide) {
    return (
      <aside class="filters" aria-label={t.search.filters}>
        {panel}
      </aside>
    );
  }
  return (
    <details class="filters">
      <summary class="button">{t.search.filters}</summary>
      {panel}
    </details>
  );
}

/** Announced to screen readers when the results have changed. */
function ResultCount({
  results,
  facets,
}: {
  readonly results: Results;
  readonly facets: Facets | undefined;
}) {
  const { t } = useTranslation();
  const { items, error } = results;
  const text = (): string => {
    if (items === undefined) return error === undefined ? t.search.searching : '\u00a0';
    if (items.length === 0 && results.next === undefined) return t.search.noVideos;
    if (facets && facets.total >= items.length) {
      return facets.atLeast ? t.search.moreThan(facets.total) : t.search.count(facets.total);
    }
    return results.next === undefined ? t.search.count(items.length) : '\u00a0';
  };
  return (
    <p class="quiet" role="status" data-testid="count">
      {text()}
    </p>
  );
}

function OrderSelect({ search }: { readonly search: SearchState }) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  const usual: Order = search.q === undefined ? 'newest' : 'relevance';
  const orders = ORDERS.filter(order => order !== 'relevance' || search.q !== undefined);
  return (
    <label class="order">
      <span>{t.search.order}</span>
      <select
        value={search.order ?? usual}
        data-testid="order"
        onChange={event => {
          const chosen = orders.find(order => order === event.currentTarget.value);
          const { cursor: _cursor, ...whole } = search;
          go(addresses.searchFor({ ...whole, order: chosen === usual ? undefined : chosen }));
        }}
      >
        {orders.map(order => (
          <option key={order} value={order}>
            {t.search.orders[order]}
          </option>
        ))}
      </select>
    </label>
  );
}

function NothingFound({ search }: { readonly search: SearchState }) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  return (
    <div class="empty" data-testid="empty">
      <Logo size={72} />
      <strong dir="auto">
        {search.q === undefined ? t.search.nothing : t.catalogue.nothingFound(search.q)}
      </strong>
      <p>{hasFilters(search) ? t.search.nothingWithFilters : t.search.nothingHint}</p>
      <p class="actions">
        {hasFilters(search) && (
          <a class="button" href={addresses.searchFor({ q: search.q })}>
            {t.search.withoutFilters}
          </a>
        )}
        <a class="button" href={addresses.search}>
          {t.search.allVideos}
        </a>
      </p>
    </div>
  );
}

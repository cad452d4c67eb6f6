/** The filters of a search that are on, each with a way to remove it. */

import type { Facets } from '../../../protocol/catalogue/search.ts';
import { go } from '../../browser/place.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { chosenValue, narrow, type SearchState } from '../data/search-state.ts';
import { useSeriesTitle } from '../data/series-titles.ts';
import { nameFacetValue } from './facet-name.ts';
import { SHOWN_FACETS } from './facet-panel.tsx';

interface FilterChipsProps {
  readonly search: SearchState;
  readonly facets: Facets | undefined;
  /** After a filter was removed, its button is gone. */
  readonly onRemoved: () => void;
}

export function FilterChips({ search, facets, onRemoved }: FilterChipsProps) {
  const wording = useTranslation();
  const { t } = wording;
  const { addresses } = useCollection();
  const seriesTitle = useSeriesTitle(search.series);
  const chosen = SHOWN_FACETS.flatMap(facet => {
    const value = chosenValue(search, facet);
    return value === undefined ? [] : [{ facet, value }];
  });
  if (chosen.length === 0) return null;
  const remove = (next: SearchState): void => {
    go(addresses.searchFor(next));
    onRemoved();
  };
  return (
    <ul class="filter-chips" aria-label={t.search.activeFilters} data-testid="chips">
      {chosen.map(({ facet, value }) => {
        const known = facets?.[facet].find(each => each.value === value)?.name;
        const name = nameFacetValue(
          facet,
          { value, name: facet === 'series' ? (seriesTitle ?? known) : known },
          wording,
        );
        return (
          <li key={facet}>
            <button
              type="button"
              class="filter-chip"
              aria-label={t.search.removeFilter(t.search.facets[facet], name)}
              onClick={() => remove(narrow(search, facet, undefined))}
            >
              <span dir="auto">{name}</span>
              <span aria-hidden="true">×</span>
            </button>
          </li>
        );
      })}
      {chosen.length > 1 && (
        <li>
          <button
            type="button"
            class="plain small"
            onClick={() => remove({ q: search.q, order: search.order })}
          >
            {t.search.removeAll}
          </button>
        </li>
      )}
    </ul>
  );
}

/** The filters of a search, with the number of videos of each. A filter that is checked can be unchecked, also if nothing matches it. */
import { useState } from 'preact/hooks';
import type { Facet, Facets, FacetValues } from '../../../protocol/catalogue/search.ts';
import { go } from '../../browser/place.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { chosenValue, narrow, type SearchState } from '../data/search-state.ts';
import { nameFacetValue } from './facet-name.ts';

const MAX_SHOWN = 6;
export const SHOWN_FACETS: readonly Facet[] = [
  'series',
  'person',
  'tag',
  'length',
  'captions',
  'language',
  'year',
  'site',
];

interface FacetPanelProps {
  readonly search: SearchState;
  readonly facets: Facets | undefined;
  /** Those that the page itself stands for, such as the person of a person page. */
  readonly hidden?: readonly Facet[];
}

export function FacetPanel({ search, facets, hidden = [] }: FacetPanelProps) {
  return (
    <div class="facets" data-testid="facets">
      {SHOWN_FACETS.filter(facet => !hidden.includes(facet)).map(facet => (
        <FacetGroup key={facet} facet={facet} search={search} facets={facets} />
      ))}
    </div>
  );
}

interface FacetGroupProps extends Omit<FacetPanelProps, 'hidden'> {
  readonly facet: Facet;
}

function FacetGroup({ facet, search, facets }: FacetGroupProps) {
  const { t } = useTranslation();
  const [isWhole, setWhole] = useState(false);
  const chosen = chosenValue(search, facet);
  const values = listValues(facets?.[facet] ?? [], chosen);
  // With one value for all videos there is nothing to choose.
  const isUseless = values.length === 1 && chosen === undefined && values[0]?.count === facets?.total;
  if (values.length === 0 || isUseless) return null;
  const shown = isWhole ? values : values.slice(0, MAX_SHOWN);
  return (
    <fieldset class="facet" data-facet={facet}>
      <legend>{t.search.facets[facet]}</legend>
      {shown.map(value => (
        <FacetValue
          key={value.value}
          facet={facet}
          search={search}
          isChecked={value.value === chosen}
          isLowerLimit={facets?.atLeast ?? false}
          {...value}
        />
      ))}
      {values.length > shown.length && (
        <button type="button" class="plain small" onClick={() => setWhole(true)}>
          {t.search.allValues(values.length)}
        </button>
      )}
    </fieldset>
  );
}

interface FacetValueProps {
  readonly facet: Facet;
  readonly search: SearchState;
  readonly value: string;
  /** Undefined: the server did not send it. */
  readonly name?: string;
  readonly count?: number;
  readonly isChecked: boolean;
  readonly isLowerLimit: boolean;
}

function FacetValue({ facet, search, value, name, count, isChecked, isLowerLimit }: FacetValueProps) {
  const wording = useTranslation();
  const { addresses } = useCollection();
  return (
    <label class="facet-value">
      <input
        type="checkbox"
        checked={isChecked}
        onChange={() => go(addresses.searchFor(narrow(search, facet, isChecked ? undefined : value)))}
      />
      <span dir="auto">{nameFacetValue(facet, { value, name }, wording)}</span>
      {count !== undefined && (
        <span class="quiet number">
          {wording.format.number(count)}
          {isLowerLimit && '+'}
        </span>
      )}
    </label>
  );
}

/** A search takes one value of each facet. The others return when it is unchecked. */
function listValues(
  values: FacetValues,
  chosen: string | undefined,
): readonly { readonly value: string; readonly name?: string; readonly count?: number }[] {
  if (chosen === undefined) return values.filter(({ count }) => count > 0);
  return [values.find(({ value }) => value === chosen) ?? { value: chosen }];
}

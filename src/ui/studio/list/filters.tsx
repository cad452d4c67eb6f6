/** Search, filters and order of the list. All of them are in the address, so a list can be shared and "back" works. */

import { useEffect } from 'preact/hooks';
import type { SiteVideoCounts } from '../../../protocol/studio.ts';
import { navigate, QueryLink } from '../../browser/use-address.tsx';
import { useSearchQuery } from '../../browser/use-search-query.ts';
import { type SelectChoices, SelectOptions } from '../../components/field.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { SeriesChoices } from '../use-series.ts';
import { formatListQuery, type ListQuery, ORDERS, SHOWN, SHOWN_NAMES } from './list-query.ts';

const AUDIENCES = ['public', 'internal', 'groups', 'private'] as const;

interface FiltersProps {
  readonly query: ListQuery;
  readonly counts: SiteVideoCounts;
  readonly series: SeriesChoices;
  /** False without an account: nobody has own videos then. */
  readonly hasPerson: boolean;
}

const without = (query: ListQuery, name: keyof ListQuery): ListQuery => {
  const { [name]: _removed, ...rest } = query;
  return rest as ListQuery;
};

export function Filters({ query, counts, series, hasPerson }: FiltersProps) {
  const { t, format } = useTranslation();
  const texts = t.studioList;
  const set = (name: keyof ListQuery, value: string): void =>
    navigate(formatListQuery(value ? { ...query, [name]: value } : without(query, name)));
  const shown = SHOWN_NAMES.filter(name => query.show === name || (counts[SHOWN[name].facet] ?? 0) > 0);
  return (
    <div class="filters" data-testid="filters">
      <nav class="tabs" aria-label={texts.states}>
        <QueryLink search={formatListQuery(without(query, 'show'))} current={query.show === undefined}>
          {texts.shown.all} <span class="number">{format.number(counts.all ?? 0)}</span>
        </QueryLink>
        {shown.map(name => (
          <QueryLink
            key={name}
            search={formatListQuery({ ...query, show: name })}
            current={query.show === name}
            testId={`show-${name}`}
          >
            {texts.shown[name]} <span class="number">{format.number(counts[SHOWN[name].facet] ?? 0)}</span>
          </QueryLink>
        ))}
      </nav>
      <search class="filter-row">
        <SearchText query={query} />
        <Choice
          label={texts.audience}
          value={query.audience ?? ''}
          options={[
            ['', texts.everyAudience],
            ...AUDIENCES.map(name => [name, t.audience.names[name]] as const),
          ]}
          onChoose={value => set('audience', value)}
        />
        {series.length > 0 && (
          <Choice
            label={texts.series}
            value={query.series ?? ''}
            options={[['', texts.everySeries], ...series.map(({ id, title }) => [id, title] as const)]}
            onChoose={value => set('series', value)}
          />
        )}
        <Choice
          label={t.studio.captions.heading}
          value={query.captions ?? ''}
          options={[
            ['', texts.captionsAny],
            ['true', texts.captionsYes],
            ['false', texts.captionsNo],
          ]}
          onChoose={value => set('captions', value)}
        />
        {hasPerson && (
          <Choice
            label={texts.owner}
            value={query.mine ?? ''}
            options={[
              ['', texts.everyOwner],
              ['1', texts.mine],
            ]}
            onChoose={value => set('mine', value)}
          />
        )}
        <Choice
          label={texts.order}
          value={query.order}
          options={ORDERS.map(order => [order, texts.orders[order]] as const)}
          onChoose={value => set('order', value)}
          testId="order"
        />
      </search>
    </div>
  );
}

function SearchText({ query }: { readonly query: ListQuery }) {
  const { t } = useTranslation();
  const search = useSearchQuery(query.q ?? '');
  useEffect(() => {
    if (search.query === (query.q ?? '')) return;
    navigate(formatListQuery(search.query ? { ...query, q: search.query } : without(query, 'q')));
  }, [search.query]);
  useEffect(() => {
    if ((query.q ?? '') !== search.typed.trim()) search.setTyped(query.q ?? '');
  }, [query.q]);
  return (
    <input
      type="search"
      aria-label={t.studioList.search}
      placeholder={t.studioList.searchPlaceholder}
      value={search.typed}
      onInput={event => search.setTyped(event.currentTarget.value)}
      data-testid="search"
    />
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: SelectChoices;
  readonly onChoose: (value: string) => void;
  readonly testId?: string;
}

function Choice({ label, value, options, onChoose, testId }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value}
      data-testid={testId}
      onChange={event => onChoose(event.currentTarget.value)}
    >
      <SelectOptions options={options} />
    </select>
  );
}

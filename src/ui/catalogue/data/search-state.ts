/** A search as the query of an address. The servers take the same parameters. Pure. */
import type { Facet, Order } from '../../../protocol/catalogue/search.ts';

const ORDERS: readonly Order[] = ['relevance', 'newest', 'recorded', 'played', 'title'];
const TEXT_FILTERS = ['site', 'series', 'tag', 'person', 'language'] as const;
type TextFilter = (typeof TEXT_FILTERS)[number];
const MAX_CHARACTERS = { q: 200, value: 200, cursor: 1_500 };
const MAX_SECONDS = 10_000_000;

export interface SearchState extends Readonly<Partial<Record<TextFilter, string | undefined>>> {
  readonly q?: string | undefined;
  readonly year?: number | undefined;
  readonly captions?: boolean | undefined;
  /** The length in seconds, both limits included. */
  readonly minS?: number | undefined;
  readonly maxS?: number | undefined;
  /** Absent: by relevance, or without words the newest first. */
  readonly order?: Order | undefined;
  /** Where the page of results begins. Absent: at the first result. */
  readonly cursor?: string | undefined;
}

const bounded = (text: string | null, max: number): string | undefined => {
  const trimmed = text?.trim();
  return trimmed ? trimmed.slice(0, max) : undefined;
};
const integer = (text: string | null, min: number, max: number): number | undefined =>
  text !== null && /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max
    ? Number(text)
    : undefined;

const withoutAbsent = <T extends object>(state: T): T =>
  Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined)) as T;

/** Invalid values are left out: an address that somebody has edited shows the rest of it. */
export function parseSearch(search: string): SearchState {
  const query = new URLSearchParams(search);
  const captions = query.get('captions');
  return withoutAbsent({
    q: bounded(query.get('q'), MAX_CHARACTERS.q),
    ...Object.fromEntries(TEXT_FILTERS.map(name => [name, bounded(query.get(name), MAX_CHARACTERS.value)])),
    year: integer(query.get('year'), 1_800, 9_999),
    captions: captions === 'true' || captions === 'false' ? captions === 'true' : undefined,
    minS: integer(query.get('minS'), 0, MAX_SECONDS),
    maxS: integer(query.get('maxS'), 0, MAX_SECONDS),
    order: ORDERS.find(order => order === query.get('order')),
    cursor: bounded(query.get('cursor'), MAX_CHARACTERS.cursor),
  });
}

/** The same parameters in the same order for the same search. Empty, or begins with `?`. */
export function formatSearch(state: SearchState): string {
  const { q, year, captions, minS, maxS, order, cursor } = state;
  const query = new URLSearchParams();
  const values = {
    q: bounded(q ?? null, MAX_CHARACTERS.q),
    ...Object.fromEntries(TEXT_FILTERS.map(name => [name, state[name]])),
    year,
    captions,
    minS,
    maxS,
    order,
    cursor,
  };
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}

/** The value of a facet that the search is narrowed to, as the server writes it. */
export function chosenValue({ minS, maxS, ...state }: SearchState, facet: Facet): string | undefined {
  if (facet === 'length')
    return minS === undefined && maxS === undefined ? undefined : `${minS ?? 0}-${maxS ?? ''}`;
  const value = state[facet];
  return value === undefined ? undefined : String(value);
}

/** The search with another value of a facet, from its first result on. Undefined removes the filter. */
export function narrow(state: SearchState, facet: Facet, value: string | undefined): SearchState {
  const { cursor: _, ...whole } = state;
  if (facet === 'length') {
    const [min = '', max = ''] = value?.split('-') ?? [];
    const { minS: _min, maxS: _max, ...rest } = whole;
    return withoutAbsent({
      ...rest,
      minS: min === '' || min === '0' ? undefined : Number(min),
      maxS: max === '' ? undefined : Number(max),
    });
  }
  const { [facet]: _value, ...rest } = whole;
  if (value === undefined) return rest;
  return parseSearch(formatSearch({ ...rest, [facet]: value } as SearchState));
}

/** True if anything narrows the list besides words. */
export const hasFilters = (state: SearchState): boolean => {
  const { q: _q, order: _order, cursor: _cursor, ...filters } = state;
  return Object.keys(filters).length > 0;
};

/** What the studio lists: the query of the page's address, and that of the call. Pure. */
import type { SiteVideoOrder } from '../../../protocol/studio.ts';

export const ORDERS: readonly SiteVideoOrder[] = ['newest', 'oldest', 'name', 'longest', 'largest', 'state'];
const FILTERS = ['q', 'show', 'audience', 'series', 'captions', 'mine'] as const;

/** The states by which a list is narrowed, each with the filter of the call and its count. */
export const SHOWN = {
  failed: { filter: ['state', 'failed'], facet: 'state:failed' },
  uploading: { filter: ['state', 'uploading'], facet: 'state:uploading' },
  preparing: { filter: ['state', 'preparing'], facet: 'state:preparing' },
  awaiting: { filter: ['approval', 'awaiting'], facet: 'approval:awaiting' },
  'sent-back': { filter: ['approval', 'sent-back'], facet: 'approval:sent-back' },
  ready: { filter: ['state', 'ready'], facet: 'state:ready' },
  withdrawn: { filter: ['state', 'withdrawn'], facet: 'state:withdrawn' },
} as const;
export type Shown = keyof typeof SHOWN;
export const SHOWN_NAMES = Object.keys(SHOWN) as readonly Shown[];

export interface ListQuery {
  readonly q?: string;
  readonly show?: Shown;
  readonly audience?: string;
  readonly series?: string;
  readonly captions?: string;
  /** Only the videos of the person. */
  readonly mine?: string;
  readonly order: SiteVideoOrder;
}

export function parseListQuery(search: URLSearchParams): ListQuery {
  const order = search.get('order') as SiteVideoOrder;
  const show = search.get('show') ?? '';
  const filters = FILTERS.flatMap(name => {
    const value = search.get(name);
    return value && (name !== 'show' || Object.hasOwn(SHOWN, show)) ? [[name, value]] : [];
  });
  return { ...Object.fromEntries(filters), order: ORDERS.includes(order) ? order : 'newest' };
}

/** The query of the address: empty for everything, newest first. */
export function formatListQuery(query: ListQuery): string {
  const search = new URLSearchParams();
  for (const name of FILTERS) if (query[name]) search.set(name, query[name]);
  if (query.order !== 'newest') search.set('order', query.order);
  const text = search.toString();
  return text && `?${text}`;
}

/** The query of `GET /api/videos` and `GET /api/video-ids`. */
export function toCallQuery(query: ListQuery, person: string | undefined): URLSearchParams {
  const search = new URLSearchParams({ order: query.order });
  if (query.q) search.set('q', query.q);
  if (query.show) {
    const [name, value] = SHOWN[query.show].filter;
    search.set(name, value);
  }
  if (query.audience) search.set('audience', query.audience);
  if (query.series) search.set('series', query.series);
  if (query.captions) search.set('captions', query.captions);
  if (query.mine && person) search.set('owner', person);
  return search;
}

export const isNarrowed = ({ order: _order, ...filters }: ListQuery): boolean =>
  Object.keys(filters).length > 0;

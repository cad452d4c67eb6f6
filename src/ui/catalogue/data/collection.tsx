/**
 * The collection whose videos the views show: the catalogue of central, or the library of a site. It knows which calls and addresses
 * belong to it. The views are the same for both.
 */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useMemo } from 'preact/hooks';
import type { Facets, Suggestion } from '../../../protocol/catalogue/search.ts';
import type { Series } from '../../../protocol/catalogue/series.ts';
import { call } from '../../api/call.ts';
import type { CentralInfo } from '../../api/central-info.ts';
import { usePoll } from '../../api/use-poll.ts';
import type { Part } from '../../me/sign-in-address.ts';
import { useMe } from '../../me/use-me.tsx';
import { type Addresses, addressesAt } from './addresses.ts';
import {
  type CatalogueItem,
  itemAtCentral,
  itemAtSite,
  type LibraryVideo,
  type ListedVideo,
} from './item.ts';
import { formatSearch, type SearchState } from './search-state.ts';

const REFRESH_INFO_MS = 60_000;
const REFRESH_WITHOUT_TRACKER_MS = 3_000;

export interface ItemPage {
  readonly items: readonly CatalogueItem[];
  readonly next?: string | undefined;
  /** At a site: whether it can reach central. */
  readonly isConnected: boolean;
  /** At a site: its name. */
  readonly siteName?: string | undefined;
}

export interface Collection {
  readonly part: Part;
  readonly addresses: Addresses;
  /** Differs if the same call may have another response: for somebody else, or with another tracker. */
  readonly key: string;
  /** @throws ApiError */
  list(search: SearchState, limit: number, abort?: AbortSignal): Promise<ItemPage>;
  /** Those of the videos that this viewer may watch now. @throws ApiError */
  find(ids: readonly string[], abort?: AbortSignal): Promise<readonly CatalogueItem[]>;
  /** @throws ApiError */
  facets(search: SearchState, abort?: AbortSignal): Promise<Facets>;
  /** @throws ApiError */
  suggest(text: string, abort?: AbortSignal): Promise<readonly Suggestion[]>;
  /** @throws ApiError */
  series(id: string, abort?: AbortSignal): Promise<Series>;
  /** @throws ApiError */
  listSeries(limit: number, abort?: AbortSignal): Promise<readonly Series[]>;
  /** At central: the URLs of the trackers. */
  readonly trackers: readonly string[];
}

interface ListResponse {
  readonly videos: readonly unknown[];
  readonly next?: string;
  readonly connected?: boolean;
  readonly site?: string;
}

const CollectionContext = createContext<Collection | undefined>(undefined);

export function useCollection(): Collection {
  const collection = useContext(CollectionContext);
  if (!collection) throw new Error('useCollection was called outside of CollectionProvider');
  return collection;
}

interface CollectionProviderProps {
  readonly part: Part;
  readonly children: ComponentChildren;
}

export function CollectionProvider({ part, children }: CollectionProviderProps) {
  const { token } = useMe();
  const info = usePoll(
    'info',
    async abort => (part === 'central' ? call<CentralInfo>('/api/info', { abort }) : undefined),
    found => (found && found.trackers.length === 0 ? REFRESH_WITHOUT_TRACKER_MS : REFRESH_INFO_MS),
  );
  const trackers = info.value?.trackers.join(' ') ?? '';
  const collection = useMemo(
    () => createCollection(part, token, trackers === '' ? [] : trackers.split(' ')),
    [part, token, trackers],
  );
  // Without a tracker, the first cards would have no images, and get them a moment later.
  const isKnown = part === 'site' || info.value !== undefined || info.error !== undefined;
  if (!isKnown) return null;
  return <CollectionContext.Provider value={collection}>{children}</CollectionContext.Provider>;
}

function createCollection(part: Part, token: string | undefined, trackers: readonly string[]): Collection {
  const path = part === 'central' ? '/api/videos' : '/api/library';
  const itemOf = (video: unknown): CatalogueItem =>
    part === 'central' ? itemAtCentral(video as ListedVideo, trackers[0]) : itemAtSite(video as LibraryVideo);
  const get = <T,>(url: string, abort: AbortSignal | undefined): Promise<T> => call<T>(url, { token, abort });
  const listAt = async (query: string, abort: AbortSignal | undefined): Promise<ItemPage> => {
    const { videos, next, connected = true, site } = await get<ListResponse>(path + query, abort);
    return { items: videos.map(itemOf), next, isConnected: connected, siteName: site };
  };
  return {
    part,
    addresses: addressesAt(part),
    key: `${token ?? ''} ${trackers[0] ?? ''}`,
    trackers,
    list: (search, limit, abort) => listAt(withParameter(formatSearch(search), 'limit', limit), abort),
    async find(ids, abort) {
      if (ids.length === 0) return [];
      const { items } = await listAt(`?ids=${ids.map(encodeURIComponent).join(',')}&limit=100`, abort);
      return items;
    },
    facets: (search, abort) =>
      get(`/api/facets${formatSearch({ ...search, order: undefined, cursor: undefined })}`, abort),
    async suggest(text, abort) {
      const { suggestions } = await get<{ suggestions: readonly Suggestion[] }>(
        `/api/suggestions?${new URLSearchParams({ q: text })}`,
        abort,
      );
      return suggestions;
    },
    series: (id, abort) => get(`/api/series/${encodeURIComponent(id)}`, abort),
    async listSeries(limit, abort) {
      const { series } = await get<{ series: readonly Series[] }>(`/api/series?limit=${limit}`, abort);
      return series;
    },
  };
}

const withParameter = (search: string, name: string, value: number): string =>
  `${search}${search === '' ? '?' : '&'}${name}=${value}`;

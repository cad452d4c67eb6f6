/** The text of a search field, and the query that follows it when typing pauses. */
import { useEffect, useState } from 'preact/hooks';

const TYPING_PAUSE_MS = 250;

export interface SearchQuery {
  readonly typed: string;
  readonly setTyped: (text: string) => void;
  readonly query: string;
}

export function useSearchQuery(initial: string): SearchQuery {
  const [typed, setTyped] = useState(initial);
  const [query, setQuery] = useState(typed.trim());
  useEffect(() => {
    const timer = setTimeout(() => setQuery(typed.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return { typed, setTyped, query };
}

/** Starts with `?q=` of the address and updates it, so that a search can be shared. */
export function useSharedSearchQuery(): SearchQuery {
  const search = useSearchQuery(new URLSearchParams(location.search).get('q') ?? '');
  const { query } = search;
  useEffect(() => {
    const url = new URL(location.href);
    if (query) url.searchParams.set('q', query);
    else url.searchParams.delete('q');
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  }, [query]);
  return search;
}

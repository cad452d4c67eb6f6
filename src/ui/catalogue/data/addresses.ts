/** The addresses of the views: at central, and at a site, whose library is the same page. Pure. */
import type { Part } from '../../me/sign-in-address.ts';
import { formatSearch, type SearchState } from './search-state.ts';

const ROOTS: Readonly<Record<Part, string>> = { central: '', site: '/library' };

export type View =
  | { readonly kind: 'front' | 'search' | 'person' | 'lost' }
  | { readonly kind: 'series' | 'site' | 'watch'; readonly id: string };

export interface Addresses {
  readonly front: string;
  readonly search: string;
  searchFor(state: SearchState): string;
  series(id: string): string;
  person(name: string): string;
  /** Only central knows other sites. */
  site(id: string): string | undefined;
  /** @param atMs where playback starts */
  watch(id: string, atMs?: number): string;
  /** `lost`: no view of this page has the path. */
  viewAt(path: string): View;
}

export function addressesAt(part: Part): Addresses {
  const root = ROOTS[part];
  const search = `${root}/search`;
  const inView = (path: string, name: string): string | undefined => {
    const start = `${root}/${name}/`;
    const id = path.startsWith(start) ? path.slice(start.length).replace(/\/$/, '') : '';
    return id === '' || id.includes('/') ? undefined : decode(id);
  };
  return {
    front: root === '' ? '/' : root,
    search,
    searchFor: state => search + formatSearch(state),
    series: id => `${root}/series/${encodeURIComponent(id)}`,
    person: name => `${root}/person?${new URLSearchParams({ name })}`,
    site: id => (part === 'central' ? `/sites/${encodeURIComponent(id)}` : undefined),
    watch: (id, atMs) =>
      `${root}/watch/${encodeURIComponent(id)}${atMs === undefined ? '' : `?t=${Math.floor(atMs / 1_000)}`}`,
    viewAt(path) {
      if (path === root || path === `${root}/`) return { kind: 'front' };
      if (path === search) return { kind: 'search' };
      if (path === `${root}/person`) return { kind: 'person' };
      const series = inView(path, 'series');
      if (series !== undefined) return { kind: 'series', id: series };
      const site = part === 'central' ? inView(path, 'sites') : undefined;
      if (site !== undefined) return { kind: 'site', id: site };
      // At central, the watch page is another document.
      const video = part === 'site' ? inView(path, 'watch') : undefined;
      return video === undefined ? { kind: 'lost' } : { kind: 'watch', id: video };
    },
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

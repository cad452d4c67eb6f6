/** The pages by which viewers find videos: one document that shows the view of its address, at central and at a site. */

import type { FunctionComponent } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { go, PlaceProvider, useCurrentPlace, useOwnLinks, useScrollMemory } from '../browser/place.ts';
import type { Part } from '../me/sign-in-address.ts';
import type { View } from './data/addresses.ts';
import { addressesAt } from './data/addresses.ts';
import { CollectionProvider, useCollection } from './data/collection.tsx';
import { parseSearch } from './data/search-state.ts';
import { FrontView } from './front/front-view.tsx';
import { LostView } from './pages/lost-view.tsx';
import { PersonView } from './pages/person-view.tsx';
import { SeriesView } from './pages/series-view.tsx';
import { SiteView } from './pages/site-view.tsx';
import { SearchView } from './search/search-view.tsx';

export function Catalogue({ part }: { readonly part: Part }) {
  const place = useCurrentPlace();
  const { path, by } = place;
  const isOwn = useCallback((other: string) => addressesAt(part).viewAt(other).kind !== 'lost', [part]);
  useOwnLinks(isOwn);
  useScrollMemory(place);
  // A screen reader continues at the heading of the new view, not at the link of the former one.
  const former = useRef(path);
  useEffect(() => {
    if (former.current === path) return;
    former.current = path;
    if (by === 'link') document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }, [path, by]);
  return (
    <PlaceProvider value={place}>
      <CollectionProvider part={part}>
        <CurrentView view={addressesAt(part).viewAt(path)} search={place.search} />
      </CollectionProvider>
    </PlaceProvider>
  );
}

function CurrentView({ view, search }: { readonly view: View; readonly search: string }) {
  switch (view.kind) {
    case 'front':
      return parseSearch(search).q === undefined ? <FrontView /> : <FormerSearch search={search} />;
    case 'search':
      return <SearchView />;
    case 'person':
      return <PersonView />;
    case 'series':
      return <SeriesView key={view.id} id={view.id} />;
    case 'site':
      return <SiteView key={view.id} id={view.id} />;
    case 'watch':
      return <LazyWatch key={view.id} id={view.id} />;
    case 'lost':
      return <LostView />;
  }
}

/** Searches had the address of the first page before they had their own. */
function FormerSearch({ search }: { readonly search: string }) {
  const { addresses } = useCollection();
  useEffect(() => go(addresses.searchFor(parseSearch(search)), { isReplacing: true }), [addresses, search]);
  return null;
}

/** The player is loaded with the first video that is opened. */
function LazyWatch({ id }: { readonly id: string }) {
  const [Watch, setWatch] = useState<{ readonly View: FunctionComponent<{ readonly id: string }> }>();
  useEffect(() => {
    import('./pages/site-watch-view.tsx').then(
      ({ SiteWatchView }) => setWatch({ View: SiteWatchView }),
      reportError,
    );
  }, []);
  return Watch ? <Watch.View id={id} /> : null;
}

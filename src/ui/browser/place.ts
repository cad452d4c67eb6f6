/**
 * The address of a page with several views as its state: links change it without loading a document, "back" and "forward" work, and
 * each entry of the history remembers how far it was scrolled. It keeps no other state.
 */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { isPlainClick } from './plain-click.ts';

export interface Place {
  readonly path: string;
  /** The query with its `?`, or empty. */
  readonly search: string;
  /** Whether the person followed a link, or returned to this entry of the history (`load`: by loading the document). */
  readonly by: 'link' | 'history' | 'load';
}

/** What an entry of the history remembers. */
interface EntryState {
  /** How far it was scrolled. */
  readonly y?: number;
  /** The cursors of the pages of a list that were loaded after its first one. */
  readonly cursors?: readonly string[];
}

const SAVE_AFTER_MS = 150;
/** Content that is not there after this time does not move the page any more. */
const RESTORE_WITHIN_MS = 4_000;

const listeners = new Set<(place: Place) => void>();
let saving: ReturnType<typeof setTimeout> | undefined;

const placeBy = (by: Place['by']): Place => ({ path: location.pathname, search: location.search, by });

function announce(by: Place['by']): void {
  clearTimeout(saving);
  for (const listener of listeners) listener(placeBy(by));
}

export const readEntry = (): EntryState => (history.state ?? {}) as EntryState;

/** Adds to what this entry of the history remembers. */
export function writeEntry(change: EntryState): void {
  try {
    history.replaceState({ ...history.state, ...change }, '');
  } catch {
    // Browsers limit how often this is allowed. The next change is remembered.
  }
}

/** Goes to another view of this page. `isReplacing`: in place of the entry that the history has now. */
export function go(href: string, { isReplacing = false } = {}): void {
  if (isReplacing) {
    history.replaceState({}, '', href);
  } else {
    writeEntry({ y: scrollY });
    history.pushState({}, '', href);
  }
  announce('link');
}

const PlaceContext = createContext<Place | undefined>(undefined);
export const PlaceProvider = PlaceContext.Provider;

/** The place of the view. Every component of a view sees the same one. */
export function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (!place) throw new Error('usePlace was called outside of PlaceProvider');
  return place;
}

/** For the component that chooses the view. */
export function useCurrentPlace(): Place {
  const [place, setPlace] = useState(() => placeBy('load'));
  useEffect(() => {
    const onHistory = (): void => announce('history');
    addEventListener('popstate', onHistory);
    listeners.add(setPlace);
    return () => {
      removeEventListener('popstate', onHistory);
      listeners.delete(setPlace);
    };
  }, []);
  return place;
}

/** Follows links to views of this page without loading a document. */
export function useOwnLinks(isOwn: (path: string) => boolean): void {
  useEffect(() => {
    const follow = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (link?.target !== '' || link.hasAttribute('download') || !isPlainClick(event)) return;
      const url = new URL(link.href, location.href);
      const isSame = url.pathname === location.pathname && url.search === location.search;
      if (url.origin !== location.origin || !isOwn(url.pathname) || (isSame && url.hash !== '')) return;
      event.preventDefault();
      go(url.pathname + url.search, { isReplacing: isSame });
    };
    document.addEventListener('click', follow);
    return () => document.removeEventListener('click', follow);
  }, [isOwn]);
}

/** A new view begins at its top. Returning to an entry of the history scrolls to where it was left, as soon as its content is there. */
export function useScrollMemory(place: Place): void {
  useEffect(() => {
    history.scrollRestoration = 'manual';
    const save = (): void => {
      clearTimeout(saving);
      writeEntry({ y: scrollY });
    };
    const saveSoon = (): void => {
      clearTimeout(saving);
      saving = setTimeout(save, SAVE_AFTER_MS);
    };
    addEventListener('scroll', saveSoon, { passive: true });
    addEventListener('pagehide', save);
    return () => {
      removeEventListener('scroll', saveSoon);
      removeEventListener('pagehide', save);
    };
  }, []);
  useEffect(() => {
    if (place.by === 'link') {
      scrollTo(0, 0);
      return undefined;
    }
    return scrollWhenPossible(readEntry().y ?? 0);
  }, [place]);
}

/** @returns the function that ends the attempt, as scrolling by the person does */
function scrollWhenPossible(y: number): () => void {
  const endMs = performance.now() + RESTORE_WITHIN_MS;
  const control = new AbortController();
  const attempt = (): void => {
    if (control.signal.aborted) return;
    const isTallEnough = document.documentElement.scrollHeight - innerHeight >= y;
    if (isTallEnough) scrollTo(0, y);
    if (isTallEnough || performance.now() > endMs) control.abort();
    else requestAnimationFrame(attempt);
  };
  for (const name of ['wheel', 'touchstart', 'keydown'])
    addEventListener(name, () => control.abort(), { passive: true, signal: control.signal });
  attempt();
  return () => control.abort();
}

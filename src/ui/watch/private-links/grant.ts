/**
 * The grant for a private video, from the fragment of the link. No browser sends the fragment to a server. The grant is kept for this
 * tab and removed from the address bar, where it would get into screenshots and histories.
 */
import { readItem, writeItem } from '../../browser/storage.ts';

const STORAGE_KEY = `tributary.grant ${location.pathname}`;

const readGrant = (): string | undefined =>
  new URLSearchParams(location.hash.slice(1)).get('grant') ?? undefined;

function claimGrant(): string | undefined {
  const given = readGrant();
  if (given === undefined) return readItem('sessionStorage', STORAGE_KEY) ?? undefined;
  forbidIndexing();
  writeItem('sessionStorage', STORAGE_KEY, given);
  // If nothing can be stored, a reload needs the address.
  if (readItem('sessionStorage', STORAGE_KEY) === given) {
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  return given;
}

/** No program that collects pages may store this one, whatever address it has. */
function forbidIndexing(): void {
  const robots = document.createElement('meta');
  robots.name = 'robots';
  robots.content = 'noindex';
  document.head.append(robots);
}

export const grant = claimGrant();

/** The link with the grant, to pass on: the address bar does not show it. */
export const formatLink = (granted: string): string =>
  `${location.origin}${location.pathname}${location.search}#grant=${granted}`;

/** Another link to the same page only changes the fragment, which does not reload the page by itself. */
export function reloadOnOtherGrant(): void {
  addEventListener('hashchange', () => {
    if (readGrant() !== undefined) location.reload();
  });
}

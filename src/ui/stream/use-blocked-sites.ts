/** Finds the sites that the browser does not let this page connect to. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Source } from '../../protocol/tracker.ts';
import { isLocalHost, type LocalNetworkAccess, watchLocalNetworkAccess } from './local-network.ts';

/** A page from the local network itself may connect to its neighbours. */
const isPublicPage = !isLocalHost(location.hostname);

/** @returns the blocked ones among these sources; the same array until it changes */
export function useBlockedSites(sources: readonly Source[] | undefined): readonly Source[] {
  const [access, setAccess] = useState<LocalNetworkAccess>('open');
  const local = sources?.filter(({ baseUrl }) => isLocalHost(new URL(baseUrl).hostname)) ?? [];
  const hasLocal = isPublicPage && local.length > 0;
  useEffect(() => {
    if (!hasLocal) return;
    const control = new AbortController();
    void watchLocalNetworkAccess(setAccess, control.signal);
    return () => control.abort();
  }, [hasLocal]);
  const key = hasLocal && access === 'blocked' ? local.map(({ site }) => site).join(' ') : '';
  return useMemo(() => (key === '' ? [] : local), [key]);
}

/** Maps between sites and their addresses: players name hosts, the tracker identifies sites. */
import type { SiteId } from '../../protocol/base/ids.ts';
import type { Registry } from './registry.ts';

export interface BaseUrls {
  of(site: string): string | undefined;
  /** Finds the active site with this host and port. */
  siteAt(host: string): SiteId | undefined;
}

export function createBaseUrls(registry: Pick<Registry, 'sites' | 'sitesVersion' | 'findSite'>): BaseUrls {
  let version = -1;
  let hosts: ReadonlyMap<string, SiteId> = new Map();
  return {
    of: site => registry.findSite(site as SiteId)?.baseUrl,
    siteAt(host) {
      if (version !== registry.sitesVersion) {
        version = registry.sitesVersion;
        const active = registry.sites.filter(site => site.active);
        hosts = new Map(active.map(({ site, baseUrl }) => [new URL(baseUrl).host, site]));
      }
      return hosts.get(host);
    },
  };
}

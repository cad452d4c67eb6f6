/** Resolves an address to a client: its coverage zone, its location, its autonomous system and its network prefix. */
import { randomBytes } from 'node:crypto';
import type { SiteId } from '../../protocol/base/ids.ts';
import { findZone, makeZoneTable, type Zone, type ZoneTable } from '../choice/zones.ts';
import type { Registry } from '../registry/registry.ts';
import type { Client } from './client.ts';
import { prefixOf, reporterIdOf, widerNetworkOf } from './network-prefix.ts';

export interface Geo {
  find(address: string): {
    readonly asn?: number | undefined;
    readonly coordinates?: { readonly latitude: number; readonly longitude: number } | undefined;
  };
}

export interface Viewers {
  at(address: string): Client;
  /** A site that fills its buffer. It has no network, because its reports must not be recorded. */
  filling(site: SiteId): Client;
}

/** The zones of an operator's file, by a site's id or name. They take precedence over central's zones. */
export interface ZoneSource {
  readonly version: number;
  readonly zones: readonly { readonly site: string; readonly prefix: string }[];
}
export const NO_ZONES: ZoneSource = { version: 0, zones: [] };

export function createViewers(
  registry: Pick<Registry, 'sites' | 'sitesVersion' | 'findSite'>,
  zoneFile: () => ZoneSource,
  geo: Geo | undefined,
): Viewers {
  /** Distinguishes reporters while this process runs; afterwards nobody can. */
  const key = randomBytes(16).toString('base64url');
  let zones: { readonly sites: number; readonly file: number; readonly table: ZoneTable } | undefined;
  function zoneTable(): ZoneTable {
    const file = zoneFile();
    if (zones?.sites !== registry.sitesVersion || zones.file !== file.version) {
      const table = makeZoneTable(listZones(registry.sites, file));
      zones = { sites: registry.sitesVersion, file: file.version, table };
    }
    return zones.table;
  }

  return {
    at(address) {
      const zone = findZone(zoneTable(), address);
      const found = geo?.find(address);
      // A client in a site's zone is located at that site, even while the site is down.
      const coordinates = (zone && registry.findSite(zone.site)?.coordinates) ?? found?.coordinates;
      const prefix = prefixOf(address);
      const widerNetwork = found?.asn
        ? `AS${found.asn}`
        : (zone?.prefix ?? (prefix && widerNetworkOf(prefix)));
      const isKnown = prefix !== undefined && widerNetwork !== undefined;
      return {
        zone,
        coordinates,
        asn: found?.asn,
        network: isKnown ? { prefix, widerNetwork } : undefined,
        reporterId: isKnown ? reporterIdOf(address, key) : undefined,
      };
    },
    filling: site => ({ fillingSite: site, coordinates: registry.findSite(site)?.coordinates }),
  };
}

/** The zones of the file come first, so that they override central's zones with the same prefix. */
function listZones(sites: Registry['sites'], file: ZoneSource): readonly Zone[] {
  const active = sites.filter(site => site.active);
  const byName = new Map(
    active.flatMap(({ site, name }) => [[site as string, site] as const, [name, site] as const]),
  );
  const ofFile = file.zones.flatMap(({ site, prefix }) => {
    const id = byName.get(site);
    return id ? [{ site: id, zone: [prefix] }] : [];
  });
  return [...ofFile, ...active];
}

/** From an address to a viewer: its coverage zone, its place, its autonomous system, and the prefix it is remembered by. */
import { randomBytes } from 'node:crypto';
import type { SiteId } from '../../protocol/ids.ts';
import type { Viewer } from '../choice/choose.ts';
import type { Place } from '../choice/prior.ts';
import { findZone, makeZoneTable, type Zone, type ZoneTable } from '../choice/zones.ts';
import { areaOf, prefixOf, type Where, whoIs } from './network-prefix.ts';
import type { Shown } from './private-access.ts';
import type { Registry } from '../registry/registry.ts';

/** Who asks, as the choice and the memory see it. */
export interface Asker {
  readonly viewer: Viewer;
  readonly place: Place;
  /** Undefined where it is not known or must not count, as for a site that fills. */
  readonly where?: Where | undefined;
  /** Its voice within the prefix. */
  readonly who?: number | undefined;
  /** What it shows for a private video. */
  readonly shown?: Shown;
}

export interface Geo {
  find(address: string): {
    readonly asn?: number | undefined;
    readonly coordinates?: { readonly latitude: number; readonly longitude: number } | undefined;
  };
}

export interface Viewers {
  at(client: string): Asker;
  filling(site: SiteId): Asker;
}

/** Zones of an operator's file, by a site's id or name; those of the centre count after them. */
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
  /** Voices are told apart by it as long as this process lives, and by nobody afterwards. */
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
    at(client) {
      const zone = findZone(zoneTable(), client);
      const found = geo?.find(client);
      // Who is in a site's zone is where that site is, also while the site itself is down.
      const coordinates = (zone && registry.findSite(zone.site)?.coordinates) ?? found?.coordinates;
      const prefix = prefixOf(client);
      const area = found?.asn ? `AS${found.asn}` : (zone?.prefix ?? (prefix && areaOf(prefix)));
      const isKnown = prefix !== undefined && area !== undefined;
      return {
        viewer: { zone, coordinates, asn: found?.asn },
        place: { zoneSite: zone?.site, coordinates },
        where: isKnown ? { prefix, area } : undefined,
        who: isKnown ? whoIs(client, key) : undefined,
      };
    },
    filling(site) {
      const coordinates = registry.findSite(site)?.coordinates;
      return { viewer: { fillingSite: site, coordinates }, place: { coordinates } };
    },
  };
}

/** What the file says of a prefix comes before what the centre says of the same prefix. */
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

/** Opens the files that locate clients and resolves addresses with them. */
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import type { TrackerConfig } from '../config.ts';
import type { Registry } from '../registry/registry.ts';
import { openGeo } from './geo.ts';
import { createViewers, type Viewers } from './viewers.ts';
import { watchZoneFile } from './zone-file.ts';

/** Missing or invalid files are logged, and do not fail the start. */
export async function openViewers(
  config: Pick<TrackerConfig, 'zonesFile' | 'cityDatabase' | 'asnDatabase'>,
  registry: Registry,
  log: Log,
  lifetime: Lifetime,
): Promise<Viewers> {
  const zoneFile = watchZoneFile(config.zonesFile, log);
  lifetime.add('zone file', zoneFile.stop);
  const geoFiles = await openGeo({ city: config.cityDatabase, asn: config.asnDatabase }, log);
  lifetime.add('address databases', geoFiles.stop);
  return createViewers(registry, zoneFile.zones, geoFiles.geo);
}

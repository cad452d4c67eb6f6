/** Coverage zones: which site's network a viewer is in. The longest prefix wins, whichever site it is of. Pure. */
import { type Address, parseAddress, parsePrefix } from '../../kernel/network.ts';
import type { SiteId } from '../../protocol/ids.ts';

export interface ZoneMatch {
  readonly site: SiteId;
  /** As the operator wrote it. */
  readonly prefix: string;
}

/** For each length of prefix, the longest first: the prefixes' leading bits → whose they are. */
interface Level {
  readonly bits: Address['bits'];
  readonly length: number;
  readonly matches: ReadonlyMap<bigint, ZoneMatch>;
}
export type ZoneTable = readonly Level[];

/** Prefixes of one site. */
export interface Zone {
  readonly site: SiteId;
  readonly zone: readonly string[];
}

export function makeZoneTable(zones: readonly Zone[]): ZoneTable {
  const levels = new Map<
    string,
    { bits: Address['bits']; length: number; matches: Map<bigint, ZoneMatch> }
  >();
  for (const { site, zone } of zones) {
    for (const text of zone) {
      const prefix = parsePrefix(text);
      if (!prefix) continue;
      const { bits, length } = prefix;
      const key = `${bits}/${length}`;
      const level = levels.get(key) ?? { bits, length, matches: new Map() };
      const leading = prefix.value >> BigInt(bits - length);
      // Two sites that claim the same prefix: the one that was there first keeps it.
      if (!level.matches.has(leading)) level.matches.set(leading, { site, prefix: text });
      levels.set(key, level);
    }
  }
  return [...levels.values()].sort((a, b) => b.length - a.length);
}

/** The zone of the longest prefix that holds this address; undefined where none does, or where it is no address. */
export function findZone(table: ZoneTable, client: string): ZoneMatch | undefined {
  const address = parseAddress(client);
  if (!address) return undefined;
  for (const { bits, length, matches } of table) {
    if (bits !== address.bits) continue;
    const match = matches.get(address.value >> BigInt(bits - length));
    if (match) return match;
  }
  return undefined;
}

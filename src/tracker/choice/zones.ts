/**
 * Coverage zones map a client's address to the site that covers its network. The longest prefix wins, across all sites.
 * Pure.
 */
import { parseAddress, parseIpv4, parsePrefix } from '../../kernel/network.ts';
import type { SiteId } from '../../protocol/base/ids.ts';

export interface ZoneMatch {
  readonly site: SiteId;
  /** The prefix as the operator wrote it. */
  readonly prefix: string;
}

/** One level per prefix length, longest first, mapping the leading bits of an address to a match. */
interface Level<Bits> {
  readonly length: number;
  readonly matches: Map<Bits, ZoneMatch>;
}
/** IPv4 addresses fit into a number, which is faster than the bigint that IPv6 needs. */
export interface ZoneTable {
  readonly v4: readonly Level<number>[];
  readonly v6: readonly Level<bigint>[];
}

/** The prefixes that one site covers. */
export interface Zone {
  readonly site: SiteId;
  readonly zone: readonly string[];
}

export function makeZoneTable(zones: readonly Zone[]): ZoneTable {
  const v4 = new Map<number, Level<number>>();
  const v6 = new Map<number, Level<bigint>>();
  for (const { site, zone } of zones) {
    for (const text of zone) {
      const prefix = parsePrefix(text);
      if (!prefix) continue;
      const { bits, length, value } = prefix;
      const leading = value >> BigInt(bits - length);
      if (bits === 32) claim(v4, length, Number(leading), { site, prefix: text });
      else claim(v6, length, leading, { site, prefix: text });
    }
  }
  return { v4: longestFirst(v4), v6: longestFirst(v6) };
}

/** If two sites claim the same prefix, the first one keeps it. */
function claim<Bits>(
  levels: Map<number, Level<Bits>>,
  length: number,
  leading: Bits,
  match: ZoneMatch,
): void {
  const level = levels.get(length) ?? { length, matches: new Map<Bits, ZoneMatch>() };
  if (!level.matches.has(leading)) level.matches.set(leading, match);
  levels.set(length, level);
}

const longestFirst = <Bits>(levels: ReadonlyMap<number, Level<Bits>>): readonly Level<Bits>[] =>
  [...levels.values()].sort((a, b) => b.length - a.length);

/**
 * Finds the zone with the longest prefix that contains this address. Undefined if there is none or the text is not an
 * address.
 */
export function findZone(table: ZoneTable, client: string): ZoneMatch | undefined {
  const ipv4 = parseIpv4(client);
  if (ipv4 !== undefined) return findIpv4(table, ipv4);
  const address = parseAddress(client);
  if (!address) return undefined;
  if (address.bits === 32) return findIpv4(table, Number(address.value));
  for (const { length, matches } of table.v6) {
    const match = matches.get(address.value >> BigInt(128 - length));
    if (match) return match;
  }
  return undefined;
}

function findIpv4({ v4 }: ZoneTable, value: number): ZoneMatch | undefined {
  for (const { length, matches } of v4) {
    // A shift by 32 bits would not shift at all.
    const match = matches.get(length === 0 ? 0 : value >>> (32 - length));
    if (match) return match;
  }
  return undefined;
}

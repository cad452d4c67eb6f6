/**
 * Reduces an address to the network prefix by which viewers are remembered (/24 and /48). Viewers in one prefix are
 * distinguished by a keyed hash, which nobody can reverse after the process has ended. Pure.
 */
import { parseAddress } from '../../kernel/network.ts';
import { hashText } from '../choice/sites.ts';

/** The prefix of an address; undefined if the text is not an IP address. IPv4-mapped IPv6 is treated as IPv4. */
export function prefixOf(address: string): string | undefined {
  const parsed = parseAddress(address);
  if (!parsed) return undefined;
  if (parsed.bits === 128) return `${groupsOf(parsed.value, 3)}::/48`;
  const value = Number(parsed.value);
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.0/24`;
}

/** The wider network if neither autonomous system nor zone is known: /16 and /32. */
export function widerNetworkOf(prefix: string): string {
  const v4 = /^(\d+\.\d+)\./.exec(prefix);
  return v4 ? `${v4[1]}.0.0/16` : `${prefix.split(':').slice(0, 2).join(':')}::/32`;
}

/**
 * Identifies a reporter within its prefix: a host in IPv4; in IPv6 a /64 network, because one host has all its
 * addresses.
 */
export function reporterIdOf(address: string, key: string): number {
  const parsed = parseAddress(address);
  return hashText(`${key} ${parsed?.bits === 128 ? groupsOf(parsed.value, 4) : (parsed?.value ?? address)}`);
}

/** The first `count` groups of an IPv6 address in hexadecimal, separated by colons. */
const groupsOf = (value: bigint, count: number): string =>
  Array.from({ length: count }, (_, group) =>
    ((value >> BigInt(112 - 16 * group)) & 0xffffn).toString(16),
  ).join(':');

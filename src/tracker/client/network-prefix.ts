/**
 * Reduces an address to the network prefix by which viewers are remembered (/24 and /48). Viewers in one prefix are
 * distinguished by a keyed hash, which nobody can reverse after the process has ended. Pure.
 */
import { parseIpv4 } from '../../kernel/network.ts';
import { hashText } from '../choice/sites.ts';

/** The prefix of an address; undefined if the text is not an IP address. IPv4-mapped IPv6 is treated as IPv4. */
export function prefixOf(address: string): string | undefined {
  const bare = bareOf(address);
  if (parseIpv4(bare) !== undefined) return `${bare.slice(0, bare.lastIndexOf('.'))}.0/24`;
  const groups = groupsOf(bare, 3);
  return groups && `${groups.join(':')}::/48`;
}

/** The wider network if neither autonomous system nor zone is known: /16 and /32. */
export function areaOf(prefix: string): string {
  const v4 = /^(\d+\.\d+)\./.exec(prefix);
  return v4 ? `${v4[1]}.0.0/16` : `${prefix.split(':').slice(0, 2).join(':')}::/32`;
}

/**
 * Identifies a reporter within its prefix: a host in IPv4; in IPv6 a /64 network, because one host has all its
 * addresses.
 */
export function reporterIdOf(address: string, key: string): number {
  const bare = bareOf(address);
  return hashText(`${key} ${bare.includes(':') ? (groupsOf(bare, 4)?.join(':') ?? bare) : bare}`);
}

const bareOf = (address: string): string =>
  parseIpv4(address) === undefined ? bareIpv6Of(address) : address;
const bareIpv6Of = (address: string): string =>
  address
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .toLowerCase();

/** The first `count` groups of an IPv6 address. */
function groupsOf(text: string, count: number): readonly string[] | undefined {
  if (!/^[0-9a-f:.]+$/.test(text) || !text.includes(':')) return undefined;
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, count);
  return groups.length === count ? groups.map(group => Number.parseInt(group, 16).toString(16)) : undefined;
}

/**
 * Viewers are remembered by network prefix only, /24 and /48, and told apart inside one by a keyed hash that nobody can turn
 * back once the process has ended. Pure.
 */
import { parseIpv4 } from '../../kernel/network.ts';
import { hashText } from '../choice/sites.ts';

/** Where a viewer is, as the memory knows it. */
export interface Where {
  /** `192.0.2.0/24` or `2001:db8:1::/48` */
  readonly prefix: string;
  /** The larger network it belongs to: autonomous system, coverage zone, or a wider prefix. */
  readonly area: string;
}

/** Undefined where the text is no IP address. IPv4-mapped IPv6 counts as IPv4. */
export function prefixOf(address: string): string | undefined {
  const bare = bareOf(address);
  if (parseIpv4(bare) !== undefined) return `${bare.slice(0, bare.lastIndexOf('.'))}.0/24`;
  const groups = groupsOf(bare, 3);
  return groups && `${groups.join(':')}::/48`;
}

/** The wider network where neither autonomous system nor zone is known: /16 and /32. */
export function areaOf(prefix: string): string {
  const v4 = /^(\d+\.\d+)\./.exec(prefix);
  return v4 ? `${v4[1]}.0.0/16` : `${prefix.split(':').slice(0, 2).join(':')}::/32`;
}

/** Who it is within the prefix: a host in IPv4, a network of /64 in IPv6, where one host has all addresses of it. */
export function whoIs(address: string, key: string): number {
  const bare = bareOf(address);
  return hashText(`${key} ${bare.includes(':') ? (groupsOf(bare, 4)?.join(':') ?? bare) : bare}`);
}

const bareOf = (address: string): string =>
  parseIpv4(address) === undefined ? bareOfOther(address) : address;
const bareOfOther = (address: string): string =>
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

/** IP addresses and prefixes as numbers, so that a longest-prefix match is arithmetic. Pure. */
import { isIP } from 'node:net';

/** An IP address: 32 bits for IPv4, 128 for IPv6. */
export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

const DOT = 46;
const ZERO = 48;

/** Parses four decimal octets without leading zeros into one number. Returns undefined for any other text. */
export function parseIpv4(text: string): number | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octet = -1;
      dots++;
    } else {
      if (code < ZERO || code > ZERO + 9 || octet === 0) return undefined;
      octet = Math.max(0, octet) * 10 + (code - ZERO);
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined;
}

/** Parses an IP address, or returns undefined. IPv4-mapped IPv6 (`::ffff:192.0.2.1`) counts as IPv4; zone ids are dropped. */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return { bits: 32, value: BigInt(ipv4) };
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (isIP(bare) !== 6) return undefined;
  const value = ipv6Value(bare);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value };
}

const ipv4Value = (text: string): bigint =>
  text.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);

function ipv6Value(text: string): bigint {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = embedded?.[1] && embedded[2] ? embedded[1] + hexPair(ipv4Value(embedded[2])) : text;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

const hexPair = (value: bigint): string => `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;

export interface Prefix extends Address {
  readonly length: number;
}

/** Parses a prefix such as `10.1.0.0/16` (also written `::ffff:10.1.0.0/112`) or `2001:db8::/32`, or returns undefined. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, base = '', digits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(base);
  if (!address) return undefined;
  const isMapped = address.bits === 32 && base.includes(':');
  const length = Number(digits) - (isMapped ? 96 : 0);
  return length >= 0 && length <= address.bits ? { ...address, length } : undefined;
}

export const contains = (prefix: Prefix, address: Address): boolean => {
  if (prefix.bits !== address.bits) return false;
  const shift = BigInt(prefix.bits - prefix.length);
  return prefix.value >> shift === address.value >> shift;
};

/** The address of the client: the last address in X-Forwarded-For that is not a trusted proxy, if the socket's address is one. */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | undefined,
  trustedProxies: readonly Prefix[],
): string {
  const trusted = (text: string): boolean => {
    const address = parseAddress(text);
    return address !== undefined && trustedProxies.some(prefix => contains(prefix, address));
  };
  let client = socketAddress;
  const hops = (forwardedFor ?? '').split(',').map(hop => hop.trim());
  while (trusted(client)) {
    const hop = hops.pop();
    if (!hop || !parseAddress(hop)) break;
    client = hop;
  }
  return client;
}

/** IP addresses and prefixes as numbers, so that a longest-prefix match is arithmetic. ipaddr.js parses the text. Pure. */
import ipaddr from 'ipaddr.js';

/** An IP address: 32 bits for IPv4, 128 for IPv6. */
export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

const toNumber = (octets: readonly number[]): number =>
  octets.reduce((value, octet) => value * 256 + octet, 0);

/** Parses four decimal octets without leading zeros into one number. Returns undefined for any other text. */
export const parseIpv4 = (text: string): number | undefined =>
  ipaddr.IPv4.isValidFourPartDecimal(text) ? toNumber(ipaddr.IPv4.parse(text).octets) : undefined;

/** Parses an IP address, or returns undefined. IPv4-mapped IPv6 (`::ffff:192.0.2.1`) counts as IPv4; zone ids are dropped. */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return { bits: 32, value: BigInt(ipv4) };
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return undefined;
  const address = ipaddr.IPv6.parse(bare);
  if (address.isIPv4MappedAddress()) {
    return { bits: 32, value: BigInt(toNumber(address.toIPv4Address().octets)) };
  }
  return { bits: 128, value: address.parts.reduce((value, part) => (value << 16n) | BigInt(part), 0n) };
}

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

/** The text that `parsePrefix` parses to this prefix. */
export function formatPrefix({ bits, value, length }: Prefix): string {
  const octets = Array.from({ length: bits / 8 }, (_, at) =>
    Number((value >> BigInt(bits - 8 * (at + 1))) & 255n),
  );
  return `${ipaddr.fromByteArray(octets).toString()}/${length}`;
}

export const contains = (prefix: Prefix, address: Address): boolean => {
  if (prefix.bits !== address.bits) return false;
  const shift = BigInt(prefix.bits - prefix.length);
  return prefix.value >> shift === address.value >> shift;
};

/** What limits count as one client: an IPv4 address, or the first `bits` of an IPv6 address, whose holder has all of the others. */
export function networkOf(address: string, bits: number): string {
  const parsed = parseAddress(address);
  if (!parsed) return address;
  return parsed.bits === 32
    ? parsed.value.toString(16)
    : `${(parsed.value >> BigInt(128 - bits)).toString(16)}/${bits}`;
}

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

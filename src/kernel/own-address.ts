/** Finds the address under which other machines reach this one, if it is not configured. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

const LOOPBACK = '127.0.0.1';

/** The first address of this machine that other machines can reach, IPv4 before IPv6; the loopback address if there is none. */
export function findOwnIp(): string {
  const addresses = Object.values(networkInterfaces())
    .flatMap(found => found ?? [])
    // A link-local address is valid only together with an interface.
    .filter(({ internal, address }) => !internal && !/^fe80:|^169\.254\./i.test(address));
  return (addresses.find(({ family }) => family === 'IPv4') ?? addresses[0])?.address ?? LOOPBACK;
}

/**
 * The IP address and port of the server at `baseUrl`, which is this machine. A name is looked up; if that fails, or if the name
 * is only known on this machine, the address is one of this machine.
 */
export async function findSourceAddress(baseUrl: string): Promise<string> {
  const { hostname, port, protocol } = new URL(baseUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  const ip = isIP(host) ? host : await lookUp(host);
  return `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

async function lookUp(host: string): Promise<string> {
  try {
    const { address } = await lookup(host);
    return /^127\.|^::1$/.test(address) ? findOwnIp() : address;
  } catch {
    return findOwnIp();
  }
}

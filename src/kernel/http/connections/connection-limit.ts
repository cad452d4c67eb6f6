/**
 * Limits the connections of one address and of all together, so that a client that opens thousands cannot lock out the others.
 * Connections in excess are still served, up to a second limit, but only with a refusal: a reset would look like a failure of
 * this part.
 */
import type { Socket } from 'node:net';
import * as z from 'zod';
import { contains, type Prefix, parseAddress, parsePrefix } from '../../network.ts';

/** The settings of every part. 512 is enough for 40 browsers behind one address, which open six connections each. */
export const connectionSettings = {
  /** Maximum number of connections from one address (for IPv6, one /64 network). */
  connectionsPerAddress: z.int().min(1).max(1_000_000).default(512),
  /** Maximum number of connections from all addresses. */
  connections: z.int().min(1).max(1_000_000).default(16_384),
};

/** Clients on this machine may open any number of connections, up to the limit for all. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'].flatMap(text => parsePrefix(text) ?? []);

/** Connections beyond a limit that get a refusal; the others are reset. */
const REFUSALS = 128;

export interface ConnectionLimit {
  readonly perAddress: number;
  readonly total: number;
  /** Addresses that only the limit of all applies to: proxies, which connect on behalf of many viewers. */
  readonly except: readonly Prefix[];
}

export const connectionLimitOf = (config: {
  readonly connectionsPerAddress: number;
  readonly connections: number;
  readonly trustedProxies?: readonly Prefix[];
}): ConnectionLimit => ({
  perAddress: config.connectionsPerAddress,
  total: config.connections,
  except: [...LOOPBACK, ...(config.trustedProxies ?? [])],
});

export interface ConnectionGate {
  /** Counts a new connection. Returns false after it has reset one that is too many even for a refusal. */
  admit(socket: Socket): boolean;
  /** True if this connection is in excess of a limit: it must get a refusal and be closed. Also for its TLS socket. */
  isExcess(socket: Socket): boolean;
}

/** The key under which connections are counted: an IPv6 client has a whole /64. Undefined for addresses without a limit. */
function ownerOf(text: string, except: readonly Prefix[]): string | undefined {
  const address = parseAddress(text);
  if (!address) return text;
  if (except.some(prefix => contains(prefix, address))) return undefined;
  return address.bits === 32 ? `4 ${address.value}` : `6 ${address.value >> 64n}`;
}

/** The same for a TLS socket and the connection below it. */
const endpointOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

export function createConnectionGate({ perAddress, total, except }: ConnectionLimit): ConnectionGate {
  const open = new Map<string, number>();
  const excess = new Set<string>();
  let all = 0;
  return {
    admit(socket) {
      const owner = ownerOf(socket.remoteAddress ?? '', except);
      const count = owner === undefined ? 0 : (open.get(owner) ?? 0);
      if (count >= perAddress + REFUSALS || all >= total + REFUSALS) {
        socket.resetAndDestroy();
        return false;
      }
      all++;
      if (owner !== undefined) open.set(owner, count + 1);
      const endpoint = endpointOf(socket);
      if (count >= perAddress || all > total) excess.add(endpoint);
      socket.once('close', () => {
        all--;
        excess.delete(endpoint);
        if (owner === undefined) return;
        const left = (open.get(owner) ?? 1) - 1;
        if (left === 0) open.delete(owner);
        else open.set(owner, left);
      });
      return true;
    },
    isExcess: socket => excess.size > 0 && excess.has(endpointOf(socket)),
  };
}

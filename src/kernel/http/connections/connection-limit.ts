/** Limits the connections of one address, so that a client that opens thousands cannot lock out the others. */
import type { Socket } from 'node:net';
import { contains, type Prefix, parseAddress } from '../../network.ts';

export interface ConnectionLimit {
  readonly perAddress: number;
  /** Addresses without a limit: proxies, which connect on behalf of many viewers. */
  readonly except: readonly Prefix[];
}

/** The key under which connections are counted: an IPv6 client has a whole /64. Undefined for addresses without a limit. */
function ownerOf(text: string, except: readonly Prefix[]): string | undefined {
  const address = parseAddress(text);
  if (!address) return text;
  if (except.some(prefix => contains(prefix, address))) return undefined;
  return address.bits === 32 ? `4 ${address.value}` : `6 ${address.value >> 64n}`;
}

/** Creates a function that returns false after it has reset a connection in excess of the limit. */
export function createConnectionGate({ perAddress, except }: ConnectionLimit): (socket: Socket) => boolean {
  const open = new Map<string, number>();
  return socket => {
    const owner = ownerOf(socket.remoteAddress ?? '', except);
    if (owner === undefined) return true;
    const count = open.get(owner) ?? 0;
    if (count >= perAddress) {
      // A reset costs this server nothing more; an orderly close would.
      socket.resetAndDestroy();
      return false;
    }
    open.set(owner, count + 1);
    socket.once('close', () => {
      const left = (open.get(owner) ?? 1) - 1;
      if (left === 0) open.delete(owner);
      else open.set(owner, left);
    });
    return true;
  };
}

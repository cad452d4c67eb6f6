/** How many connections one address may hold: one client that opens thousands must not shut out all others. */
import type { Socket } from 'node:net';
import { contains, type Prefix, parseAddress } from '../network.ts';

export interface ConnectionLimit {
  readonly perAddress: number;
  /** Proxies: many viewers stand behind one address. */
  readonly except: readonly Prefix[];
}

/** An IPv6 client has a whole /64 of addresses. Undefined where the limit is not for it. */
function ownerOf(text: string, except: readonly Prefix[]): string | undefined {
  const address = parseAddress(text);
  if (!address) return text;
  if (except.some(prefix => contains(prefix, address))) return undefined;
  return address.bits === 32 ? `4 ${address.value}` : `6 ${address.value >> 64n}`;
}

/** False: one too many, and it was cut off. */
export function createConnectionGate({ perAddress, except }: ConnectionLimit): (socket: Socket) => boolean {
  const open = new Map<string, number>();
  return socket => {
    const owner = ownerOf(socket.remoteAddress ?? '', except);
    if (owner === undefined) return true;
    const count = open.get(owner) ?? 0;
    if (count >= perAddress) {
      // A reset, not an orderly end: it costs nothing more here.
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

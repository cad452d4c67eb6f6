/**
 * Networks whose clients need no credential for some calls. A browser in such a network also loads pages of other origins, so
 * a network counts only for requests to a name of this part (against DNS rebinding). Where pages of any origin may read responses,
 * it counts only for requests that no such page has made.
 */
import type { IncomingMessage } from 'node:http';
import { isOwnHost, type NamedPart } from '../http/own-names.ts';
import { contains, type Prefix, parseAddress } from '../network.ts';

export interface NetworkRules extends NamedPart {
  /** Proxies whose X-Forwarded-For and X-Forwarded-Host are trusted. */
  readonly trustedProxies: readonly Prefix[];
}

type Request = {
  readonly headers: IncomingMessage['headers'];
  readonly socket: { readonly remoteAddress?: string | undefined };
};

export function isInNetworks(address: string, networks: readonly Prefix[]): boolean {
  if (networks.length === 0) return false;
  const parsed = parseAddress(address);
  return parsed !== undefined && networks.some(prefix => contains(prefix, parsed));
}

/** True if the client called this part by one of its names. */
export const isToOwnHost = (request: Request, rules: NetworkRules): boolean =>
  isOwnHost(hostOf(request, rules), rules);

/** The host that the client called. A trusted proxy that rewrites the Host header passes it on in another one. */
function hostOf({ socket, headers }: Request, { trustedProxies }: NetworkRules): string | undefined {
  const isProxy = isInNetworks(socket.remoteAddress ?? '', trustedProxies);
  const forwarded = isProxy ? headers['x-forwarded-host']?.toString().split(',').at(-1)?.trim() : undefined;
  return forwarded ?? headers.host;
}

/** True if a page of another origin may have made this request: browsers say so (Fetch Metadata; Fetch standard, CORS). */
export function isOfForeignPage({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/**
 * Trusted networks. A browser in a trusted network also loads pages of others, so a network counts only for requests to a name of
 * this site.
 */
import type { IncomingMessage } from 'node:http';
import { isOwnHost, type NamedPart } from '../../kernel/http/own-names.ts';
import { clientAddress, contains, type Prefix, parseAddress } from '../../kernel/network.ts';

export interface AccessRules extends NamedPart {
  readonly trustedNetworks: readonly Prefix[];
  /** Proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly Prefix[];
}

export const isTrusted = (request: IncomingMessage, rules: AccessRules): boolean =>
  isInTrustedNetwork(request, rules) && isOwnHost(hostOf(request, rules), rules);

function isInTrustedNetwork({ socket, headers }: IncomingMessage, rules: AccessRules): boolean {
  const forwarded = headers['x-forwarded-for']?.toString();
  const address = parseAddress(clientAddress(socket.remoteAddress ?? '', forwarded, rules.trustedProxies));
  return address !== undefined && rules.trustedNetworks.some(prefix => contains(prefix, address));
}

/** The host that the client called. A trusted proxy that rewrites the Host header passes it on in another one. */
function hostOf({ socket, headers }: IncomingMessage, { trustedProxies }: AccessRules): string | undefined {
  const peer = parseAddress(socket.remoteAddress ?? '');
  const isProxy = peer !== undefined && trustedProxies.some(prefix => contains(prefix, peer));
  const forwarded = isProxy ? headers['x-forwarded-host']?.toString().split(',').at(-1)?.trim() : undefined;
  return forwarded ?? headers.host;
}

/**
 * Access to the studio: with the operator token, or from a trusted network. A browser in a trusted network also loads pages of
 * others, so a network counts only for requests to a name of this site.
 */
import type { IncomingMessage } from 'node:http';
import { hasToken } from '../../kernel/http/operator-token.ts';
import { isOwnHost, type NamedPart } from '../../kernel/http/own-names.ts';
import { clientAddress, contains, type Prefix, parseAddress } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';

export interface AccessRules extends NamedPart {
  readonly operatorToken: string;
  readonly trustedNetworks: readonly Prefix[];
  /** Origins whose pages may request changes. Default: only that of the request itself. */
  readonly origins?: readonly string[];
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

/**
 * @throws Problem 401 `token-needed`, or `credential-invalid` for a wrong token even from a trusted network; 403 `cross-origin` if a page of another origin requests a change, so that such a page
 * cannot use a browser in a trusted network.
 */
export function requireStudioAccess(request: IncomingMessage, rules: AccessRules): void {
  const { origin, host, authorization } = request.headers;
  const isChange = request.method !== 'GET' && request.method !== 'HEAD';
  if (isChange && origin !== undefined && hostOfOrigin(origin) !== host && !rules.origins?.includes(origin)) {
    throw problem('cross-origin');
  }
  if (!hasToken(authorization, rules.operatorToken) && !isTrusted(request, rules)) {
    const detail = isInTrustedNetwork(request, rules)
      ? 'The studio needs the operator token, because the Host of this request is not a name of this site. If it is one, add it to "hosts".'
      : 'The studio needs the operator token of this site.';
    throw problem('token-needed', detail, { headers: { 'www-authenticate': 'Bearer' } });
  }
}

const hostOfOrigin = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;

/** Access to the studio: with the operator token, or from a trusted network. */
import type { IncomingMessage } from 'node:http';
import { hasToken } from '../../kernel/http/server.ts';
import { clientAddress, contains, type Prefix, parseAddress } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';

export interface AccessRules {
  readonly operatorToken: string;
  readonly trustedNetworks: readonly Prefix[];
  /** Proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly Prefix[];
}

export function isTrusted(request: IncomingMessage, rules: AccessRules): boolean {
  const { socket, headers } = request;
  const forwarded = headers['x-forwarded-for']?.toString();
  const address = parseAddress(clientAddress(socket.remoteAddress ?? '', forwarded, rules.trustedProxies));
  return address !== undefined && rules.trustedNetworks.some(prefix => contains(prefix, address));
}

/**
 * @throws Problem 401 `token-needed`; 403 `cross-origin` if a page of another origin requests a change, so that such a page
 * cannot use a browser in a trusted network.
 */
export function requireStudioAccess(request: IncomingMessage, rules: AccessRules): void {
  const { origin, host, authorization } = request.headers;
  const isChange = request.method !== 'GET' && request.method !== 'HEAD';
  if (isChange && origin !== undefined && hostOf(origin) !== host) {
    throw problem('cross-origin');
  }
  if (!hasToken(authorization, rules.operatorToken) && !isTrusted(request, rules)) {
    throw problem('token-needed', 'The studio needs the operator token of this site.', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;

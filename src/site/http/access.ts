/**
 * Trusted networks. A browser in a trusted network also loads pages of others, so a network counts only for requests to a name of
 * this site.
 */
import type { IncomingMessage } from 'node:http';
import { isInNetworks, isToOwnHost, type NetworkRules } from '../../kernel/access/networks.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import type { Prefix } from '../../kernel/network.ts';

export interface AccessRules extends NetworkRules {
  readonly trustedNetworks: readonly Prefix[];
}

export const isTrusted = (request: IncomingMessage, rules: AccessRules): boolean =>
  isInNetworks(requestAddress(request, rules.trustedProxies), rules.trustedNetworks) &&
  isToOwnHost(request, rules);

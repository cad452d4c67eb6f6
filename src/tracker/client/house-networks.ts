/**
 * Decides which viewers are in a house network of central, and so may watch internal videos without signing in (docs/people.md). Every
 * page may read a tracker's responses, so the network does not count for requests of pages: central gives its page a grant.
 */
import { isInNetworks, isOfForeignPage, isToOwnHost } from '../../kernel/access/networks.ts';
import type { Prefix } from '../../kernel/network.ts';
import type { TrackerConfig } from '../config.ts';
import type { RawRequest } from './client.ts';
import type { Credentials } from './private-access.ts';

export interface CredentialsDeps {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'hosts' | 'trustedProxies'>;
  readonly houseNetworks: () => readonly Prefix[];
}

/** The credentials of a player at this address. */
export const credentialsOf = (
  raw: RawRequest,
  address: string,
  grant: string | undefined,
  { config, houseNetworks }: CredentialsDeps,
): Credentials => ({
  grant,
  isInHouseNetwork: () =>
    isInNetworks(address, houseNetworks()) && isToOwnHost(raw, config) && !isOfForeignPage(raw),
});

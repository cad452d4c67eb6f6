/** Who makes a request to central: a person with a session or an API token, the operator token, or a viewer in a house network. */
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Authority, BREAK_GLASS, HOUSE_NETWORK } from '../../kernel/access/authority.ts';
import {
  type CredentialOptions,
  credentialInvalid,
  findCredential,
  sessionEnded,
} from '../../kernel/access/credentials.ts';
import { isInNetworks, isOfForeignPage, isToOwnHost } from '../../kernel/access/networks.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import type { CentralConfig } from '../config.ts';
import {
  findApiToken,
  findRights,
  findSession,
  type PersonWithRights,
  rightsOfToken,
  touch,
} from '../database/people/authority.ts';
import type { CentralDatabase } from '../database/schema.ts';

export type AuthenticateConfig = Pick<
  CentralConfig,
  'sessionIdle' | 'houseNetworks' | 'trustedProxies' | 'baseUrl' | 'hosts'
>;

export interface AuthenticateDeps {
  readonly db: CentralDatabase;
  readonly config: AuthenticateConfig;
  readonly credentials: CredentialOptions;
}

export function createAuthenticate({ db, config, credentials }: AuthenticateDeps) {
  /** Pages of any origin may read the catalogue, so the network does not count for their requests. */
  const isInHouseNetwork = (request: IncomingMessage): boolean =>
    isInNetworks(requestAddress(request, config.trustedProxies), config.houseNetworks) &&
    isToOwnHost(request, config) &&
    !isOfForeignPage(request);

  /** @throws Problem 401 `credential-invalid` */
  return async (request: IncomingMessage): Promise<Authority> => {
    const credential = findCredential(request, credentials);
    const nowMs = Date.now();
    switch (credential.kind) {
      case 'none':
        return isInHouseNetwork(request) ? HOUSE_NETWORK : ANONYMOUS;
      case 'operator-token':
        return BREAK_GLASS;
      case 'session': {
        const session = await findSession(db, credential.hash, config.sessionIdle, nowMs);
        const rights = session && (await findRights(db, session.person_id));
        if (!session || !rights) throw sessionEnded(credentials.cookie);
        await touch(db, 'sessions', session, nowMs);
        return authorityOf(rights, 'session', session);
      }
      case 'token': {
        const token = await findApiToken(db, credential.hash, nowMs);
        const rights = token && (await findRights(db, token.person_id));
        if (!token || !rights) throw credentialInvalid();
        await touch(db, 'api_tokens', token, nowMs);
        return authorityOf(rightsOfToken(token, rights), 'token', token);
      }
    }
  };
}

const authorityOf = (
  { person, permissions, groups }: PersonWithRights,
  via: 'session' | 'token',
  { id, expires_at }: { readonly id: string; readonly expires_at: number },
): Authority => ({
  person: { id: person.id, name: person.name, ...(person.email === null ? {} : { email: person.email }) },
  via,
  permissions,
  groups,
  credential: { id, expiresMs: Number(expires_at) },
});

/** Who makes a request to this site: the operator token, a person whom central vouches for, or a client in a trusted network. */
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Authority, BREAK_GLASS, HOUSE_NETWORK } from '../../kernel/access/authority.ts';
import {
  type CredentialOptions,
  credentialInvalid,
  findCredential,
} from '../../kernel/access/credentials.ts';
import { type AccessRules, isTrusted } from '../http/access.ts';

export interface AuthenticateDeps {
  readonly access: AccessRules;
  readonly credentials: CredentialOptions;
}

export const createAuthenticate =
  ({ access, credentials }: AuthenticateDeps) =>
  /** @throws Problem 401 `credential-invalid` */
  async (request: IncomingMessage): Promise<Authority> => {
    const credential = findCredential(request, credentials);
    switch (credential.kind) {
      case 'none':
        return isTrusted(request, access) ? HOUSE_NETWORK : ANONYMOUS;
      case 'operator-token':
        return BREAK_GLASS;
      case 'session':
      case 'token':
        throw credentialInvalid();
    }
  };

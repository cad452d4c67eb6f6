/** Who makes an operator's call to this tracker: the operator token, or a person with an API token. */
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Authority, BREAK_GLASS } from '../../kernel/access/authority.ts';
import {
  type CredentialOptions,
  credentialInvalid,
  findCredential,
} from '../../kernel/access/credentials.ts';

export interface AuthenticateDeps {
  readonly credentials: CredentialOptions;
}

export const createAuthenticate =
  ({ credentials }: AuthenticateDeps) =>
  /** @throws Problem 401 `credential-invalid` */
  async (request: IncomingMessage): Promise<Authority> => {
    const credential = findCredential(request, credentials);
    switch (credential.kind) {
      case 'none':
        return ANONYMOUS;
      case 'operator-token':
        return BREAK_GLASS;
      case 'session':
      case 'token':
        throw credentialInvalid();
    }
  };

/** Who makes an operator's call to this tracker: the operator token, or a person with an API token. */
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Authority, BREAK_GLASS } from '../../kernel/access/authority.ts';
import type { CredentialChecker } from '../../kernel/access/check-credentials.ts';
import {
  type CredentialOptions,
  credentialInvalid,
  findCredential,
} from '../../kernel/access/credentials.ts';

export interface AuthenticateDeps {
  readonly credentials: CredentialOptions;
  readonly people: Pick<CredentialChecker, 'check'>;
}

export const createAuthenticate =
  ({ credentials, people }: AuthenticateDeps) =>
  /** @throws Problem 401 `credential-invalid`; 503 `central-unreachable`, `busy` */
  async (request: IncomingMessage): Promise<Authority> => {
    const credential = findCredential(request, credentials);
    switch (credential.kind) {
      case 'none':
        return ANONYMOUS;
      case 'operator-token':
        return BREAK_GLASS;
      case 'token':
        return people.check('token', credential.hash);
      case 'session':
        throw credentialInvalid();
    }
  };

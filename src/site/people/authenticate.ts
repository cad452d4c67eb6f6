/** Who makes a request to this site: the operator token, a person whom central vouches for, or a client in a trusted network. */
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Authority, BREAK_GLASS, HOUSE_NETWORK } from '../../kernel/access/authority.ts';
import type { CredentialChecker } from '../../kernel/access/check-credentials.ts';
import { type CredentialOptions, findCredential, sessionEnded } from '../../kernel/access/credentials.ts';
import { Problem } from '../../kernel/problem.ts';
import { type AccessRules, isTrusted } from '../http/access.ts';

export interface AuthenticateDeps {
  readonly access: AccessRules;
  readonly credentials: CredentialOptions;
  readonly people: Pick<CredentialChecker, 'check'>;
}

export const createAuthenticate =
  ({ access, credentials, people }: AuthenticateDeps) =>
  /** @throws Problem 401 `credential-invalid`; 503 `central-unreachable`, `busy` */
  async (request: IncomingMessage): Promise<Authority> => {
    const credential = findCredential(request, credentials);
    switch (credential.kind) {
      case 'none':
        return isTrusted(request, access) ? HOUSE_NETWORK : ANONYMOUS;
      case 'operator-token':
        return BREAK_GLASS;
      case 'token':
        return people.check('token', credential.hash);
      case 'session':
        return people.check('session', credential.hash).catch(error => {
          const isOver = error instanceof Problem && error.code === 'credential-invalid';
          throw isOver ? sessionEnded(credentials.cookie) : error;
        });
    }
  };

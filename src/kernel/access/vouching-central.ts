/** The calls with which a member learns from central who a session or an API token belongs to. */
import { type StatementResponse, statementResponseSchema } from '../../protocol/people/statements.ts';
import type { PublicKey } from '../identity/keys.ts';
import type { CentralClient } from '../membership/central-client.ts';
import type { VouchingCentral } from './check-credentials.ts';

/** A person waits for the response. */
const TIMEOUT_MS = 5_000;

/** Both are undefined until this member has joined. */
export const vouchingCentralOf = (
  client: CentralClient | undefined,
  publicKey: PublicKey | undefined,
): VouchingCentral | undefined =>
  client && publicKey !== undefined
    ? {
        member: client.member,
        publicKey,
        fetchToken: hash => fetchStatement(client, 'token', { hash }),
        refresh: credential => fetchStatement(client, 'refresh', { credential }),
      }
    : undefined;

export async function fetchStatement(
  client: CentralClient,
  call: 'code' | 'token' | 'refresh',
  body: object,
): Promise<string> {
  const { statement }: StatementResponse = await client.call(`/api/statements/${call}`, {
    body,
    timeoutMs: TIMEOUT_MS,
    response: statementResponseSchema,
  });
  return statement;
}

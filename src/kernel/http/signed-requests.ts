/** Verifies the signature of an incoming request: who made it, and that it was made for this part. */
import type { FastifyRequest } from 'fastify';
import type { ProblemCode } from '../../protocol/problems.ts';
import type { PublicKey } from '../identity/keys.ts';
import { type NonceMemory, verifyRequest } from '../identity/signatures.ts';
import { Problem } from '../problem.ts';

/** The part that receives signed requests. */
export interface Recipient {
  readonly nonces: NonceMemory;
  /** The authorities at which other parts call this part, by its own settings and never by the Host header. */
  readonly authorities: (request: FastifyRequest) => readonly string[];
}

/** A signed request was rejected. `signer` is set if the signature itself is valid, so the key's owner made the request. */
export class RejectedSignature extends Problem {
  readonly signer: string | undefined;

  constructor(code: ProblemCode, detail: string, signer: string | undefined) {
    super(code, detail);
    this.signer = signer;
  }
}

/** Returns the id of the key that signed this request for this recipient. @throws Problem 401 with the reason. */
export async function requireSigner(
  request: FastifyRequest,
  findKey: (keyId: string) => Promise<PublicKey | undefined>,
  { nonces, authorities }: Recipient,
): Promise<string> {
  const target = request.raw.url ?? '';
  const queryStart = target.indexOf('?');
  const verification = await verifyRequest(
    {
      method: request.method,
      authorities: authorities(request),
      path: queryStart === -1 ? target : target.slice(0, queryStart),
      query: queryStart === -1 ? '?' : target.slice(queryStart),
      body: request.isBodyRead ? (request.rawBody ?? '') : undefined,
      headers: request.headers,
    },
    findKey,
    nonces,
    Date.now(),
  );
  if (!verification.ok)
    throw new RejectedSignature(verification.code, verification.detail, verification.signer);
  return verification.keyId;
}

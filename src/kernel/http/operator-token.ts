/**
 * The operator token of a part, which a client sends as a bearer token (RFC 6750). A wrong token is always refused, also where no
 * token is needed, so that its holder learns of the mistake.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { problem } from '../problem.ts';

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Returns false if the request has no bearer token. Credentials of other schemes are not for this part: a proxy may ask for them.
 *
 * @throws Problem 401 `credential-invalid` if the request has another token
 */
function hasToken(authorization: string | undefined, token: string): boolean {
  const [, given] = /^bearer(?: +(.*))?$/is.exec(authorization ?? '') ?? [];
  if (given === undefined && !/^bearer$/i.test(authorization ?? '')) return false;
  if (timingSafeEqual(digestOf(given ?? ''), digestOf(token))) return true;
  throw problem(
    'credential-invalid',
    'The operator token is wrong. It is "operatorToken" in the configuration of this part.',
    {
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    },
  );
}

/** @throws Problem 401 unless the request carries the operator's token. */
export function requireToken(request: FastifyRequest, token: string): void {
  if (!hasToken(request.headers.authorization, token)) {
    throw problem(
      'token-needed',
      'This call needs the operator token: send it as "Authorization: Bearer …".',
      { headers: { 'www-authenticate': 'Bearer' } },
    );
  }
}

/** Finds the credential of a request: a bearer token (RFC 6750) or the cookie of a session. It decides nothing. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as cookies from 'cookie';
import { API_TOKEN } from '../../protocol/people/people.ts';
import { sha256Hex } from '../identity/keys.ts';
import { Problem, problem } from '../problem.ts';

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'operator-token' }
  /** `hash`: SHA-256 in hexadecimal. No part stores the token itself. */
  | { readonly kind: 'token'; readonly hash: string }
  | { readonly kind: 'session'; readonly hash: string };

const NONE: Credential = { kind: 'none' };
const SESSION_SECRET = /^[A-Za-z0-9_-]{43}$/;

export interface CredentialOptions {
  /** Undefined: this part accepts no operator token. */
  readonly operatorToken: string | undefined;
  /** The name of the session cookie. */
  readonly cookie: string | undefined;
}

/**
 * A cookie belongs to a host, whatever the port, so its name differs for each part. The prefix `__Host-` makes
 * browsers accept it only with `Secure`, without `Domain`, and for the whole host (RFC 6265bis, section 4.1.3.2).
 */
export const sessionCookieName = (part: string): string => `${COOKIE_PREFIX}${sha256Hex(part).slice(0, 12)}`;
const COOKIE_PREFIX = '__Host-tributary-';

/** The Set-Cookie header of a session; without a secret, the one that removes it. */
export const formatSessionCookie = (name: string, secret: string | undefined, maxAgeS = 0): string =>
  cookies.serialize(name, secret ?? '', {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
    maxAge: secret === undefined ? 0 : Math.floor(maxAgeS),
  });

/**
 * A bearer token takes precedence over a cookie. Other schemes of Authorization are ignored: they are for a proxy.
 *
 * @throws Problem 401 `credential-invalid` for a bearer token that is neither the operator token nor of the form of an API token
 */
export function findCredential(
  { headers }: Pick<IncomingMessage, 'headers'>,
  options: CredentialOptions,
): Credential {
  const bearer = /^bearer(?: +(.*))?$/i.exec(headers.authorization ?? '');
  if (bearer) {
    const given = bearer[1]?.trim() ?? '';
    if (options.operatorToken !== undefined && isSame(given, options.operatorToken))
      return { kind: 'operator-token' };
    if (API_TOKEN.test(given)) return { kind: 'token', hash: sha256Hex(given) };
    throw credentialInvalid();
  }
  if (options.cookie === undefined || headers.cookie === undefined) return NONE;
  const secret = cookies.parse(headers.cookie)[options.cookie];
  if (secret === undefined || secret === '') return NONE;
  if (!SESSION_SECRET.test(secret)) throw credentialInvalid();
  return { kind: 'session', hash: sha256Hex(secret) };
}

/** True if a request presents a session or an API token, valid or not. */
export const hasPersonalCredential = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  /^bearer +trib_/i.test(headers.authorization ?? '') || headers.cookie?.includes(COOKIE_PREFIX) === true;

/** For a wrong credential. It is refused even where none is needed, so that its holder notices the mistake. */
export const credentialInvalid = (
  detail = 'The session or token is not valid: it is wrong, has ended, or was revoked. Sign in again.',
): Problem =>
  problem('credential-invalid', detail, { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });

/** For a session that has ended. The response removes its cookie. */
export function sessionEnded(cookie: string | undefined): Problem {
  const { code, message, headers } = credentialInvalid();
  const setCookie = cookie === undefined ? {} : { 'set-cookie': formatSessionCookie(cookie, undefined) };
  return new Problem(code, message, { headers: { ...headers, ...setCookie } });
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (a: string, b: string): boolean => timingSafeEqual(digestOf(a), digestOf(b));

/**
 * Statements (src/protocol/people/statements.ts): central signs them, and members verify them offline. The algorithm,
 * the type, the issuer and the audience are fixed, so an attacker has nothing to choose (RFC 8725).
 */
import type { KeyObject } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import {
  STATEMENT_TYPE,
  type StatementClaims,
  statementClaimsSchema,
} from '../../protocol/people/statements.ts';
import { CLOCK_TOLERANCE_S } from '../../protocol/rights.ts';
import { importPublicKey, type KeyPair, type PublicKey } from '../identity/keys.ts';
import type { Authority } from './authority.ts';

const ALGORITHM = 'EdDSA';
const ISSUER = 'tributary-central';

/** `idle` is undefined for tokens. */
export type NewStatement = Omit<StatementClaims, 'iss' | 'idle'> & { readonly idle: number | undefined };

export const signStatement = (key: KeyPair, claims: NewStatement): Promise<string> =>
  new SignJWT({ ...claims, iss: ISSUER })
    .setProtectedHeader({ alg: ALGORITHM, typ: STATEMENT_TYPE })
    .sign(key.privateKey);

/** `expired`: genuine, but its time is over. `invalid`: not from central, or not for this member. */
export type Verified =
  | { readonly state: 'valid' | 'expired'; readonly claims: StatementClaims }
  | { readonly state: 'invalid' };

export interface StatementReader {
  /** The id of this member. */
  readonly audience: string;
  /** The key of central, which this member learned when it joined. */
  readonly centralPublicKey: PublicKey;
  readonly nowMs: number;
}

export async function verifyStatement(text: string, reader: StatementReader): Promise<Verified> {
  try {
    const { payload } = await jwtVerify(text, readKey(reader.centralPublicKey), {
      algorithms: [ALGORITHM],
      typ: STATEMENT_TYPE,
      issuer: ISSUER,
      audience: reader.audience,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(reader.nowMs),
      requiredClaims: ['exp'],
    });
    return readClaims('valid', payload);
  } catch (error) {
    // The signature and the other claims are checked before the expiry.
    return error instanceof errors.JWTExpired ? readClaims('expired', error.payload) : { state: 'invalid' };
  }
}

function readClaims(state: 'valid' | 'expired', payload: JWTPayload): Verified {
  const claims = statementClaimsSchema.safeParse(payload);
  return claims.success ? { state, claims: claims.data } : { state: 'invalid' };
}

/** A member knows one central, so one key is kept. */
let lastKey: { readonly text: PublicKey; readonly key: KeyObject } | undefined;
function readKey(text: PublicKey): KeyObject {
  if (lastKey?.text !== text) lastKey = { text, key: importPublicKey(text) };
  return lastKey.key;
}

/** What the person may do at the member for which the statement was made. */
export const authorityOfStatement = (claims: StatementClaims): Authority => ({
  person: {
    id: claims.sub,
    name: claims.name,
    ...(claims.email === undefined ? {} : { email: claims.email }),
  },
  via: claims.kind,
  permissions: claims.permissions,
  groups: claims.groups,
  credential: { id: claims.credential, expiresMs: claims.until * 1_000 },
});

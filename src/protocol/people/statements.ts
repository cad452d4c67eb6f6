/**
 * Statements: what central says to a member about a credential. A statement is a JWT (RFC 7519) that central signs with its
 * Ed25519 key (RFC 8037, `alg: EdDSA`) for one member, which verifies it offline. Changes arrive on the feed of rights.
 */
import * as z from 'zod';
import { groupIdSchema } from './audience.ts';
import { credentialIdSchema, personIdSchema } from './people.ts';
import { heldPermissionSchema } from './permissions.ts';

/** The header parameter `typ` of a statement (RFC 7515, section 4.1.9). */
export const STATEMENT_TYPE = 'tributary-statement+jwt';

/** The claims. `aud` is the id of the member, `iss` is `tributary-central`, `iat` and `exp` are seconds since 1970. */
export const statementClaimsSchema = z.object({
  iss: z.literal('tributary-central'),
  aud: z.string(),
  /** The person. */
  sub: personIdSchema,
  name: z.string(),
  email: z.string().optional(),
  /** The session or token. */
  credential: credentialIdSchema,
  kind: z.enum(['session', 'token']),
  /** Only those that apply at the member: for everything, for this site, and for series. */
  permissions: z.array(heldPermissionSchema),
  groups: z.array(groupIdSchema),
  /** The position in the feed of rights at which this was true. */
  position: z.int().nonnegative(),
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
});
export type StatementClaims = z.infer<typeof statementClaimsSchema>;

/** `POST /api/statements/code` (site, signed): redeems the one-time code of a sign-in. */
export const codeRequestSchema = z.strictObject({
  code: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** The site sent the SHA-256 of this, in base64url, with the browser to central (RFC 7636, S256). */
  verifier: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
/** `POST /api/statements/token` (site or tracker, signed): whose token this is. */
export const tokenRequestSchema = z.strictObject({
  /** The SHA-256 of the API token in hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
/** `POST /api/statements/refresh` (site or tracker, signed): the present statement for a credential that the member knows. */
export const refreshRequestSchema = z.strictObject({ credential: credentialIdSchema });
export const statementResponseSchema = z.strictObject({ statement: z.string().max(32_000) });

/**
 * Changes in the feed of rights (`GET /api/rights?people=true`): what a member knows about these people or credentials may be out
 * of date. It refreshes a statement before it accepts it again.
 */
export const peopleChangesSchema = z
  .array(
    z.union([z.strictObject({ person: personIdSchema }), z.strictObject({ credential: credentialIdSchema })]),
  )
  .max(1_000);

/** `POST /api/people/lookup` (site, signed): the name of a person, to whom a video is transferred. */
export const personLookupSchema = z.strictObject({ person: personIdSchema });
export const personLookupResponseSchema = z.strictObject({ id: personIdSchema, name: z.string() });

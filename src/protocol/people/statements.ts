/**
 * Statements: whose a session or API token is, and what this person may do at one member. A statement is a JWT (RFC 7519) that central signs with its
 * Ed25519 key (RFC 8037, `alg: EdDSA`) for one member, which verifies it offline. Changes arrive on the feed of rights.
 */
import * as z from 'zod';
import { siteIdSchema } from '../base/ids.ts';
import { groupIdSchema } from './audience.ts';
import { credentialIdSchema, emailSchema, personIdSchema } from './people.ts';
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
  /** Until when the member may rely on this statement. */
  exp: z.int().nonnegative(),
  /** When the session or token itself ends, in seconds since 1970. */
  until: z.int().nonnegative(),
  /** A session ends when it was not used for this many seconds. */
  idle: z.int().positive().optional(),
});
export type StatementClaims = z.infer<typeof statementClaimsSchema>;

/** 256 bits in base64url: codes, verifiers, challenges. */
const secretSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** Short enough for the address of the sign-in page, which contains it. */
export const MAX_RETURN_CHARACTERS = 500;

/**
 * `GET /sign-in/site` of central, with the browser of a person who signs in at a site. Central sends the browser back to
 * `/sign-in/return` of the site's base URL, with `siteReturnQuery`.
 */
export const siteSignInQuery = z.object({
  site: siteIdSchema,
  /** The SHA-256 of the verifier, in base64url (RFC 7636, S256). The site stores the verifier in a cookie of the browser. */
  challenge: secretSchema,
  /** Where the site continues: a path of the site, which the site checks. Central only returns it. */
  return: z.string().max(MAX_RETURN_CHARACTERS).default('/'),
});
export const siteReturnQuery = z.object({
  code: secretSchema,
  return: z.string().max(MAX_RETURN_CHARACTERS).default('/'),
});

/** `POST /api/statements/code` (site, signed): redeems the one-time code of a sign-in. */
export const codeRequestSchema = z.object({ code: secretSchema, verifier: secretSchema });
/** `POST /api/statements/token` (site or tracker, signed): whose token this is. */
export const tokenRequestSchema = z.object({
  /** The SHA-256 of the API token in hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
/** `POST /api/statements/refresh` (site or tracker, signed): the present statement for a credential that the member knows. */
export const refreshRequestSchema = z.object({ credential: credentialIdSchema });
/** `POST /api/statements/end` (site, signed): a person has signed out there. */
export const endRequestSchema = z.object({
  credential: credentialIdSchema,
  /** True: the session at central from which it was started ends too, and with it its sessions at all sites. */
  everywhere: z.boolean(),
});
export const statementResponseSchema = z.object({ statement: z.string().max(200_000) });
export type StatementResponse = z.infer<typeof statementResponseSchema>;

/**
 * Changes in the feed of rights (`GET /api/rights?people=true`): what a member knows about these people or credentials may be out
 * of date. It refreshes a statement before it accepts it again. `all`: central does not know what has changed since the
 * requested position, for example because it was restored from a backup.
 */
export const peopleChangesSchema = z
  .array(
    z.union([
      z.object({ person: personIdSchema }),
      z.object({ credential: credentialIdSchema }),
      z.object({ all: z.literal(true) }),
    ]),
  )
  .max(1_000);
export type PeopleChanges = z.infer<typeof peopleChangesSchema>;

/**
 * `POST /api/people/lookup` (site, signed): the person to whom a video is transferred. A site offers the same call to people who may
 * edit videos there.
 */
export const personLookupSchema = z.union([
  z.object({ person: personIdSchema }),
  z.object({ email: emailSchema }),
]);
export type PersonLookup = z.infer<typeof personLookupSchema>;
export const personLookupResponseSchema = z.object({ id: personIdSchema, name: z.string() });

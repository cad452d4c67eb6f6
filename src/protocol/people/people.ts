/** The calls of central for people, groups, sessions, API tokens and signing in. */
import * as z from 'zod';
import { siteIdSchema } from '../base/ids.ts';
import { nameSchema } from '../base/text.ts';
import { timestampSchema } from '../base/timestamp.ts';
import { groupIdSchema } from './audience.ts';
import { assignmentSchema, heldPermissionSchema, permissionSchema } from './permissions.ts';

export const personIdSchema = z.uuid();
export const credentialIdSchema = z.uuid();
export const emailSchema = z
  .email('must be an e-mail address, e.g. li.na@example.edu')
  .max(254)
  .transform(email => email.trim().toLowerCase());

/** How a request proved who makes it. */
const VIA = ['session', 'token', 'operator-token'] as const;

/** `GET /api/me` of central and of every site. */
export const meSchema = z.strictObject({
  person: z.strictObject({ id: personIdSchema, name: z.string(), email: z.string().optional() }).nullable(),
  via: z.enum(VIA).nullable(),
  permissions: z.array(heldPermissionSchema),
  /** The ids of the person's groups. */
  groups: z.array(groupIdSchema),
  /** The id of this session or token. */
  credential: credentialIdSchema.optional(),
  /** When this session or token ends. */
  expiresAt: timestampSchema.optional(),
});
export type Me = z.infer<typeof meSchema>;

const MAX_ASSIGNMENTS = 200;
const assignmentsSchema = z.array(assignmentSchema).max(MAX_ASSIGNMENTS);

/** A person, as seen by those who may manage people. */
export const personSchema = z.strictObject({
  id: personIdSchema,
  name: z.string(),
  email: z.string().optional(),
  disabled: z.boolean(),
  /** The roles that were assigned to this person. */
  roles: assignmentsSchema,
  groups: z.array(z.strictObject({ id: groupIdSchema, name: z.string() })),
  /** True if the person has a password. */
  hasPassword: z.boolean(),
  /** The names of the providers with which the person has signed in. */
  providers: z.array(z.string()),
  /** When the person last signed in. */
  signedInAt: timestampSchema.optional(),
  /** Until when an unused invitation is valid. */
  invitedUntil: timestampSchema.optional(),
  createdAt: timestampSchema,
  /** True if the caller may change this account, and not only the roles that they see. */
  mayChange: z.boolean().optional(),
});
export type Person = z.infer<typeof personSchema>;

/** `GET /api/people?q=&site=&group=&cursor=`: by name. `site` lists the people who have a role for that site. */
export const personListSchema = z.strictObject({
  people: z.array(personSchema),
  next: z.string().optional(),
});
/** `POST /api/people` */
export const newPersonSchema = z.strictObject({
  name: nameSchema,
  email: emailSchema,
  /** Default: viewer, for each scope in which the caller manages people. */
  roles: assignmentsSchema.optional(),
});
/** `invitation`: a link with which the person sets a password. It is shown once and valid for a week. */
export const newPersonResponseSchema = z.strictObject({ person: personSchema, invitation: z.string() });
/** `PATCH /api/people/{id}` */
export const personEditSchema = z
  .strictObject({ name: nameSchema, disabled: z.boolean(), roles: assignmentsSchema })
  .partial();

/**
 * `POST /api/people/{id}/links`: a one-time link. `password`: sets a new password and ends all sessions. `sign-in`: signs in once
 * (only for operators).
 */
export const newLinkSchema = z.strictObject({ kind: z.enum(['password', 'sign-in']) });
export const newLinkResponseSchema = z.strictObject({ link: z.string(), expiresAt: timestampSchema });

/** `GET /api/groups` · `POST /api/groups` `{name}` · `PATCH /api/groups/{id}` · `DELETE /api/groups/{id}` */
export const groupSchema = z.strictObject({
  id: groupIdSchema,
  name: z.string(),
  /** Members come from the claims of a provider, at each sign-in, or are added by hand. */
  source: z.enum(['local', 'provider']),
  members: z.int().nonnegative(),
  roles: assignmentsSchema,
});
export type Group = z.infer<typeof groupSchema>;
export const groupListSchema = z.strictObject({ groups: z.array(groupSchema) });
export const newGroupSchema = z.strictObject({ name: nameSchema, roles: assignmentsSchema.optional() });
export const groupEditSchema = z.strictObject({ name: nameSchema, roles: assignmentsSchema }).partial();
/** `GET /api/group-names`: for everyone who is signed in, to choose an audience. `GET /api/groups/names` (site, signed) is the same. */
export const groupNamesSchema = z.strictObject({
  groups: z.array(z.strictObject({ id: groupIdSchema, name: z.string() })),
});

const MAX_TOKEN_S = 366 * 86_400;
/** `POST /api/people/{id}/tokens` */
export const newTokenSchema = z.strictObject({
  name: nameSchema,
  expiresInS: z.int().min(60).max(MAX_TOKEN_S),
  /** Default: everything that the person may do. A name stands for that permission wherever the person has it. */
  permissions: z
    .array(z.union([permissionSchema, heldPermissionSchema]))
    .min(1)
    .max(200)
    .optional(),
});
/** `token` is shown once. */
export const newTokenResponseSchema = z.strictObject({ id: credentialIdSchema, token: z.string() });
export const apiTokenSchema = z.strictObject({
  id: credentialIdSchema,
  name: z.string(),
  /** Absent: everything that the person may do. */
  permissions: z.array(heldPermissionSchema).optional(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
  lastUsedAt: timestampSchema.optional(),
});
export const tokenListSchema = z.strictObject({ tokens: z.array(apiTokenSchema) });

/** The text of an API token: a prefix that secret scanners recognise, and 256 random bits. */
export const API_TOKEN = /^trib_[A-Za-z0-9_-]{43}$/;

/** `GET /api/people/{id}/sessions` · `DELETE /api/people/{id}/sessions/{session}` · `DELETE /api/people/{id}/sessions` (all) */
const sessionSchema = z.strictObject({
  id: credentialIdSchema,
  /** Absent: a session at central. */
  site: z.strictObject({ id: siteIdSchema, name: z.string() }).optional(),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema,
  expiresAt: timestampSchema,
  /** The address and the browser at the sign-in. */
  from: z.string().optional(),
  userAgent: z.string().optional(),
  /** True for the session that makes this request. */
  current: z.boolean(),
});
export const sessionListSchema = z.strictObject({ sessions: z.array(sessionSchema) });

/** `GET /api/sign-in`: the ways to sign in that the page offers. */
export const signInOptionsSchema = z.strictObject({
  localAccounts: z.boolean(),
  providers: z.array(z.strictObject({ id: z.string(), name: z.string() })),
  /** The people of the demo, each of whom signs in with one click. */
  demoPeople: z.array(z.strictObject({ id: personIdSchema, name: z.string(), role: z.string() })),
});
const passwordSchema = z.string().min(1).max(200);
export const MIN_PASSWORD_CHARACTERS = 10;
const newPasswordSchema = z
  .string()
  .min(MIN_PASSWORD_CHARACTERS, `must have at least ${MIN_PASSWORD_CHARACTERS} characters`)
  .max(200);
/** `POST /api/sign-in` with an e-mail address and a password, from the page of central. */
export const signInSchema = z.strictObject({ email: z.string().max(254), password: passwordSchema });
/** `POST /api/sign-in/demo` (demo only) */
export const demoSignInSchema = z.strictObject({ person: personIdSchema });
/**
 * `POST /api/sign-in/link`: uses a one-time link. A `password` link needs `password`, an `administrator` link `name` and `email`, and
 * `password` where local accounts are allowed.
 */
export const linkSignInSchema = z.strictObject({
  /** The part of the link after `#`. */
  link: z.string().min(20).max(100),
  name: nameSchema.optional(),
  email: emailSchema.optional(),
  password: newPasswordSchema.optional(),
});
/** `POST /api/sign-in/link/inspect`: what the link is for, before it is used. */
export const linkInspectSchema = linkSignInSchema.pick({ link: true });
export const linkInfoSchema = z.strictObject({
  /** `administrator`: makes the account of the first administrator. */
  kind: z.enum(['password', 'sign-in', 'administrator']),
  /** Absent for an `administrator` link. */
  name: z.string().optional(),
  email: z.string().optional(),
});
/** `POST /api/people/{id}/password`: a person changes their own password. */
export const passwordChangeSchema = z.strictObject({
  current: passwordSchema,
  password: newPasswordSchema,
});

/** Roles *for* a site: `GET /api/sites/{id}/roles`. */
export const siteRolesSchema = z.strictObject({
  people: z.array(z.strictObject({ id: personIdSchema, name: z.string(), roles: assignmentsSchema })),
  groups: z.array(z.strictObject({ id: groupIdSchema, name: z.string(), roles: assignmentsSchema })),
});

/** The tables of people and of the audit log, part of the schema of central. */
import type { Kysely, Migration, Selectable } from 'kysely';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';

interface PersonTable {
  /** UUIDv7. */
  id: string;
  name: string;
  /** In lower case. Null: a provider gave none. */
  email: string | null;
  disabled: number;
  /** `scrypt$…`: parameters, salt and hash. Null: the person has no password. */
  password: string | null;
  /** JSON: the roles that were assigned, `Assignment[]`. */
  roles: string;
  /** For searching by name and address: in lower case, NFKC. */
  search_text: string;
  created_at: number;
  signed_in_at: number | null;
}
export type PersonRow = Selectable<PersonTable>;

/** An account at a provider with which a person signs in. */
interface IdentityTable {
  /** The `issuer` of the provider, and `sub` of the ID token (OpenID Connect Core, section 2): together they never change. */
  issuer: string;
  subject: string;
  person_id: string;
  /** The name of the provider in the configuration. */
  provider: string;
  signed_in_at: number;
}

interface GroupTable {
  id: string;
  name: string;
  source: 'local' | 'provider';
  /** For a group of a provider: the issuer, and the value of its claim. Groups of two providers are never the same. */
  issuer: string | null;
  claim: string | null;
  /** JSON: `Assignment[]`. */
  roles: string;
  created_at: number;
}
export type GroupRow = Selectable<GroupTable>;

interface GroupMemberTable {
  group_id: string;
  person_id: string;
  /** The issuer whose claims say so; empty for members added by hand. */
  issuer: string;
}

/** The configured providers, as of the last start of a central. */
interface OidcProviderTable {
  issuer: string;
  /** JSON: `ConfiguredRole[]`. */
  roles: string;
}

/** Sessions at central and at sites. */
interface SessionTable {
  id: string;
  person_id: string;
  /** SHA-256 of the cookie in hexadecimal. Null for a session at a site, which stores it itself. */
  secret_hash: string | null;
  /** The session at central from which a session at a site was started; it ends with it. */
  parent_id: string | null;
  /** The site, for a session there. */
  site_id: SiteId | null;
  created_at: number;
  last_used_at: number;
  /** The absolute limit. */
  expires_at: number;
  revoked_at: number | null;
  from_address: string | null;
  user_agent: string | null;
}
export type SessionRow = Selectable<SessionTable>;

interface ApiTokenTable {
  id: string;
  person_id: string;
  name: string;
  /** SHA-256 in hexadecimal. */
  secret_hash: string;
  /** JSON: `HeldPermission[]`. Null: everything that the person may do. */
  permissions: string | null;
  /** The token of the same person that created this one, and with which it is revoked. */
  parent_id: string | null;
  created_at: number;
  expires_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
}
export type ApiTokenRow = Selectable<ApiTokenTable>;

/**
 * One-time links: invitations and new passwords (`password`), links that sign in (`sign-in`), and links with which the first
 * administrator makes their account (`administrator`).
 */
interface LinkTable {
  secret_hash: string;
  kind: 'password' | 'sign-in' | 'administrator';
  /** Null: the person is created when the link is used. */
  person_id: string | null;
  /** The person who made the link. It is worth only what that person may give away when it is used. Null: central, or the operator token. */
  created_by: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}
export type LinkRow = Selectable<LinkTable>;

/** One-time codes with which a site signs in a person who is signed in at central. */
interface SignInCodeTable {
  code_hash: string;
  /** SHA-256 of the verifier, in base64url. */
  challenge: string;
  site_id: SiteId;
  person_id: string;
  session_id: string;
  expires_at: number;
  used_at: number | null;
}

/** Sign-ins at a provider that have not come back yet. */
interface ProviderSignInTable {
  /** SHA-256 of `state` and of the cookie of the browser. */
  state_hash: string;
  provider: string;
  /** Encrypted JSON: the code verifier and the nonce. */
  secrets: string;
  /** Where to go afterwards: a path of central. */
  return_to: string;
  expires_at: number;
}

/** Failed attempts to sign in, by account, network and browser, for their limits. */
interface SignInAttemptTable {
  key: string;
  /** In milliseconds: each failure adds some, and the level falls by one in each millisecond. */
  level: number;
  /** The time of the last failure. */
  at: number;
}

/** Changes of people and credentials in the feed of rights: members refresh their statements. */
interface PeopleChangeTable {
  position: number;
  person_id: string | null;
  credential_id: string | null;
  at: number;
}

/** The groups that may watch a video whose audience is `groups`. */
interface VideoGroupTable {
  site_id: SiteId;
  video_id: VideoId;
  group_id: string;
  /** That of the video. */
  published_at: number;
}

interface AuditEntryTable {
  seq: number;
  /** Canonical JSON of the entry without `hash`. */
  body: string;
  hash: string;
  /** Proves that a holder of central's key wrote the entry (`database/audit/chain.ts`). */
  proof: string;
  /** When central stored the entry, by its own clock. */
  stored_at: number;
  /** Copies of members of `body`, for filters. */
  at: number;
  action: string;
  person_id: string | null;
  object: string | null;
  member_id: string | null;
  member_seq: number | null;
}
export type AuditEntryRow = Selectable<AuditEntryTable>;

/** One row: the end of the chain, and the entry before its first one, which the retention has removed. */
interface AuditChainTable {
  id: number;
  /** The last entry; 0 before the first. */
  seq: number;
  hash: string;
  /** Proves the end. Empty before the first entry. */
  proof: string;
  /** The last entry that the retention removed; 0 if it has removed none. */
  removed_seq: number;
  removed_hash: string;
  /** Proves the removed end. Empty if nothing was removed. */
  removed_proof: string;
}

/** The last event of each member in the log; it outlives the entries that the retention removes. */
interface AuditMemberTable {
  member_id: string;
  seq: number;
}

export interface PeopleSchema {
  people: PersonTable;
  identities: IdentityTable;
  groups: GroupTable;
  group_members: GroupMemberTable;
  oidc_providers: OidcProviderTable;
  sessions: SessionTable;
  api_tokens: ApiTokenTable;
  links: LinkTable;
  sign_in_codes: SignInCodeTable;
  provider_sign_ins: ProviderSignInTable;
  sign_in_attempts: SignInAttemptTable;
  people_changes: PeopleChangeTable;
  video_groups: VideoGroupTable;
  audit_entries: AuditEntryTable;
  audit_chain: AuditChainTable;
  audit_members: AuditMemberTable;
}

export const peopleMigration: Migration = {
  async up(db) {
    await createPeople(db);
    await createSignIn(db);
    await createAudit(db);
    await changeVideos(db);
  },
};

async function createPeople({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('people')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('email', 'text', column => column.unique())
    .addColumn('disabled', 'integer', column => column.notNull())
    .addColumn('password', 'text')
    .addColumn('roles', 'text', column => column.notNull())
    .addColumn('search_text', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('signed_in_at', 'bigint')
    .execute();
  await schema.createIndex('people_by_name').on('people').columns(['search_text', 'id']).execute();
  await schema
    .createTable('identities')
    .addColumn('issuer', 'text', column => column.notNull())
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('person_id', 'text', column => column.notNull().references('people.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('signed_in_at', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('identities_key', ['issuer', 'subject'])
    .execute();
  await schema.createIndex('identities_by_person').on('identities').column('person_id').execute();
  await schema
    .createTable('groups')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('name', 'text', column => column.notNull().unique())
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('issuer', 'text')
    .addColumn('claim', 'text')
    .addColumn('roles', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute();
  await schema
    .createTable('group_members')
    .addColumn('group_id', 'text', column => column.notNull().references('groups.id'))
    .addColumn('person_id', 'text', column => column.notNull().references('people.id'))
    .addColumn('issuer', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('group_members_key', ['group_id', 'person_id', 'issuer'])
    .execute();
  await schema.createIndex('groups_by_claim').unique().on('groups').columns(['issuer', 'claim']).execute();
  await schema
    .createTable('oidc_providers')
    .addColumn('issuer', 'text', column => column.primaryKey())
    .addColumn('roles', 'text', column => column.notNull())
    .execute();
  await schema.createIndex('group_members_by_person').on('group_members').column('person_id').execute();
}

async function createSignIn({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('sessions')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('person_id', 'text', column => column.notNull().references('people.id'))
    .addColumn('secret_hash', 'text', column => column.unique())
    .addColumn('parent_id', 'text')
    .addColumn('site_id', 'text')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('last_used_at', 'bigint', column => column.notNull())
    .addColumn('expires_at', 'bigint', column => column.notNull())
    .addColumn('revoked_at', 'bigint')
    .addColumn('from_address', 'text')
    .addColumn('user_agent', 'text')
    .execute();
  await schema.createIndex('sessions_by_person').on('sessions').column('person_id').execute();
  await schema.createIndex('sessions_by_parent').on('sessions').column('parent_id').execute();
  await schema
    .createTable('api_tokens')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('person_id', 'text', column => column.notNull().references('people.id'))
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('secret_hash', 'text', column => column.notNull().unique())
    .addColumn('permissions', 'text')
    .addColumn('parent_id', 'text')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('expires_at', 'bigint', column => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute();
  await schema.createIndex('api_tokens_by_person').on('api_tokens').column('person_id').execute();
  await schema
    .createTable('links')
    .addColumn('secret_hash', 'text', column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('person_id', 'text', column => column.references('people.id'))
    .addColumn('created_by', 'text')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('expires_at', 'bigint', column => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  await schema.createIndex('links_by_person').on('links').column('person_id').execute();
  await schema
    .createTable('sign_in_codes')
    .addColumn('code_hash', 'text', column => column.primaryKey())
    .addColumn('challenge', 'text', column => column.notNull())
    .addColumn('site_id', 'text', column => column.notNull())
    .addColumn('person_id', 'text', column => column.notNull())
    .addColumn('session_id', 'text', column => column.notNull())
    .addColumn('expires_at', 'bigint', column => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  await schema
    .createTable('provider_sign_ins')
    .addColumn('state_hash', 'text', column => column.primaryKey())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('secrets', 'text', column => column.notNull())
    .addColumn('return_to', 'text', column => column.notNull())
    .addColumn('expires_at', 'bigint', column => column.notNull())
    .execute();
  await schema
    .createTable('sign_in_attempts')
    .addColumn('key', 'text', column => column.primaryKey())
    .addColumn('level', 'bigint', column => column.notNull())
    .addColumn('at', 'bigint', column => column.notNull())
    .execute();
  await schema
    .createTable('people_changes')
    .addColumn('position', 'bigint', column => column.primaryKey())
    .addColumn('person_id', 'text')
    .addColumn('credential_id', 'text')
    .addColumn('at', 'bigint', column => column.notNull())
    .execute();
}

async function createAudit(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_entries')
    .addColumn('seq', 'bigint', column => column.primaryKey())
    .addColumn('body', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('proof', 'text', column => column.notNull())
    .addColumn('stored_at', 'bigint', column => column.notNull())
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('action', 'text', column => column.notNull())
    .addColumn('person_id', 'text')
    .addColumn('object', 'text')
    .addColumn('member_id', 'text')
    .addColumn('member_seq', 'bigint')
    .execute();
  for (const column of ['action', 'person_id', 'object', 'at'] as const) {
    await db.schema.createIndex(`audit_by_${column}`).on('audit_entries').columns([column, 'seq']).execute();
  }
  await db.schema
    .createIndex('audit_by_member')
    .unique()
    .on('audit_entries')
    .columns(['member_id', 'member_seq'])
    .execute();
  await db.schema
    .createTable('audit_members')
    .addColumn('member_id', 'text', column => column.primaryKey())
    .addColumn('seq', 'bigint', column => column.notNull())
    .execute();
  await db.schema
    .createTable('audit_chain')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('seq', 'bigint', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('proof', 'text', column => column.notNull())
    .addColumn('removed_seq', 'bigint', column => column.notNull())
    .addColumn('removed_hash', 'text', column => column.notNull())
    .addColumn('removed_proof', 'text', column => column.notNull())
    .execute();
  await (db as Kysely<PeopleSchema>)
    .insertInto('audit_chain')
    .values({ id: 1, seq: 0, hash: '', proof: '', removed_seq: 0, removed_hash: '', removed_proof: '' })
    .execute();
}

async function changeVideos(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  /** `audience` of the record. Null: as `private` says. */
  await schema.alterTable('videos').addColumn('audience', 'text').execute();
  await schema.alterTable('videos').addColumn('owner_id', 'text').execute();
  await schema.alterTable('videos').addColumn('series_id', 'text').execute();
  await schema
    .createTable('video_groups')
    .addColumn('site_id', 'text', column => column.notNull())
    .addColumn('video_id', 'text', column => column.notNull())
    .addColumn('group_id', 'text', column => column.notNull())
    .addColumn('published_at', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('video_groups_key', ['video_id', 'site_id', 'group_id'])
    .execute();
  await schema
    .createIndex('video_groups_newest')
    .on('video_groups')
    .columns(['group_id', 'published_at', 'video_id', 'site_id'])
    .execute();
  // Each of these lists the videos that one kind of viewer sees, newest first, without reading those that are hidden.
  const listed = sql`withdrawn = 0 and kind = 'video' and superseded_by is null`;
  await sql`create index videos_public on videos (published_at, video_id)
    where ${listed} and private != 1`.execute(db);
  await sql`create index videos_public_of_site on videos (site_id, published_at, video_id)
    where ${listed} and private != 1`.execute(db);
  await sql`create index videos_internal on videos (published_at, video_id)
    where ${listed} and audience = 'internal'`.execute(db);
  await sql`create index videos_internal_of_site on videos (site_id, published_at, video_id)
    where ${listed} and audience = 'internal'`.execute(db);
  await sql`create index videos_of_owner on videos (owner_id, published_at, video_id)
    where ${listed} and owner_id is not null`.execute(db);
  await sql`create index videos_of_series on videos (series_id, published_at, video_id)
    where ${listed} and series_id is not null`.execute(db);
  await sql`create index videos_public_counts on videos (site_id, kind)
    where withdrawn = 0 and superseded_by is null and private != 1`.execute(db);
  await changeGrants(db);
}

/** Grants that central issues to viewers by itself. */
async function changeGrants(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('grants').addColumn('person_id', 'text').execute();
  await db.schema.alterTable('grants').addColumn('credential_id', 'text').execute();
  await sql`create index grants_by_credential on grants (credential_id, video_id)
    where credential_id is not null`.execute(db);
  await sql`create index grants_by_person on grants (person_id) where person_id is not null`.execute(db);
  await db.schema.createIndex('grants_by_expiry').on('grants').column('expires_at').execute();
}

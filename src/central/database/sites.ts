/** The members, which are sites and trackers: their enrolment, their settings and their keys. */
import { type Outcome, perDatabase, succeeded } from '../../kernel/sql/batching.ts';
import { isPostgres } from '../../kernel/sql/postgres.ts';
import { sql } from '../../kernel/sql/sql.ts';
import { inTransaction } from '../../kernel/sql/transaction.ts';
import { type SiteId, siteIdSchema } from '../../protocol/base/ids.ts';
import type { Coordinates, SitePolicyEdit } from '../../protocol/central.ts';
import { claimPositions } from './feed.ts';
import {
  type CentralDatabase,
  type CentralTransaction,
  isSite,
  type MemberRow,
  type SiteRow,
} from './schema.ts';
import { queueSite } from './search/index-videos.ts';
import { keepSeriesCounts } from './series/counts.ts';

export type Role = MemberRow['role'];

const MAX_BATCH = 64;

export interface Invitation {
  readonly tokenHash: string;
  readonly expiresAt: number;
}

/** The role and id of a member. */
export type MemberKey =
  | { readonly role: 'site'; readonly id: SiteId }
  | { readonly role: 'tracker'; readonly id: string };

export type NewMember = MemberKey & {
  readonly name: string;
  readonly baseUrl: string;
  readonly coordinates?: Coordinates | undefined;
  readonly zone: readonly string[];
  readonly region?: string | undefined;
};

const nextPosition = (tx: CentralTransaction, role: Role): Promise<number> =>
  role === 'site' ? claimPositions(tx, 1) : Promise.resolve(0);

export function insertMember(
  db: CentralDatabase,
  member: NewMember,
  invitation: Invitation,
  nowMs: number,
): Promise<void> {
  return inTransaction(db, async tx => {
    await tx
      .insertInto('members')
      .values({
        id: member.id,
        role: member.role,
        name: member.name,
        base_url: member.baseUrl,
        latitude: member.coordinates?.latitude ?? null,
        longitude: member.coordinates?.longitude ?? null,
        zone: JSON.stringify(member.zone),
        public_key: null,
        join_token_hash: invitation.tokenHash,
        join_expires_at: invitation.expiresAt,
        join_used_at: null,
        created_at: nowMs,
        joined_at: null,
        revoked_at: null,
        position: await nextPosition(tx, member.role),
        tracker_position: 0,
        last_seen_at: null,
        last_signal_at: null,
        last_collected_at: null,
        last_error: null,
        database_url: null,
        last_error_code: null,
        region: member.region ?? null,
        lost_at: null,
      })
      .execute();
    if (member.role === 'site') {
      await tx.insertInto('publications').values({ site_id: member.id }).execute();
    }
  });
}

export const findMember = perDatabase(
  MAX_BATCH,
  async (db: CentralDatabase, ids: readonly string[]): Promise<Outcome<MemberRow | undefined>[]> => {
    const rows = await db.selectFrom('members').selectAll().where('id', 'in', ids).execute();
    const byId = new Map(rows.map(row => [row.id, row]));
    return ids.map(id => succeeded(byId.get(id)));
  },
);

/** Locks members for writing in the order of their ids, so that two transactions that lock several cannot deadlock. */
export async function lockMembers(tx: CentralTransaction, ids: readonly string[]): Promise<void> {
  if (ids.length < 2 || !isPostgres(tx)) return;
  await tx.selectFrom('members').select('id').where('id', 'in', ids).orderBy('id').forNoKeyUpdate().execute();
}

export const isActive = (member: MemberRow): boolean =>
  member.joined_at !== null && member.revoked_at === null;

/** The member, not revoked, at this base URL. */
export const findMemberAt = (db: CentralDatabase, baseUrl: string): Promise<MemberRow | undefined> =>
  db
    .selectFrom('members')
    .selectAll()
    .where('base_url', '=', baseUrl)
    .where('revoked_at', 'is', null)
    .limit(1)
    .executeTakeFirst();

export const listMembers = (db: CentralDatabase, role: Role): Promise<MemberRow[]> =>
  db.selectFrom('members').selectAll().where('role', '=', role).orderBy('created_at').orderBy('id').execute();

export const listSites = async (db: CentralDatabase): Promise<SiteRow[]> =>
  (await listMembers(db, 'site')).filter(isSite);

export const listJoined = (
  db: CentralDatabase,
  role: Role,
): Promise<Pick<MemberRow, 'id' | 'role' | 'base_url'>[]> =>
  db
    .selectFrom('members')
    .select(['id', 'role', 'base_url'])
    .where('role', '=', role)
    .where('joined_at', 'is not', null)
    .where('revoked_at', 'is', null)
    .orderBy('joined_at')
    .execute();

/** Returns false if there is no such member. */
export async function invite(
  db: CentralDatabase,
  { role, id }: MemberKey,
  invitation: Invitation,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('members')
    .set({ join_token_hash: invitation.tokenHash, join_expires_at: invitation.expiresAt, join_used_at: null })
    .where('id', '=', id)
    .where('role', '=', role)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

export type Enrolment =
  | { readonly outcome: 'enrolled'; readonly member: MemberRow }
  | { readonly outcome: 'unknown' | 'expired' | 'used' | 'retired' };

/** Finds the member that this token would enrol. It changes nothing. */
export async function findInvited(
  db: CentralDatabase,
  tokenHash: string,
  publicKey: string,
  nowMs: number,
): Promise<Enrolment> {
  const member = await db
    .selectFrom('members')
    .selectAll()
    .where('join_token_hash', '=', tokenHash)
    .executeTakeFirst();
  if (!member) return { outcome: 'unknown' };
  // A member that did not receive the first response repeats the call with the same key. A token cannot enrol a second key.
  if (member.join_used_at !== null && member.public_key !== publicKey) return { outcome: 'used' };
  if (nowMs >= (member.join_expires_at ?? 0)) return { outcome: 'expired' };
  const retired = await db
    .selectFrom('retired_keys')
    .select('public_key')
    .where('public_key', '=', publicKey)
    .executeTakeFirst();
  return retired ? { outcome: 'retired' } : { outcome: 'enrolled', member };
}

async function retireKey(tx: CentralTransaction, publicKey: string | null, nowMs: number): Promise<void> {
  if (publicKey === null) return;
  await tx
    .insertInto('retired_keys')
    .values({ public_key: publicKey, retired_at: nowMs })
    .onConflict(conflict => conflict.column('public_key').doNothing())
    .execute();
}

/** The catalogue lists no videos of revoked sites. */
const countAgain = <T>(
  tx: CentralTransaction,
  member: Pick<MemberRow, 'role' | 'id'>,
  write: () => Promise<T>,
): Promise<T> =>
  isSite(member)
    ? keepSeriesCounts(tx, { site: member.id }, async () => {
        await queueSite(tx, member.id);
        return write();
      })
    : write();

/** Enrols the key. A token enrols only one key. A new token for a member replaces its key and ends its revocation. */
export function enrol(
  db: CentralDatabase,
  tokenHash: string,
  publicKey: string,
  nowMs: number,
): Promise<Enrolment> {
  return inTransaction(db, async tx => {
    const found = await findInvited(tx, tokenHash, publicKey, nowMs);
    if (found.outcome !== 'enrolled' || found.member.join_used_at !== null) return found;
    if (found.member.public_key !== publicKey) await retireKey(tx, found.member.public_key, nowMs);
    const member = await countAgain(tx, found.member, async () =>
      tx
        .updateTable('members')
        .set({
          public_key: publicKey,
          join_used_at: nowMs,
          joined_at: nowMs,
          revoked_at: null,
          last_error: null,
          last_error_code: null,
          position: await nextPosition(tx, found.member.role),
        })
        .where('id', '=', found.member.id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    return { outcome: 'enrolled', member };
  });
}

/** Revokes a member: its key is rejected from the next request on. Returns false if there is no such member. */
export function revoke(db: CentralDatabase, member: MemberKey, nowMs: number): Promise<boolean> {
  const { role, id } = member;
  return inTransaction(db, async tx => {
    const before = await tx
      .selectFrom('members')
      .select('public_key')
      .where('id', '=', id)
      .where('role', '=', role)
      .executeTakeFirst();
    await retireKey(tx, before?.public_key ?? null, nowMs);
    const { numUpdatedRows } = await countAgain(tx, member, async () =>
      tx
        .updateTable('members')
        .set({
          revoked_at: nowMs,
          public_key: null,
          join_token_hash: null,
          join_expires_at: null,
          position: await nextPosition(tx, role),
        })
        .where('id', '=', id)
        .where('role', '=', role)
        .executeTakeFirstOrThrow(),
    );
    // A revoked site is never read again, so its signals count as handled.
    if (member.role === 'site') {
      await tx
        .updateTable('signals')
        .set({
          handled_at: nowMs,
          records: 0,
          last_error: 'The site was revoked.',
          error_code: 'site-revoked',
        })
        .where('site_id', '=', member.id)
        .where('handled_at', 'is', null)
        .execute();
    }
    return numUpdatedRows > 0n;
  });
}

export interface SiteEdit {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** Null removes the coordinates. */
  readonly coordinates?: Coordinates | null | undefined;
  readonly zone?: readonly string[] | undefined;
  /** The encrypted URL. Null: central reads through the gateway again. */
  readonly databaseUrl?: string | null | undefined;
  /** Null removes the region. */
  readonly region?: string | null | undefined;
  /** Changes only the members that it contains. */
  readonly policy?: SitePolicyEdit | undefined;
}

/** The settings of a site that operators edit. The URL of its database contains a password. */
export async function findSiteSettings(
  tx: CentralTransaction,
  id: SiteId,
): Promise<Readonly<Record<string, unknown>>> {
  const row = await tx.selectFrom('members').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return {};
  return {
    name: row.name,
    baseUrl: row.base_url,
    coordinates: row.latitude === null ? null : [row.latitude, row.longitude],
    region: row.region,
    readBySql: row.database_url !== null,
    zone: JSON.parse(row.zone),
    ...JSON.parse(row.policy),
  };
}

/** Merges an edit into the stored policy. A member that is set to null returns to its default. */
const mergePolicy = (before: string, edit: SitePolicyEdit): string => {
  const stored: SitePolicyEdit = JSON.parse(before);
  const merged = { ...stored, ...edit };
  return JSON.stringify(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)));
};

/** Returns false if there is no such site. */
export function editSite(db: CentralDatabase, id: SiteId, edit: SiteEdit): Promise<boolean> {
  return inTransaction(db, async tx => {
    // The position is claimed first, because its lock excludes other edits until the commit.
    const position = await claimPositions(tx, 1);
    const before = await tx.selectFrom('members').select('policy').where('id', '=', id).executeTakeFirst();
    const { numUpdatedRows } = await tx
      .updateTable('members')
      .set({
        position,
        ...(edit.name === undefined ? {} : { name: edit.name }),
        ...(edit.baseUrl === undefined ? {} : { base_url: edit.baseUrl }),
        ...(edit.coordinates === undefined
          ? {}
          : {
              latitude: edit.coordinates?.latitude ?? null,
              longitude: edit.coordinates?.longitude ?? null,
            }),
        ...(edit.zone === undefined ? {} : { zone: JSON.stringify(edit.zone) }),
        ...(edit.databaseUrl === undefined ? {} : { database_url: edit.databaseUrl }),
        ...(edit.region === undefined ? {} : { region: edit.region }),
        ...(edit.policy === undefined ? {} : { policy: mergePolicy(before?.policy ?? '{}', edit.policy) }),
      })
      .where('id', '=', id)
      .where('role', '=', 'site')
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  });
}

/** Counts the videos and the copies of each site: all, or those of public videos. */
export async function countVideosBySite(
  db: CentralDatabase,
  which: 'all' | 'public',
): Promise<ReadonlyMap<SiteId, { readonly videos: number; readonly copies: number }>> {
  const rows = await db
    .selectFrom('videos')
    .select(({ fn }) => ['site_id', 'kind', fn.countAll<number>().as('count')])
    .where('withdrawn', '=', sql.lit(0))
    .where('superseded_by', 'is', null)
    .$if(which === 'public', query => query.where('private', '!=', sql.lit(1)))
    .groupBy(['site_id', 'kind'])
    .execute();
  const counts = new Map<SiteId, { videos: number; copies: number }>();
  for (const { site_id, kind, count } of rows) {
    const site = siteIdSchema.parse(site_id);
    const known = counts.get(site) ?? { videos: 0, copies: 0 };
    counts.set(site, known);
    if (kind === 'video') known.videos = Number(count);
    if (kind === 'copy') known.copies = Number(count);
  }
  return counts;
}

/** Grants: permissions to watch a private video until a given time. Only their claims are stored; tokens are derived from them. */
import { randomBytes } from 'node:crypto';
import { sql } from '../../kernel/sql/sql.ts';
import { inTransaction } from '../../kernel/sql/transaction.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { MAX_RIGHTS_PAGE_ROWS, type RightsPage } from '../../protocol/rights.ts';
import type { Cursor } from './cursor.ts';
import { claimPositions, findStart } from './feed.ts';
import { hasMissedPeopleChanges, lastPeopleChange, listPeopleChanges } from './people/changes.ts';
import type { CentralDatabase, CentralTransaction, GrantRow } from './schema.ts';

/** How long an expired grant is kept. */
const KEEP_EXPIRED_MS = 30 * 86_400_000;

export interface NewGrant {
  readonly video: VideoId;
  readonly note: string;
  readonly expiresMs: number;
  /** The origins whose pages may contain the player with this grant. Absent: none. */
  readonly origins?: readonly string[] | undefined;
  /** The viewer to whom central issues the grant by itself. Absent: a link. */
  readonly viewer?: { readonly person: string | undefined; readonly credential: string };
}

export async function insertGrant(
  db: CentralDatabase,
  { video, note, expiresMs, origins, viewer }: NewGrant,
  nowMs: number,
): Promise<GrantRow> {
  await db
    .deleteFrom('grants')
    .where('expires_at', '<', nowMs - KEEP_EXPIRED_MS)
    .execute();
  return db
    .insertInto('grants')
    .values({
      id: randomBytes(8).toString('hex'),
      video_id: video,
      note,
      created_at: nowMs,
      expires_at: expiresMs,
      position: 0,
      revoked_at: null,
      person_id: viewer?.person ?? null,
      credential_id: viewer?.credential ?? null,
      embed_origins: origins === undefined ? null : JSON.stringify(origins),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Lists the valid links of a video, newest first. Returns one row more than `limit` if there are more. */
export const listGrants = (
  db: CentralDatabase,
  video: VideoId,
  nowMs: number,
  { limit, before }: { readonly limit: number; readonly before?: Cursor | undefined },
): Promise<GrantRow[]> =>
  db
    .selectFrom('grants')
    .selectAll()
    .where('video_id', '=', video)
    .where('credential_id', 'is', null)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .$if(before !== undefined, query =>
      query.where(sql<boolean>`(created_at, id) < (${before?.at ?? 0}, ${before?.id ?? ''})`),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();

export const findGrant = (db: CentralDatabase, video: VideoId, id: string): Promise<GrantRow | undefined> =>
  db.selectFrom('grants').selectAll().where('id', '=', id).where('video_id', '=', video).executeTakeFirst();

/** Revokes one link of a video, or all of them. Returns how many of them were valid until now. */
export function revokeGrants(
  db: CentralDatabase,
  video: VideoId,
  only: string | undefined,
  nowMs: number,
): Promise<number> {
  return inTransaction(db, async tx => {
    // This comes first because it locks out other revocations until this one is committed.
    await claimPositions(tx, 0);
    let select = tx
      .selectFrom('grants')
      .select('id')
      .where('video_id', '=', video)
      .where('credential_id', 'is', null)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', nowMs);
    if (only !== undefined) select = select.where('id', '=', only);
    const rows = await select.execute();
    await markRevoked(
      tx,
      rows.map(({ id }) => id),
      nowMs,
    );
    return rows.length;
  });
}

/** Revokes these grants. Those that were revoked before stay as they are. */
export const revokeGrantsById = (db: CentralDatabase, ids: readonly string[], nowMs: number): Promise<void> =>
  db.transaction().execute(tx => markRevoked(tx, ids, nowMs));

async function markRevoked(tx: CentralTransaction, ids: readonly string[], nowMs: number): Promise<void> {
  if (ids.length === 0) return;
  const first = await claimPositions(tx, ids.length);
  for (const [order, id] of ids.entries()) {
    await tx
      .updateTable('grants')
      .set({ revoked_at: nowMs, position: first + order })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
  }
}

export interface RightsChanges
  extends Pick<RightsPage, 'position' | 'more' | 'videos' | 'revoked' | 'people'> {}

export interface LastRightsChange {
  /** The position of the last change of rights to videos. A reader at this position knows all of them. */
  readonly videos: number;
  readonly people: number;
}

export async function lastRightsChange(db: CentralDatabase): Promise<LastRightsChange> {
  const grants = await db
    .selectFrom('grants')
    .select(({ fn }) => fn.max<number | null>('position').as('position'))
    .executeTakeFirst();
  const videos = await db
    .selectFrom('videos')
    .select(({ fn }) => fn.max<number | null>('position').as('position'))
    .where('private', '>', sql.lit(0))
    .executeTakeFirst();
  return {
    videos: Math.max(Number(grants?.position ?? 0), Number(videos?.position ?? 0)),
    people: await lastPeopleChange(db),
  };
}

/** Which changes a member reads. */
export interface RightsReader {
  readonly after: number;
  /** Which videos are private. */
  readonly withVideos: boolean;
  readonly withPeople: boolean;
}

/** Lists the changes of rights after a position: revocations, which videos are private, and changes of people. */
export async function listRightsChanges(
  db: CentralDatabase,
  { after, withVideos, withPeople }: RightsReader,
  nowMs: number,
): Promise<RightsChanges> {
  const start = await findStart(db, after);
  return db.transaction().execute(async tx => {
    const hasMissed = withPeople && (start < after || (await hasMissedPeopleChanges(tx, start)));
    const rows = [
      ...(await listRevoked(tx, start, nowMs)),
      ...(withVideos ? await listPrivacyChanges(tx, start) : []),
      ...(withPeople ? await listPeopleChanges(tx, start, MAX_RIGHTS_PAGE_ROWS) : []),
    ].sort((a, b) => a.position - b.position);
    const page = rows.slice(0, MAX_RIGHTS_PAGE_ROWS);
    const people = page.flatMap(row => ('change' in row ? [row.change] : []));
    return {
      position: page.at(-1)?.position ?? start,
      more: rows.length > page.length,
      videos: page.flatMap(row =>
        'video' in row
          ? [
              {
                video: row.video,
                isPrivate: row.isPrivate,
                ...(withPeople && row.isInternal ? { isInternal: true as const } : {}),
              },
            ]
          : [],
      ),
      revoked: page.flatMap(row => ('grant' in row ? [{ grant: row.grant, expiresS: row.expiresS }] : [])),
      ...(withPeople ? { people: hasMissed ? [{ all: true }] : people } : {}),
    };
  });
}

async function listRevoked(tx: CentralTransaction, start: number, nowMs: number) {
  const rows = await tx
    .selectFrom('grants')
    .select(['id', 'expires_at', 'position'])
    .where('position', '>', start)
    .where('position', '>', sql.lit(0))
    .where('expires_at', '>', nowMs)
    .orderBy('position')
    .limit(MAX_RIGHTS_PAGE_ROWS + 1)
    .execute();
  return rows.map(({ id, expires_at, position }) => ({
    position: Number(position),
    grant: id,
    expiresS: Math.ceil(Number(expires_at) / 1_000),
  }));
}

async function listPrivacyChanges(tx: CentralTransaction, start: number) {
  const rows = await tx
    .selectFrom('videos')
    .select(['video_id', 'private', 'audience', 'position'])
    .where('private', '>', sql.lit(0))
    .where('position', '>', start)
    .where('kind', '=', sql.lit('video'))
    // If another site took over a video, only that site's record counts.
    .where('superseded_by', 'is', null)
    .orderBy('position')
    .limit(MAX_RIGHTS_PAGE_ROWS + 1)
    .execute();
  return rows.map(row => ({
    position: Number(row.position),
    video: row.video_id,
    isPrivate: row.private === 1,
    isInternal: row.private === 1 && row.audience === 'internal',
  }));
}

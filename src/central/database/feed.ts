/**
 * The change feed: the present state of sites and videos, ordered by when each last changed. It keeps no history: a row that
 * changes again moves to the end, so what a tracker has to read never exceeds what there is.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { notify } from '../../kernel/sql/postgres.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { Change, SitePolicy } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { isOfOwner, type PublicationRecord } from '../../protocol/publication/record.ts';
import type { CentralDatabase, CentralTransaction, MemberRow, VideoRow } from './schema.ts';

/** Other centrals on the same database hear of changes here. */
export const CHANGES_CHANNEL = 'tributary_changes';

/** A page ends early rather than be larger: a site's zone alone may have 10,000 prefixes. */
const MAX_PAGE_CHARACTERS = 2 ** 20;

/**
 * Takes `count` positions and returns the first. In one row of one table on purpose: its lock is held until the commit,
 * so positions become visible in their order and a reader never passes over one that is still to come.
 */
export async function claimPositions(tx: CentralTransaction, count: number): Promise<number> {
  const { position } = await tx
    .updateTable('feed')
    .set(({ eb }) => ({ position: eb('position', '+', count) }))
    .where('id', '=', 1)
    .returning('position')
    .executeTakeFirstOrThrow();
  await notify(tx, CHANGES_CHANNEL);
  return position - count + 1;
}

/** Where a clock went back: more than a centre takes in between a backup and its loss. */
const LEAST_GAP = 2 ** 30;

/**
 * A central starts, perhaps from a backup. Positions go on from the time of day, milliseconds since 1970, which is ahead of
 * all that any earlier history gave away; whoever stands at one that was skipped knows another history (`findStart`).
 */
export async function startFeed(db: CentralDatabase, nowMs: number): Promise<void> {
  await db.transaction().execute(async tx => {
    const { position: after } = await tx
      .updateTable('feed')
      .set(({ ref }) => ({ position: ref('position') }))
      .where('id', '=', 1)
      .returning('position')
      .executeTakeFirstOrThrow();
    const before = nowMs > after ? nowMs : after + LEAST_GAP;
    await tx.updateTable('feed').set({ position: before }).where('id', '=', 1).execute();
    await tx.insertInto('feed_gaps').values({ after, before }).execute();
  });
}

/**
 * Where to read on for one who knows everything up to `after`: there, if this history of the centre has given that position
 * away; else at 0, since the centre was restored from a backup meanwhile.
 */
export async function findStart(db: CentralDatabase, after: number): Promise<number> {
  const { position } = await db.selectFrom('feed').select('position').executeTakeFirstOrThrow();
  if (after > position) return 0;
  const gap = await db
    .selectFrom('feed_gaps')
    .select('before')
    .where('after', '<', after)
    .orderBy('after', 'desc')
    .limit(1)
    .executeTakeFirst();
  return gap && after < gap.before ? 0 : after;
}

export interface ChangePage {
  readonly changes: Change[];
  readonly position: number;
  readonly more: boolean;
}

export function listChanges(db: CentralDatabase, after: number, limit: number): Promise<ChangePage> {
  // One transaction: a commit between the two reads could put a site before a video that was not read.
  return db.transaction().execute(async tx => {
    const videos = await tx
      .selectFrom('videos')
      .select(['site_id', 'video_id', 'position', 'body', 'superseded_by', 'promoted'])
      .where('position', '>', after)
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    const sites = await tx
      .selectFrom('members')
      .selectAll()
      .where('role', '=', 'site')
      .where('position', '>', after)
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    const rows = [
      ...videos.map(row => ({ position: row.position, size: row.body.length, change: () => ofVideo(row) })),
      ...sites.map(row => ({ position: row.position, size: row.zone.length, change: () => ofSite(row) })),
    ].sort((a, b) => a.position - b.position);

    const changes: Change[] = [];
    let characters = 0;
    for (const row of rows) {
      characters += row.size;
      if (changes.length === limit || (changes.length > 0 && characters > MAX_PAGE_CHARACTERS)) break;
      changes.push(row.change());
    }
    return {
      changes,
      position: changes.at(-1)?.position ?? after,
      more: changes.length < rows.length,
    };
  });
}

type FedVideo = Pick<VideoRow, 'site_id' | 'video_id' | 'position' | 'body' | 'superseded_by' | 'promoted'>;

function ofVideo(row: FedVideo): Change {
  const record = JSON.parse(row.body) as PublicationRecord;
  const { position } = row;
  const site = row.site_id;
  const video = row.video_id;
  const { version } = record;
  if (row.superseded_by !== null && isOfOwner(record))
    return { kind: 'gone', position, site, video, version };
  if (record.kind === 'tombstone') return { kind: 'withdrawn', position, site, video, version };
  if (record.kind === 'gone') return { kind: 'gone', position, site, video, version };
  if (record.kind === 'copy')
    return { kind: 'copy', position, site, video, version, revision: record.revision };
  const { revision, name, bitrateBps, durationMs, renditions, isGrowing, visibility } = record;
  return {
    kind: 'video',
    position,
    site,
    video,
    version,
    revision,
    name,
    bitrateBps,
    durationMs,
    renditions,
    ...(row.promoted === 1 ? { promoted: true } : {}),
    ...(isGrowing ? { isGrowing } : {}),
    ...(visibility === 'private' ? { isPrivate: true } : {}),
  };
}

function ofSite(row: MemberRow): Change {
  return {
    kind: 'site',
    position: row.position,
    site: row.id as SiteId,
    name: row.name,
    baseUrl: row.base_url,
    ...(row.latitude !== null && row.longitude !== null
      ? { coordinates: { latitude: row.latitude, longitude: row.longitude } }
      : {}),
    zone: JSON.parse(row.zone) as string[],
    active: row.joined_at !== null && row.revoked_at === null,
    ...(JSON.parse(row.policy) as Partial<SitePolicy>),
    ...(row.public_key === null ? {} : { publicKey: row.public_key }),
  };
}

/**
 * A tracker that asks for what follows `after` has registered everything up to it. Returns the position to read on from.
 */
export async function registerUpTo(
  db: CentralDatabase,
  tracker: string,
  after: number,
  nowMs: number,
): Promise<number> {
  const { start, isNew } = await db.transaction().execute(async tx => {
    const reached = await findStart(tx, after);
    await tx
      .updateTable('members')
      .set({ tracker_position: reached, last_seen_at: nowMs })
      .where('id', '=', tracker)
      .execute();
    const isNew = reached > (await registeredUpTo(tx));
    if (isNew) {
      await tx
        .insertInto('registrations')
        .values({ position: reached, at: nowMs })
        .onConflict(conflict => conflict.doNothing())
        .execute();
      failpoint('registration-not-committed');
    }
    return { start: reached, isNew };
  });
  if (isNew) failpoint('registration-committed');
  return start;
}

/** The position up to which any tracker has registered the feed. */
export async function registeredUpTo(db: CentralDatabase): Promise<number> {
  const row = await db
    .selectFrom('registrations')
    .select(({ fn }) => fn.max<number | null>('position').as('position'))
    .executeTakeFirst();
  return Number(row?.position ?? 0);
}

/** Of registrations before `beforeMs` the last of each minute stays: nobody asks for the second of an old one. */
export async function thinRegistrations(db: CentralDatabase, beforeMs: number): Promise<void> {
  await sql`
    delete from registrations where at < ${beforeMs} and at / 60000 = (
      select later.at / 60000 from registrations as later
      where later.position > registrations.position order by later.position limit 1
    )`.execute(db);
}

/**
 * The change feed: the current state of sites and videos, ordered by their last change. It keeps no history: a row that changes
 * again moves to the end, so a tracker never reads more rows than exist.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { notify } from '../../kernel/sql/postgres.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { Change, SitePolicy } from '../../protocol/central.ts';
import { audienceOf } from '../../protocol/people/audience.ts';
import { isOfOwner } from '../../protocol/publication/record.ts';
import {
  type CentralDatabase,
  type CentralTransaction,
  isSite,
  type SiteRow,
  type VideoRow,
} from './schema.ts';
import { parseStoredRecord } from './stored-record.ts';

/** The PostgreSQL channel on which centrals that share a database notify each other of changes. */
export const CHANGES_CHANNEL = 'tributary_changes';

/** A page ends early if it would become larger: the zone of a single site may have 10,000 prefixes. */
const MAX_PAGE_CHARACTERS = 2 ** 20;

/**
 * Claims `count` positions and returns the first. The counter is a single row on purpose: its lock is held until the commit, so
 * positions become visible in order and a reader never skips one that is committed later.
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

/** The gap if the clock was set back. It exceeds the number of changes that a central makes between a backup and its loss. */
const MIN_GAP = 2 ** 30;

/**
 * Starts a new section of the feed, because central may have been restored from a backup. Positions continue at the current
 * time in milliseconds since 1970, which exceeds every position of an earlier history. A reader whose position lies in a skipped
 * range has followed another history (`findStart`).
 */
export async function startFeed(db: CentralDatabase, nowMs: number): Promise<void> {
  await db.transaction().execute(async tx => {
    const { position: after } = await tx
      .updateTable('feed')
      .set(({ ref }) => ({ position: ref('position') }))
      .where('id', '=', 1)
      .returning('position')
      .executeTakeFirstOrThrow();
    const before = nowMs > after ? nowMs : after + MIN_GAP;
    await tx.updateTable('feed').set({ position: before }).where('id', '=', 1).execute();
    await tx.insertInto('feed_gaps').values({ after, before }).execute();
  });
}

/**
 * Returns the position from which a reader that knows everything up to `after` must continue. This is `after` if this history of
 * central assigned it, else 0, because central was restored from a backup in the meantime.
 */
export async function findStart(db: CentralDatabase, after: number): Promise<number> {
  if (after > (await readFeedPosition(db))) return 0;
  const gap = await db
    .selectFrom('feed_gaps')
    .select('before')
    .where('after', '<', after)
    .orderBy('after', 'desc')
    .limit(1)
    .executeTakeFirst();
  return gap && after < gap.before ? 0 : after;
}

/** The last assigned position. Every change up to it is visible to the queries that follow. */
export async function readFeedPosition(db: CentralDatabase): Promise<number> {
  return Number((await db.selectFrom('feed').select('position').executeTakeFirstOrThrow()).position);
}

export interface ChangePage {
  readonly changes: Change[];
  readonly position: number;
  readonly more: boolean;
}

export interface ChangeQuery {
  readonly limit: number;
  /** False for trackers of an earlier version, which would reject the page. */
  readonly withAudiences: boolean;
  /** The same. */
  readonly withSchedules: boolean;
  readonly withDownloads: boolean;
}

export function listChanges(
  db: CentralDatabase,
  after: number,
  { limit, ...members }: ChangeQuery,
): Promise<ChangePage> {
  // Both reads are in one transaction: a commit between them could put a site before a video that was not read.
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
      ...videos.map(row => ({
        position: row.position,
        size: row.body.length,
        change: () => formatVideoChange(row, members),
      })),
      ...sites.filter(isSite).map(row => ({
        position: row.position,
        size: row.zone.length,
        change: () => formatSiteChange(row),
      })),
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

type ChangedVideo = Pick<
  VideoRow,
  'site_id' | 'video_id' | 'position' | 'body' | 'superseded_by' | 'promoted'
>;

function formatVideoChange(
  row: ChangedVideo,
  { withAudiences, withSchedules, withDownloads }: Omit<ChangeQuery, 'limit'>,
): Change {
  const record = parseStoredRecord(row.body);
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
  const { revision, name, bitrateBps, durationMs, renditions, isGrowing, downloads = 'none' } = record;
  const audience = audienceOf(record);
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
    ...(audience === 'public' ? {} : { isPrivate: true }),
    ...(withAudiences && audience === 'internal' ? { isInternal: true } : {}),
    ...(withSchedules && record.publishAt !== undefined ? { publishAt: record.publishAt } : {}),
    ...(withSchedules && record.withdrawAt !== undefined ? { withdrawAt: record.withdrawAt } : {}),
    ...(withDownloads && downloads !== 'none' ? { downloads } : {}),
  };
}

const parsePolicy = (policy: string): Partial<SitePolicy> => JSON.parse(policy);

function formatSiteChange(row: SiteRow): Change {
  return {
    kind: 'site',
    position: row.position,
    site: row.id,
    name: row.name,
    baseUrl: row.base_url,
    ...(row.latitude !== null && row.longitude !== null
      ? { coordinates: { latitude: row.latitude, longitude: row.longitude } }
      : {}),
    zone: JSON.parse(row.zone),
    active: row.joined_at !== null && row.revoked_at === null,
    ...parsePolicy(row.policy),
    ...(row.public_key === null ? {} : { publicKey: row.public_key }),
  };
}

/**
 * Notes that a tracker has registered all changes up to `after`, which it confirms by requesting the changes after it. Returns
 * the position from which it must continue.
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

/** The highest position up to which any tracker has registered the feed. */
export async function registeredUpTo(db: CentralDatabase): Promise<number> {
  const row = await db
    .selectFrom('registrations')
    .select(({ fn }) => fn.max<number | null>('position').as('position'))
    .executeTakeFirst();
  return Number(row?.position ?? 0);
}

/** Deletes all registrations before `beforeMs` except the last of each minute, which is precise enough for old videos. */
export async function thinRegistrations(db: CentralDatabase, beforeMs: number): Promise<void> {
  await sql`
    delete from registrations where at < ${beforeMs} and at / 60000 = (
      select later.at / 60000 from registrations as later
      where later.position > registrations.position order by later.position limit 1
    )`.execute(db);
}

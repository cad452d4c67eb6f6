/** The input of the placement plan: the rules, the sites, the videos, their copies and their plays. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { sql } from '../../../kernel/sql/sql.ts';
import { newId, type SiteId, type VideoId } from '../../../protocol/base/ids.ts';
import { type PlacementRule, placementRuleSchema, type StoredRule } from '../../../protocol/copies.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import type { PlannedSite, PlannedVideo, StoredCopy } from '../../placement/plan.ts';
import { presenceOf } from '../../placement/presence.ts';
import { type CentralDatabase, isSite } from '../schema.ts';
import { listSiteStatus } from '../site-status-reports.ts';
import { parseStoredRecord } from '../stored-record.ts';
import type { ReceivedReport } from './storage-reports.ts';

/** Rows that are parsed without a break. Between two pages, other requests are served. */
const PAGE_ROWS = 1_000;

/** Lists the rules, including those that an operator has removed and can still restore. */
export async function listRules(db: CentralDatabase): Promise<StoredRule[]> {
  const rows = await db.selectFrom('placement_rules').selectAll().orderBy('id').execute();
  return rows.map(({ id, body, created_at, removed_at }) => ({
    id,
    rule: placementRuleSchema.parse(JSON.parse(body)),
    createdAt: new Date(Number(created_at)).toISOString(),
    ...(removed_at === null ? {} : { removedAt: new Date(Number(removed_at)).toISOString() }),
  }));
}

/** Lists the rules that apply. */
export const listActiveRules = async (db: CentralDatabase): Promise<PlacementRule[]> =>
  (await listRules(db)).filter(({ removedAt }) => removedAt === undefined).map(({ rule }) => rule);

export async function insertRule(
  db: CentralDatabase,
  rule: PlacementRule,
  nowMs: number,
): Promise<StoredRule> {
  const id = newId();
  await db
    .insertInto('placement_rules')
    .values({ id, body: JSON.stringify(rule), created_at: nowMs, removed_at: null })
    .execute();
  return { id, rule, createdAt: new Date(nowMs).toISOString() };
}

/** Ends a rule. Its row is kept until its copies are deleted. Returns false if there is no such rule. */
export async function removeRule(db: CentralDatabase, id: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('placement_rules')
    .set({ removed_at: nowMs })
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Puts a removed rule into effect again. Returns false if there is none, or not any more. */
export async function restoreRule(db: CentralDatabase, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('placement_rules')
    .set({ removed_at: null })
    .where('id', '=', id)
    .where('removed_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

export async function deleteRulesRemovedBefore(db: CentralDatabase, beforeMs: number): Promise<void> {
  await db.deleteFrom('placement_rules').where('removed_at', '<=', beforeMs).execute();
}

export async function listPlannedSites(
  db: CentralDatabase,
  reports: ReadonlyMap<SiteId, ReceivedReport>,
  nowMs: number,
): Promise<PlannedSite[]> {
  const statuses = await listSiteStatus(db, nowMs);
  const rows = await db
    .selectFrom('members')
    .select(['id', 'role', 'name', 'region', 'joined_at', 'revoked_at', 'lost_at'])
    .where('role', '=', 'site')
    .orderBy('id')
    .execute();
  return rows.filter(isSite).map(row => {
    const status = statuses.get(row.id);
    const report = reports.get(row.id);
    const presence = presenceOf(
      {
        state: status?.state ?? 'unknown',
        downSinceMs: status?.downSinceMs,
        returnedAtMs: status?.returnedAtMs,
        contactAtMs: report?.receivedAtMs,
      },
      nowMs,
    );
    return {
      id: row.id,
      name: row.name,
      ...(row.region === null ? {} : { region: row.region }),
      isAvailable: row.joined_at !== null && row.revoked_at === null && row.lost_at === null,
      presence,
      servesViewers: report?.servesViewers ?? true,
      freeBytes: report?.freeBytes,
    };
  });
}

export interface Holdings {
  readonly videos: readonly PlannedVideo[];
  readonly copies: readonly StoredCopy[];
}

/**
 * Lists all videos and copies that are published and not withdrawn, in the order of their ids. A copy that its site reports as
 * damaged is left out.
 */
export async function listHoldings(
  db: CentralDatabase,
  reports: ReadonlyMap<SiteId, ReceivedReport>,
): Promise<Holdings> {
  const damaged = new Set(
    [...reports].flatMap(([site, { damage }]) => damage.map(({ video }) => `${site} ${video}`)),
  );
  const videos: PlannedVideo[] = [];
  const copies: StoredCopy[] = [];
  for (let after = { video: '', site: '' }; ; ) {
    const rows = await db
      .selectFrom('videos')
      .innerJoin('members', 'members.id', 'videos.site_id')
      .select(['videos.site_id', 'videos.video_id', 'videos.body'])
      .where('videos.withdrawn', '=', sql.lit(0))
      .where('videos.superseded_by', 'is', null)
      .where('members.revoked_at', 'is', null)
      .where(sql<boolean>`(videos.video_id, videos.site_id) > (${after.video}, ${after.site})`)
      .orderBy('videos.video_id')
      .orderBy('videos.site_id')
      .limit(PAGE_ROWS)
      .execute();
    for (const { site_id: site, body } of rows) {
      const record = parseStoredRecord(body);
      const isDamaged = damaged.has(`${site} ${record.video}`);
      if (record.kind === 'video') videos.push(plannedVideo(site, record, isDamaged));
      else if (record.kind === 'copy' && !isDamaged) {
        const { video, revision, sizeBytes } = record;
        copies.push({ video, site, revision, sizeBytes });
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE_ROWS) return { videos, copies };
    after = { video: last.video_id, site: last.site_id };
    await nextTick();
  }
}

const plannedVideo = (origin: SiteId, record: VideoRecord, isDamaged: boolean): PlannedVideo => {
  const { video, name, revision, renditions, durationMs, visibility } = record;
  const bps = renditions.reduce((sum, rendition) => sum + rendition.averageBandwidthBps, 0);
  const sizeBytes = Math.ceil((bps * durationMs) / 8_000);
  return {
    id: video,
    name,
    origin,
    revision,
    sizeBytes,
    ...(visibility === 'private' ? { isPrivate: true } : {}),
    ...(isDamaged ? { isDamaged } : {}),
  };
};

/** True if there is a rule, or an assignment that an earlier rule made. */
export async function hasPlacements(db: CentralDatabase): Promise<boolean> {
  const rule = await db.selectFrom('placement_rules').select('id').limit(1).executeTakeFirst();
  if (rule) return true;
  const placed = await db
    .selectFrom('placements')
    .select('video_id')
    .where('wanted', '=', 1)
    .limit(1)
    .executeTakeFirst();
  return placed !== undefined;
}

/** Lists the promotions that the successor has not completed yet. No rule may change these assignments. */
export const listPendingPromotions = (db: CentralDatabase): Promise<{ video: VideoId; site: SiteId }[]> =>
  db
    .selectFrom('promotions')
    .leftJoin('videos', join =>
      join
        .onRef('videos.video_id', '=', 'promotions.video_id')
        .onRef('videos.site_id', '=', 'promotions.to_site')
        .on('videos.kind', '=', sql.lit('video')),
    )
    .select(['promotions.video_id as video', 'promotions.to_site as site'])
    .where('videos.video_id', 'is', null)
    .execute();

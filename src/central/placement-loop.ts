/**
 * Keeps what sites are told to hold in step with the rules: whenever something has changed, and now and then because what is
 * played has. The plan is a pure function (placement/plan.ts); here it is fed, and what differs is written down.
 */

import { type Repeating, repeat } from '../kernel/lifecycle/repeat.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { SiteId, VideoId } from '../protocol/ids.ts';
import type { Bell } from './change-notifier.ts';
import { type PlacementChange, writePlacements } from './database/copies/assignments.ts';
import {
  hasPlacements,
  listHoldings,
  listPendingPromotions,
  listPlacements,
  listPlannedSites,
  listPlays,
  listRules,
} from './database/copies/placement-input.ts';
import type { CentralDatabase } from './database/schema.ts';
import { type Plan, type PlanInput, plan } from './placement/plan.ts';
import { notWanted, type Why } from './placement/why.ts';

/** Rules by popularity change with what is played, and nothing tells of that. */
const LOOK_EVERY_MS = 60_000;
/** At least so long between two plans; and of the time a tenth at most. */
const REST_MS = 500;
const TIME_SHARE = 0.1;
const CHANGES_AT_ONCE = 500;

export async function readPlanInput(db: CentralDatabase, nowMs: number): Promise<PlanInput> {
  const rules = (await listRules(db)).map(({ rule }) => rule);
  const sites = await listPlannedSites(db);
  const plays = await listPlays(db, nowMs);
  return { rules, sites, plays, ...(await listHoldings(db)) };
}

/** What is written down, and is to be otherwise. */
export async function listPlacementChanges(
  db: CentralDatabase,
  { copies }: Plan,
): Promise<PlacementChange[]> {
  const keyOf = (site: string, video: string): string => `${site} ${video}`;
  const pending = new Set(
    (await listPendingPromotions(db)).map(({ to_site, video_id }) => keyOf(to_site, video_id)),
  );
  const wanted = new Map(copies.map(copy => [keyOf(copy.site, copy.video), copy]));
  const known = new Set<string>();
  const changes: PlacementChange[] = [];
  for (const row of await listPlacements(db)) {
    const key = keyOf(row.site_id, row.video_id);
    known.add(key);
    if (pending.has(key)) continue;
    const site = row.site_id as SiteId;
    const video = row.video_id as VideoId;
    const now = wanted.get(key);
    if (now && (row.wanted === 0 || codeOf(row.reason) !== now.why.code)) {
      changes.push({ site, video, wanted: true, reason: now.why });
    } else if (!now && row.wanted === 1) changes.push({ site, video, wanted: false, reason: notWanted() });
  }
  for (const [key, { site, video, why }] of wanted) {
    if (!known.has(key)) changes.push({ site, video, wanted: true, reason: why });
  }
  return changes;
}

const codeOf = (reason: string): string => (JSON.parse(reason) as Why).code;

export function startPlacing(options: {
  readonly db: CentralDatabase;
  readonly bell: Bell;
  readonly log: Log;
}): Repeating {
  const { db, bell, log } = options;
  let heard = -1;
  return repeat(async signal => {
    try {
      if (heard === bell.rings) await bell.next(heard, LOOK_EVERY_MS, signal);
      if (signal.aborted || bell.closed) return LOOK_EVERY_MS;
      heard = bell.rings;
      const startedMs = performance.now();
      // Nobody asked for copies, and none are left to be taken back.
      if (!(await hasPlacements(db))) return REST_MS;
      const changes = await listPlacementChanges(db, plan(await readPlanInput(db, Date.now())));
      for (let from = 0; from < changes.length; from += CHANGES_AT_ONCE) {
        const some = changes.slice(from, from + CHANGES_AT_ONCE);
        await db.transaction().execute(tx => writePlacements(tx, some));
      }
      if (changes.length > 0) {
        log.info({ changes: changes.length }, 'what sites are to hold has changed');
        bell.ring();
      }
      return Math.max(REST_MS, (performance.now() - startedMs) / TIME_SHARE);
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'copies were not planned');
      return LOOK_EVERY_MS;
    }
  });
}

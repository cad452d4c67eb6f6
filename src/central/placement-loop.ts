/**
 * Keeps the assignments of sites in line with the copy rules, after every change and at regular intervals, because the number of
 * plays changes too. The plan itself is a pure function (placement/plan.ts). This loop reads its input and stores the differences.
 */

import { type Repeating, repeat } from '../kernel/lifecycle/repeat.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { ChangeNotifier } from './change-notifier.ts';
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
import { notWanted, parseReason } from './placement/why.ts';

/** Popularity changes without a notification, so the plan is renewed at least this often. */
const MAX_IDLE_MS = 60_000;
/** The minimum pause between two plans, and the maximum share of time spent on planning. */
const MIN_PAUSE_MS = 500;
const MAX_TIME_SHARE = 0.1;
const UPDATES_PER_TRANSACTION = 500;

export async function readPlanInput(db: CentralDatabase, nowMs: number): Promise<PlanInput> {
  const rules = (await listRules(db)).map(({ rule }) => rule);
  const sites = await listPlannedSites(db);
  const plays = await listPlays(db, nowMs);
  return { rules, sites, plays, ...(await listHoldings(db)) };
}

/** Lists the stored assignments that differ from the plan. */
async function listPlacementChanges(db: CentralDatabase, { copies }: Plan): Promise<PlacementChange[]> {
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
    const site = row.site_id;
    const video = row.video_id;
    const now = wanted.get(key);
    if (now && (row.wanted === 0 || parseReason(row.reason).code !== now.why.code)) {
      changes.push({ site, video, wanted: true, reason: now.why });
    } else if (!now && row.wanted === 1) changes.push({ site, video, wanted: false, reason: notWanted() });
  }
  for (const [key, { site, video, why }] of wanted) {
    if (!known.has(key)) changes.push({ site, video, wanted: true, reason: why });
  }
  return changes;
}

export interface PlacementLoopDeps {
  readonly db: CentralDatabase;
  readonly changes: ChangeNotifier;
  readonly log: Log;
}

export function startPlacementLoop({ db, changes, log }: PlacementLoopDeps): Repeating {
  let since = -1;
  return repeat(async abort => {
    try {
      if (since === changes.version) await changes.waitForChange(since, MAX_IDLE_MS, abort);
      if (abort.aborted || changes.closed) return MAX_IDLE_MS;
      since = changes.version;
      const startedMs = performance.now();
      // Without rules and without copies that are still to be deleted, there is nothing to plan.
      if (!(await hasPlacements(db))) return MIN_PAUSE_MS;
      const updates = await listPlacementChanges(db, plan(await readPlanInput(db, Date.now())));
      for (let from = 0; from < updates.length; from += UPDATES_PER_TRANSACTION) {
        const batch = updates.slice(from, from + UPDATES_PER_TRANSACTION);
        await db.transaction().execute(tx => writePlacements(tx, batch));
      }
      if (updates.length > 0) {
        log.info({ changes: updates.length }, 'the assignments of sites have changed');
        changes.notify();
      }
      return Math.max(MIN_PAUSE_MS, (performance.now() - startedMs) / MAX_TIME_SHARE);
    } catch (error) {
      if (!abort.aborted) log.warn({ reason: messageOf(error) }, 'could not plan copies; will retry');
      return MAX_IDLE_MS;
    }
  });
}

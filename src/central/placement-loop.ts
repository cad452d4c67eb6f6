/**
 * Keeps the assignments of sites in line with the copy rules, after every change and at regular intervals, because the number of
 * plays changes too. The plan itself is a pure function (placement/plan.ts). This loop reads its input and stores the differences.
 */

import { type Repeating, repeat } from '../kernel/lifecycle/repeat.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import type { SiteId, VideoId } from '../protocol/base/ids.ts';
import type { ChangeNotifier } from './change-notifier.ts';
import { listStoredAssignments, writePlacementEnds, writePlacements } from './database/copies/assignments.ts';
import {
  deleteRulesRemovedBefore,
  hasPlacements,
  listActiveRules,
  listHoldings,
  listPendingPromotions,
  listPlannedSites,
} from './database/copies/placement-input.ts';
import { listPlays } from './database/copies/popularity.ts';
import { listStorageReports, type ReceivedReport } from './database/copies/storage-reports.ts';
import type { CentralDatabase } from './database/schema.ts';
import { listPlacementChanges, type StoredAssignment } from './placement/changes.ts';
import { type PlanInput, plan } from './placement/plan.ts';

/** Popularity changes without a notification, so the plan is renewed at least this often. */
const MAX_IDLE_MS = 60_000;
/** The minimum pause between two plans, and the maximum share of time spent on planning. */
const MIN_PAUSE_MS = 500;
const MAX_TIME_SHARE = 0.1;
const UPDATES_PER_TRANSACTION = 500;

export interface PlacementState extends PlanInput {
  readonly stored: readonly StoredAssignment[];
  readonly reports: ReadonlyMap<SiteId, ReceivedReport>;
}

export async function readPlacementState(db: CentralDatabase, nowMs: number): Promise<PlacementState> {
  const rules = await listActiveRules(db);
  const reports = await listStorageReports(db);
  const sites = await listPlannedSites(db, reports, nowMs);
  const plays = await listPlays(db, nowMs);
  const stored = await listStoredAssignments(db);
  const assigned = new Map<VideoId, Set<SiteId>>();
  for (const { site, video, isWanted } of stored) {
    if (isWanted) assigned.set(video, (assigned.get(video) ?? new Set<SiteId>()).add(site));
  }
  return { rules, sites, plays, assigned, stored, reports, ...(await listHoldings(db, reports)) };
}

export interface PlacementLoopDeps {
  readonly db: CentralDatabase;
  readonly changes: ChangeNotifier;
  /** For how long a copy is kept after no rule requires it any more. */
  readonly retentionMs: number;
  readonly log: Log;
}

export function startPlacementLoop({ db, changes, retentionMs, log }: PlacementLoopDeps): Repeating {
  let since = -1;
  let idleMs = MAX_IDLE_MS;
  return repeat(async abort => {
    try {
      if (since === changes.version) await changes.waitForChange(since, idleMs, abort);
      if (abort.aborted || changes.closed) return MAX_IDLE_MS;
      since = changes.version;
      const startedMs = performance.now();
      // Without rules and without copies that are still to be deleted, there is nothing to plan.
      if (!(await hasPlacements(db))) return MIN_PAUSE_MS;
      const nowMs = Date.now();
      await deleteRulesRemovedBefore(db, nowMs - retentionMs);
      const state = await readPlacementState(db, nowMs);
      const planned = plan(state);
      const pending = await listPendingPromotions(db);
      const {
        changes: updates,
        ends,
        nextEndMs,
      } = listPlacementChanges(state, planned, { pending, retentionMs, nowMs });
      for (let from = 0; from < updates.length; from += UPDATES_PER_TRANSACTION) {
        const batch = updates.slice(from, from + UPDATES_PER_TRANSACTION);
        await db.transaction().execute(tx => writePlacements(tx, batch));
      }
      await writePlacementEnds(db, ends);
      idleMs = Math.min(MAX_IDLE_MS, nextEndMs - nowMs);
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

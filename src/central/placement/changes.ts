/**
 * Compares the stored assignments with a plan. An assignment that the plan does not contain any more ends after a delay, so that
 * an operator can undo a change of the rules. Pure; time is an argument.
 */

import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { Plan, PlanInput } from './plan.ts';
import { notWanted, type Why } from './why.ts';

/** An assignment as of the last plan. */
export interface StoredAssignment {
  readonly site: SiteId;
  readonly video: VideoId;
  readonly isWanted: boolean;
  readonly reason: Why;
  /** When it ends, because no rule requires it any more. Undefined: a rule requires it. */
  readonly endsAtMs: number | undefined;
}

/** A new or changed assignment. */
export interface PlacementChange {
  readonly site: SiteId;
  readonly video: VideoId;
  readonly wanted: boolean;
  readonly reason: Why;
}

/** An assignment that will end. The site does not learn of it before. */
export interface PlacementEnd {
  readonly site: SiteId;
  readonly video: VideoId;
  readonly endsAtMs: number;
}

export interface PlacementChanges {
  readonly changes: readonly PlacementChange[];
  readonly ends: readonly PlacementEnd[];
  /** When the next assignment ends; infinity if none does. */
  readonly nextEndMs: number;
}

export interface ChangeOptions {
  /** Promotions that the successor has not completed yet. No rule may change these assignments. */
  readonly pending: readonly { readonly site: string; readonly video: string }[];
  readonly retentionMs: number;
  readonly nowMs: number;
}

const keyOf = (site: string, video: string): string => `${site} ${video}`;

export function listPlacementChanges(
  state: PlanInput & { readonly stored: readonly StoredAssignment[] },
  planned: Plan,
  { pending, retentionMs, nowMs }: ChangeOptions,
): PlacementChanges {
  const isPending = new Set(pending.map(({ site, video }) => keyOf(site, video)));
  const wanted = new Map(planned.copies.map(copy => [keyOf(copy.site, copy.video), copy]));
  const known = new Set<string>();
  const changes: PlacementChange[] = [];
  const leaving: StoredAssignment[] = [];
  for (const row of state.stored) {
    const { site, video } = row;
    const key = keyOf(site, video);
    known.add(key);
    if (isPending.has(key)) continue;
    const now = wanted.get(key);
    if (!now) {
      if (row.isWanted) leaving.push(row);
    } else if (!row.isWanted || row.endsAtMs !== undefined || row.reason.code !== now.why.code) {
      changes.push({ site, video, wanted: true, reason: now.why });
    }
  }
  for (const [key, { site, video, why }] of wanted) {
    if (!known.has(key)) changes.push({ site, video, wanted: true, reason: why });
  }
  const ends: PlacementEnd[] = [];
  let nextEndMs = Number.POSITIVE_INFINITY;
  const mayStay = createSpaceCheck(state, planned);
  for (const row of leaving) {
    const { site, video } = row;
    const endsAtMs = row.endsAtMs ?? nowMs + retentionMs;
    if (endsAtMs <= nowMs || !mayStay(row)) {
      changes.push({ site, video, wanted: false, reason: notWanted() });
      continue;
    }
    if (row.endsAtMs === undefined) ends.push({ site, video, endsAtMs });
    nextEndMs = Math.min(nextEndMs, endsAtMs);
  }
  return { changes, ends, nextEndMs };
}

/**
 * A copy that no rule requires stays for a while only if its video still exists, its site has free space, and the limits of the
 * site permit it next to the planned copies.
 */
function createSpaceCheck(
  { videos, copies, sites }: PlanInput,
  planned: Plan,
): (row: StoredAssignment) => boolean {
  const sizes = new Map(videos.map(({ id, sizeBytes }) => [id, sizeBytes]));
  const stored = new Map(copies.map(({ site, video, sizeBytes }) => [keyOf(site, video), sizeBytes]));
  const full = new Set(sites.filter(({ freeBytes }) => freeBytes === 0).map(({ id }) => id));
  const used = new Map<SiteId, number>();
  const add = (site: SiteId, video: VideoId): number => {
    const sum = (used.get(site) ?? 0) + (stored.get(keyOf(site, video)) ?? sizes.get(video) ?? 0);
    used.set(site, sum);
    return sum;
  };
  for (const { site, video } of planned.copies) add(site, video);
  return ({ site, video }) =>
    sizes.has(video) &&
    !full.has(site) &&
    add(site, video) <= (planned.limits.get(site) ?? Number.POSITIVE_INFINITY);
}

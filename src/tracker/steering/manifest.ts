/** Steering manifests for HLS (RFC 8216bis, section 7.1) and DASH (ETSI TS 103 998), which have one form. Pure. */
import type { VideoId } from '../../protocol/ids.ts';
import type { PathwayClone, SteeringManifest } from '../../protocol/tracker.ts';
import { isWorthMoving, isWorthReturning, LEAST_GAIN } from '../choice/choose.ts';

/** The inline first manifest: a TTL that runs out before the player has loaded makes some players never ask again. */
export const FIRST_TTL_S = 15;
const CALM_TTL_S = 4;
const TROUBLED_TTL_S = 2;

/** A site that is offered now, best first in a list of them. */
export interface Standing {
  readonly id: string;
  readonly score: number;
  /** Up, but its last probe failed, or viewers fail there. */
  readonly isDoubtful?: boolean;
  /** Since when it has been up. */
  readonly upMs?: number | undefined;
}

export interface Playing {
  /** The pathway that the player is on. */
  readonly current?: string | undefined;
  /** 0–1: how good a reason this session needs to move. */
  readonly patience?: number | undefined;
  /** Since it last changed sites. */
  readonly movedMsAgo?: number | undefined;
  /** The site that it is or was on for its merits: when it had to leave it, it comes back as soon as that is the best again. */
  readonly home?: string | undefined;
  /** How often it left a site by itself: the more often, the longer it stays away. */
  readonly departures?: number | undefined;
}

/**
 * The session's pathways in the order of now. Those that are down, or known no more, come last but are never missing:
 * a player that finds a pathway of its own unlisted may give up (Shaka does).
 */
export function orderPathways(
  standings: readonly Standing[],
  pathways: readonly string[],
  playing: Playing = {},
): readonly string[] {
  const wanted = new Set(pathways);
  const order = arrange(
    standings.filter(({ id }) => wanted.has(id)),
    playing,
  );
  const placed = new Set(order.map(({ id }) => id));
  return [...placed, ...[...wanted].filter(pathway => !placed.has(pathway))];
}

/** Best first, but a player that has no reason to go stays. May name one twice. */
function arrange(
  offered: readonly Standing[],
  { current, patience = 0.5, movedMsAgo, home, departures }: Playing,
): readonly Standing[] {
  const [best] = offered;
  const stay = offered.find(({ id }) => id === current);
  if (!best || !stay) return offered;
  if (best.id !== home || best.isDoubtful)
    return isWorthMoving(best, stay, patience, movedMsAgo) ? offered : [stay, ...offered];
  // A player that cannot follow home yet shall find itself where it is, not at a third site.
  return isWorthReturning(patience, best.upMs, movedMsAgo, departures)
    ? [best, stay, ...offered]
    : [stay, ...offered];
}

/** A site that is ill, or was good until lately, is not forgotten; one that has long been worse than the present one is. */
export function findHome(
  standings: readonly Standing[],
  current: string | undefined,
  home: string | undefined,
  movedMsAgo: number,
): string | undefined {
  if (home === undefined) return current;
  const now = standings.find(({ id }) => id === current);
  const before = standings.find(({ id }) => id === home);
  if (!now || !before || before.isDoubtful || movedMsAgo < SETTLED_MS) return home;
  return now.score - before.score > LEAST_GAIN ? now.id : home;
}
const SETTLED_MS = 300_000;

/** Never longer than what a player has buffered, and short while something is wrong or a player is on its way. */
export function chooseTtl(
  standings: readonly Standing[],
  pathways: readonly string[],
  isSettled = true,
): number {
  const well = new Set(standings.filter(({ isDoubtful }) => !isDoubtful).map(({ id }) => id));
  return isSettled && pathways.every(pathway => well.has(pathway)) ? CALM_TTL_S : TROUBLED_TTL_S;
}

export function makeManifest(
  order: readonly string[],
  ttlSeconds: number,
  reloadUri: string,
  clones: readonly PathwayClone[] = [],
): SteeringManifest {
  return {
    VERSION: 1,
    TTL: ttlSeconds,
    'RELOAD-URI': reloadUri,
    'PATHWAY-PRIORITY': [...order],
    ...(clones.length > 0 ? { 'PATHWAY-CLONES': [...clones] } : {}),
  };
}

export interface SteeringSession {
  readonly video: VideoId;
  readonly session: string;
  /** The pathways of its playlist travel along, its home first, so that any tracker can steer it, also one that has just started. */
  readonly pathways: readonly string[];
  /** The address that the viewer claimed, where that is believed. */
  readonly client?: string | undefined;
  /** What the viewer shows for a private video. */
  readonly grant?: string | undefined;
}

/** Absolute, because a manifest in a `data:` URI has nothing that a relative address could be resolved against. */
export function formatSteerUri(trackerUrl: string, steering: SteeringSession): string {
  const { video, session, pathways, client, grant } = steering;
  const claim =
    (client === undefined ? '' : `&client=${encodeURIComponent(client)}`) +
    (grant === undefined ? '' : `&grant=${encodeURIComponent(grant)}`);
  return `${trackerUrl}/steer/${video}?session=${encodeURIComponent(session)}&pathways=${pathways.join('.')}${claim}`;
}

/** Steering manifests for HLS (RFC 8216bis, section 7.1) and DASH (ETSI TS 103 998), which share one format. Pure. */
import type { VideoId } from '../../protocol/base/ids.ts';
import type { PathwayClone, SteeringManifest } from '../../protocol/tracker.ts';
import { isWorthReturning, isWorthSwitching, LEAST_GAIN } from '../choice/choose.ts';

/** TTL of the inline first manifest. If it expires before the player has loaded, some players never request another one. */
export const FIRST_TTL_S = 15;
const CALM_TTL_S = 4;
const TROUBLED_TTL_S = 2;

/** An offered site. Lists of them are sorted, best first. */
export interface RankedPathway {
  readonly id: string;
  readonly score: number;
  /** The site is up, but its last probe failed or viewers fail there. */
  readonly isDegraded?: boolean;
  /** Time since the site came up. */
  readonly upMs?: number | undefined;
}

export interface PlaybackPosition {
  /** The pathway that the player uses. */
  readonly current?: string | undefined;
  /** 0–1: random number of the session, which determines the gain for which it switches. */
  readonly sessionRandom?: number | undefined;
  /** Time since the player last switched sites. */
  readonly sinceSwitchMs?: number | undefined;
  /** The site that serves the session best, or did until it failed: the player returns to it as soon as it is best again. */
  readonly primary?: string | undefined;
  /** How often steering moved the session away from a healthy primary site. Each doubles the time until it returns. */
  readonly switches?: number | undefined;
}

/**
 * The session's pathways in their current order. Pathways that are down or unknown come last but are never omitted:
 * some players (Shaka) give up if their pathway is not listed.
 */
export function orderPathways(
  ranking: readonly RankedPathway[],
  pathways: readonly string[],
  playing: PlaybackPosition = {},
): readonly string[] {
  const wanted = new Set(pathways);
  const order = arrange(
    ranking.filter(({ id }) => wanted.has(id)),
    playing,
  );
  const placed = new Set(order.map(({ id }) => id));
  return [...placed, ...[...wanted].filter(pathway => !placed.has(pathway))];
}

/** Best first, except that a player without a reason to switch stays at its site. The result may contain a site twice. */
function arrange(
  offered: readonly RankedPathway[],
  { current, sessionRandom = 0.5, sinceSwitchMs, primary, switches }: PlaybackPosition,
): readonly RankedPathway[] {
  const [best] = offered;
  const stay = offered.find(({ id }) => id === current);
  if (!best || !stay) return offered;
  if (best.id !== primary || best.isDegraded)
    return isWorthSwitching(best, stay, sessionRandom, sinceSwitchMs) ? offered : [stay, ...offered];
  // A player that cannot return to its primary site yet should stay where it is rather than move to a third site.
  return isWorthReturning(sessionRandom, best.upMs, sinceSwitchMs, switches)
    ? [best, stay, ...offered]
    : [stay, ...offered];
}

/**
 * Finds the primary site of a session. A site that is degraded or was good until recently remains primary; one that has
 * been worse than the current site for a long time does not.
 */
export function findPrimary(
  ranking: readonly RankedPathway[],
  current: string | undefined,
  primary: string | undefined,
  sinceSwitchMs: number,
): string | undefined {
  if (primary === undefined) return current;
  const now = ranking.find(({ id }) => id === current);
  const before = ranking.find(({ id }) => id === primary);
  if (!now || !before || before.isDegraded || sinceSwitchMs < STABLE_MS) return primary;
  return now.score - before.score > LEAST_GAIN ? now.id : primary;
}
const STABLE_MS = 300_000;

/** The TTL is never longer than a player's buffer, and short while a site is degraded or a player is switching. */
export function chooseTtl(
  ranking: readonly RankedPathway[],
  pathways: readonly string[],
  isInPlace = true,
): number {
  const healthy = new Set(ranking.filter(({ isDegraded }) => !isDegraded).map(({ id }) => id));
  return isInPlace && pathways.every(pathway => healthy.has(pathway)) ? CALM_TTL_S : TROUBLED_TTL_S;
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

export interface SteeringUri {
  readonly video: VideoId;
  readonly session: string;
  /**
   * The pathways of the playlist, the primary one first. They are part of the URI, so that any tracker can steer the
   * session, including one that has just started.
   */
  readonly pathways: readonly string[];
  /** The address in `?client=`, if the tracker trusts that parameter. */
  readonly client?: string | undefined;
  /** The grant for a private video. */
  readonly grant?: string | undefined;
}

/** The URI is absolute, because a manifest in a `data:` URI has no base for relative addresses. */
export function formatSteerUri(trackerUrl: string, steering: SteeringUri): string {
  const { video, session, pathways, client, grant } = steering;
  const claim =
    (client === undefined ? '' : `&client=${encodeURIComponent(client)}`) +
    (grant === undefined ? '' : `&grant=${encodeURIComponent(grant)}`);
  return `${trackerUrl}/steer/${video}?session=${encodeURIComponent(session)}&pathways=${pathways.join('.')}${claim}`;
}

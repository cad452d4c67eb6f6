/** Steering manifests for HLS (RFC 8216bis, section 7.1) and DASH (ETSI TS 103 998), which have one form. Pure. */
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import type { SteeringManifest } from '../../protocol/tracker.ts';
import { isWorthMoving } from '../choice/choose.ts';

/** The inline first manifest: a TTL that runs out before the player has loaded makes some players never ask again. */
export const FIRST_TTL_S = 15;
const CALM_TTL_S = 5;
const TROUBLED_TTL_S = 2;

/** A site that is offered now, best first in a list of them. */
export interface Standing {
  readonly id: string;
  readonly score: number;
  /** Up, but its last probe failed, or viewers fail there. */
  readonly isDoubtful?: boolean;
}

export interface Playing {
  /** The pathway that the player is on. */
  readonly current?: string | undefined;
  /** 0–1: how good a reason this session needs to move. */
  readonly patience?: number | undefined;
  /** Since it last changed sites. */
  readonly movedMsAgo?: number | undefined;
}

/**
 * The session's pathways in the order of now. Those that are down, or known no more, come last but are never missing:
 * a player that finds a pathway of its own unlisted may give up (Shaka does).
 */
export function orderPathways(
  standings: readonly Standing[],
  pathways: readonly string[],
  { current, patience = 0.5, movedMsAgo }: Playing = {},
): readonly string[] {
  const wanted = new Set(pathways);
  const offered = standings.filter(({ id }) => wanted.has(id));
  const [best] = offered;
  const stay = offered.find(({ id }) => id === current);
  const isStaying = best && stay && !isWorthMoving(best, stay, patience, movedMsAgo);
  const order = isStaying ? [stay, ...offered.filter(each => each !== stay)] : offered;
  const placed = new Set(order.map(({ id }) => id));
  return [...placed, ...[...wanted].filter(pathway => !placed.has(pathway))];
}

/** Never longer than what a player has buffered, and short while something is wrong or was just changed. */
export function chooseTtl(standings: readonly Standing[], pathways: readonly string[]): number {
  const well = new Set(standings.filter(({ isDoubtful }) => !isDoubtful).map(({ id }) => id));
  return pathways.every(pathway => well.has(pathway)) ? CALM_TTL_S : TROUBLED_TTL_S;
}

export function makeManifest(
  order: readonly string[],
  ttlSeconds: number,
  reloadUri: string,
): SteeringManifest {
  return { VERSION: 1, TTL: ttlSeconds, 'RELOAD-URI': reloadUri, 'PATHWAY-PRIORITY': [...order] };
}

export interface SteeringSession {
  readonly video: VideoId;
  readonly session: string;
  /** The pathways of its playlist travel along, so that any tracker can steer it, also one that has just started. */
  readonly pathways: readonly SiteId[];
  /** The address that the viewer claimed, where that is believed. */
  readonly client?: string | undefined;
}

/** Absolute, because a manifest in a `data:` URI has nothing that a relative address could be resolved against. */
export function formatSteerUri(trackerUrl: string, steering: SteeringSession): string {
  const { video, session, pathways, client } = steering;
  const claim = client === undefined ? '' : `&client=${encodeURIComponent(client)}`;
  return `${trackerUrl}/steer/${video}?session=${encodeURIComponent(session)}&pathways=${pathways.join('.')}${claim}`;
}

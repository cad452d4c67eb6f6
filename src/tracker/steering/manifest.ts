/** Steering manifests for HLS (RFC 8216bis, section 7.1). Pure. */
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import type { SteeringManifest } from '../../protocol/tracker.ts';
import type { Ranked } from '../choice/choose.ts';

/** The inline first manifest: a TTL that runs out before the player has loaded makes some players never ask again. */
export const FIRST_TTL_S = 15;
const CALM_TTL_S = 5;
const TROUBLED_TTL_S = 2;

/**
 * The session's pathways in the order of now. Those that are down, or known no more, come last but are never missing:
 * a player that finds a pathway of its own unlisted may give up (Shaka does).
 *
 * A player stays where it is as long as nothing but load speaks for another site.
 */
export function orderPathways(
  ranking: readonly Ranked[],
  pathways: readonly string[],
  current?: string,
): readonly string[] {
  const wanted = new Set(pathways);
  const ranked = ranking.filter(({ site }) => wanted.has(site.id));
  const [best] = ranked;
  const stay = ranked.find(entry => entry.site.id === current);
  const order =
    stay?.offered && best && stay.place === best.place
      ? [stay, ...ranked.filter(entry => entry !== stay)]
      : ranked;
  const placed = new Set<string>(order.map(({ site }) => site.id));
  return [...placed, ...[...wanted].filter(pathway => !placed.has(pathway))];
}

export function makeManifest(
  ranking: readonly Ranked[],
  pathways: readonly string[],
  reloadUri: string,
  options: { readonly current?: string | undefined; readonly isFirst?: boolean } = {},
): SteeringManifest {
  const offered = new Set<string>(ranking.filter(entry => entry.offered).map(({ site }) => site.id));
  const isTroubled = pathways.some(pathway => !offered.has(pathway));
  return {
    VERSION: 1,
    TTL: options.isFirst ? FIRST_TTL_S : isTroubled ? TROUBLED_TTL_S : CALM_TTL_S,
    'RELOAD-URI': reloadUri,
    'PATHWAY-PRIORITY': [...orderPathways(ranking, pathways, options.current)],
  };
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
  const query = new URLSearchParams({ session: steering.session, pathways: steering.pathways.join('.') });
  if (steering.client !== undefined) query.set('client', steering.client);
  return `${trackerUrl}/steer/${steering.video}?${query}`;
}

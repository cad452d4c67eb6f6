/** Steering manifests for HLS (RFC 8216bis, section 7.1). Pure. */
import type { SiteId } from '../../protocol/ids.ts';
import type { SteeringManifest } from '../../protocol/tracker.ts';
import type { Ranked } from '../choice/choose.ts';

/** The inline first manifest: a TTL that runs out before the player has loaded makes some players never ask again. */
export const FIRST_TTL_S = 15;
const CALM_TTL_S = 5;
const TROUBLED_TTL_S = 2;

/**
 * All pathways in the order of now: those that are left out come last but are never missing, because a player that finds
 * none of its pathways listed gives up.
 *
 * A player stays where it is as long as nothing but load speaks for another site.
 */
export function orderPathways(ranking: readonly Ranked[], current?: string): readonly SiteId[] {
  const [best] = ranking;
  const stay = ranking.find(entry => entry.site.id === current);
  const order =
    stay?.offered && best && stay.place === best.place
      ? [stay, ...ranking.filter(entry => entry !== stay)]
      : ranking;
  return order.filter(({ site }) => site.active).map(({ site }) => site.id);
}

export function makeManifest(
  ranking: readonly Ranked[],
  reloadUri: string,
  options: { readonly current?: string | undefined; readonly isFirst?: boolean } = {},
): SteeringManifest {
  const isTroubled = ranking.some(entry => entry.site.active && !entry.offered);
  return {
    VERSION: 1,
    TTL: options.isFirst ? FIRST_TTL_S : isTroubled ? TROUBLED_TTL_S : CALM_TTL_S,
    'RELOAD-URI': reloadUri,
    'PATHWAY-PRIORITY': [...orderPathways(ranking, options.current)],
  };
}

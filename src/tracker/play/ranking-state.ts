/**
 * What the pure choice decides from, kept in step with what the tracker learns: the site table with central's change feed, the
 * states with the probes and the viewers' reports, the priors of the places that viewers are at.
 */
import { LRUCache } from 'lru-cache';
import type { SiteId } from '../../protocol/ids.ts';
import type { World } from '../choice/choose.ts';
import { makePriors, type Place, type Policy, type Priors } from '../choice/prior.ts';
import { makeSiteTable, SiteStates } from '../choice/sites.ts';
import type { Health } from '../probing/probes.ts';
import type { RegisteredSite } from '../registry/registry.ts';

/** Three arrays of numbers each: 1,000 sites make 24 KB. */
const MAX_PLACES = 2_048;

export interface SiteSource {
  readonly sites: readonly RegisteredSite[];
  /** Rises with every change of a site. */
  readonly sitesVersion: number;
}

export interface LiveWorld {
  /** As it is now; valid until the next turn of the event loop. */
  now(nowMs?: number): World;
  priors(place: Place): Priors;
  /** What the probes or the viewers say of this site has changed. */
  refresh(site: SiteId): void;
}

export function createWorld(
  registry: SiteSource,
  policy: Policy,
  healthOf: (site: SiteId) => Health,
  failureShareOf: (site: SiteId) => number,
): LiveWorld {
  let version = -1;
  let world: World = emptyWorld(policy);
  const priors = new LRUCache<string, { readonly at: Place['coordinates']; readonly priors: Priors }>({
    max: MAX_PLACES,
  });

  function set(index: number, site: SiteId): void {
    const { up, degraded, recoveryLeftMs, activeResponses, egressBps, egressLimitBps, servesViewers } =
      healthOf(site);
    const failureShare = failureShareOf(site);
    world.states.set(index, {
      up,
      proving: recoveryLeftMs > 0,
      degraded,
      activeResponses,
      egressBps,
      ownLimitBps: egressLimitBps,
      servesViewers,
      failureShare,
    });
  }
  function rebuild(): void {
    version = registry.sitesVersion;
    const table = makeSiteTable(registry.sites.map(site => ({ id: site.site, ...site })));
    world = { table, states: new SiteStates(table, world.states), policy };
    for (const [index, { id }] of table.facts.entries()) set(index, id);
    priors.clear();
  }
  const current = (): World => {
    if (version !== registry.sitesVersion) rebuild();
    return world;
  };

  return {
    now(nowMs = Date.now()) {
      const { states } = current();
      states.fade(nowMs);
      return world;
    },
    priors(place) {
      const { table } = current();
      const { coordinates, zoneSite } = place;
      // All viewers of a zone are at one place, and in hand is the very object that says where.
      const key = zoneSite ?? `${coordinates?.latitude} ${coordinates?.longitude}`;
      const found = priors.get(key);
      if (found && (zoneSite === undefined || found.at === coordinates)) return found.priors;
      const made = makePriors(table, place, policy);
      priors.set(key, { at: coordinates, priors: made });
      return made;
    },
    refresh(site) {
      const index = current().table.indexOf.get(site);
      if (index !== undefined) set(index, site);
    },
  };
}

function emptyWorld(policy: Policy): World {
  const table = makeSiteTable([]);
  return { table, states: new SiteStates(table), policy };
}

/**
 * The inputs of the pure choice, kept up to date: the site table follows central's change feed, the site states follow the probes
 * and the viewers' reports, and the priors are cached by location.
 */
import { LRUCache } from 'lru-cache';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { RankingState } from '../choice/choose.ts';
import { makePriors, type Place, type Policy, type Priors } from '../choice/prior.ts';
import { makeSiteTable, SiteStates } from '../choice/sites.ts';
import type { Health } from '../probing/site-health.ts';
import type { RegisteredSite } from '../registry/registry.ts';

/** Each location has three arrays of numbers: 24 KB for 1,000 sites. */
const MAX_LOCATIONS = 2_048;

export interface LiveRankingState {
  /** The current state; valid until the end of this turn of the event loop. */
  now(nowMs?: number): RankingState;
  priors(place: Place): Priors;
  /** Call this when the health of this site, or the viewers' reports on it, have changed. */
  refresh(site: SiteId): void;
}

export interface RankingStateDeps {
  readonly registry: {
    readonly sites: readonly RegisteredSite[];
    /** Incremented with every change of a site. */
    readonly sitesVersion: number;
  };
  readonly policy: Policy;
  readonly healthOf: (site: SiteId) => Health;
  readonly failureShareOf: (site: SiteId) => number;
}

export function createRankingState({
  registry,
  policy,
  healthOf,
  failureShareOf,
}: RankingStateDeps): LiveRankingState {
  let version = -1;
  let state: RankingState = emptyState(policy);
  const priors = new LRUCache<string, { readonly at: Place['coordinates']; readonly priors: Priors }>({
    max: MAX_LOCATIONS,
  });

  function update(index: number, site: SiteId): void {
    const { up, degraded, recoveryLeftMs, activeResponses, egressBps, egressLimitBps, servesViewers } =
      healthOf(site);
    state.states.set(index, {
      up,
      recovering: recoveryLeftMs > 0,
      degraded,
      activeResponses,
      egressBps,
      siteLimitBps: egressLimitBps,
      servesViewers,
      failureShare: failureShareOf(site),
    });
  }
  function rebuild(): void {
    version = registry.sitesVersion;
    const table = makeSiteTable(registry.sites.map(site => ({ id: site.site, ...site })));
    state = { table, states: new SiteStates(table, state.states), policy };
    for (const [index, { id }] of table.facts.entries()) update(index, id);
    priors.clear();
  }
  const current = (): RankingState => {
    if (version !== registry.sitesVersion) rebuild();
    return state;
  };

  return {
    now(nowMs = Date.now()) {
      const { states } = current();
      states.decay(nowMs);
      return state;
    },
    priors(place) {
      const { table } = current();
      const { coordinates, zone } = place;
      // All clients of a zone are at the same location and share the coordinates object.
      const key = zone?.site ?? `${coordinates?.latitude} ${coordinates?.longitude}`;
      const found = priors.get(key);
      if (found && (zone === undefined || found.at === coordinates)) return found.priors;
      const made = makePriors(table, place, policy);
      priors.set(key, { at: coordinates, priors: made });
      return made;
    },
    refresh(site) {
      const index = current().table.indexOf.get(site);
      if (index !== undefined) update(index, site);
    },
  };
}

function emptyState(policy: Policy): RankingState {
  const table = makeSiteTable([]);
  return { table, states: new SiteStates(table), policy };
}

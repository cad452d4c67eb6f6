/** Planned changes: the world as it would be, and the viewers of the last hour asked about it. Nothing of it is kept. */
import type { VideoId } from '../../protocol/ids.ts';
import type { DryRun, PlannedChange } from '../../protocol/tracker.ts';
import { type Holding, type Question, UNMEASURED, type World } from '../choice/choose.ts';
import { type Audience, dryRun } from '../choice/dry-run.ts';
import { makePriors, type Place, type Policy, type Priors } from '../choice/prior.ts';
import { makeSiteTable, SiteStates, UNSEEN_STATE } from '../choice/sites.ts';
import { findZone, makeZoneTable } from '../choice/zones.ts';
import type { Viewers } from '../client/viewers.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { LiveWorld } from '../play/ranking-state.ts';

/** The largest networks: the others together are a small share of the viewers. */
const MOST_NETWORKS = 5_000;
const USUAL_BITRATE_BPS = 4e6;

export interface PlanningMeans {
  readonly world: LiveWorld;
  readonly viewers: Viewers;
  readonly memory: NetworkMemory;
  /** A video to judge by, with its holders as places in the table; undefined: one that every site holds. */
  readonly holdingOf: (
    video: VideoId,
    world: World,
  ) => { readonly holding: Holding; readonly bitrateBps: number };
}

export function planChange(means: PlanningMeans, change: PlannedChange, video: VideoId | undefined): DryRun {
  const { memory, viewers } = means;
  const nowMs = Date.now();
  const before = means.world.now(nowMs);
  const after = changed(before, change);
  const zones = makeZoneTable(change.zones.map(({ site, prefix }) => ({ site, zone: [prefix] })));
  const everywhere = { full: before.table.facts.map((_, index) => index), partial: [] };
  const { holding, bitrateBps } = video
    ? means.holdingOf(video, before)
    : { holding: everywhere, bitrateBps: USUAL_BITRATE_BPS };
  const priorsAfter = new Map<string, Priors>();
  const priorsOf = (place: Place): Priors => {
    const key = JSON.stringify(place);
    const found = priorsAfter.get(key) ?? makePriors(after.table, place, after.policy);
    priorsAfter.set(key, found);
    return found;
  };

  const audiences = memory
    .viewers(nowMs)
    .slice(0, MOST_NETWORKS)
    .map(({ where, viewers: count }): Audience => {
      const address = where.prefix.split('/')[0] ?? '';
      const { viewer, place } = viewers.at(address);
      const common = { holding, bitrateBps, hash: 0 };
      const network = (world: World) => memory.network(where, undefined, world.table, nowMs) ?? UNMEASURED;
      const questionBefore: Question = {
        ...common,
        viewer,
        network: network(before),
        priors: means.world.priors(place),
      };
      const zone = findZone(zones, address);
      const coordinates = zone && after.table.facts[after.table.indexOf.get(zone.site) ?? -1]?.coordinates;
      const placeAfter = zone ? { zoneSite: zone.site, coordinates } : place;
      const questionAfter: Question = {
        ...common,
        holding: moveHolding(holding, before, after),
        viewer: zone ? { ...viewer, zone, coordinates } : viewer,
        network: network(after),
        priors: priorsOf(placeAfter),
      };
      return { viewers: count, before: questionBefore, after: questionAfter };
    });
  return dryRun(before, after, audiences);
}

/** The world with these sites otherwise; the order of the table may change with it. */
function changed(world: World, change: PlannedChange): World {
  const bySite = new Map(change.sites.map(each => [each.site, each]));
  const facts = world.table.facts.map(site => {
    const { down: _, site: __, ...planned } = bySite.get(site.id) ?? {};
    return { ...site, ...planned };
  });
  const table = makeSiteTable(facts);
  const states = new SiteStates(table, world.states);
  for (const [index, { id }] of table.facts.entries()) {
    const state = states.states[index] ?? UNSEEN_STATE;
    states.set(index, bySite.get(id)?.down ? { ...state, up: false, proving: false } : state);
  }
  return { table, states, policy: (change.policy as Policy | undefined) ?? world.policy };
}

function moveHolding({ full, partial }: Holding, from: World, to: World): Holding {
  const move = (indexes: readonly number[]): number[] =>
    indexes.flatMap(index => {
      const id = from.table.facts[index]?.id;
      return id === undefined ? [] : (to.table.indexOf.get(id) ?? []);
    });
  return { full: move(full), partial: move(partial) };
}

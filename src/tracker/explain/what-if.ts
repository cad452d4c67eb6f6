/** Simulates a planned change: applies it to a copy of the ranking state and ranks the viewers of the last hour. Nothing is stored. */
import type { VideoId } from '../../protocol/base/ids.ts';
import type { DryRun, PlannedChange } from '../../protocol/tracker.ts';
import type { Holding, Question, RankingState } from '../choice/choose.ts';
import { type Audience, dryRun } from '../choice/dry-run.ts';
import { makePriors, type Place, type Policy, type Priors } from '../choice/prior.ts';
import { makeSiteTable, SiteStates } from '../choice/sites.ts';
import { findZone, makeZoneTable } from '../choice/zones.ts';
import type { Viewers } from '../client/viewers.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { LiveRankingState } from '../play/ranking-state.ts';

/** Only the largest networks are simulated: the others have a small share of the viewers. */
const MAX_NETWORKS = 5_000;
const DEFAULT_BITRATE_BPS = 4e6;

export interface PlanDeps {
  readonly rankingState: LiveRankingState;
  readonly viewers: Viewers;
  readonly memory: NetworkMemory;
  /** The holders of a video, as indexes in the table, and its bitrate. */
  readonly holdingOf: (video: VideoId) => { readonly holding: Holding; readonly bitrateBps: number };
}

/** Without `video`, the change is simulated for a video that every site holds. */
export function planChange(deps: PlanDeps, change: PlannedChange, video: VideoId | undefined): DryRun {
  const { memory, viewers, rankingState } = deps;
  const nowMs = Date.now();
  const before = rankingState.now(nowMs);
  const after = applyChange(before, change);
  const zones = makeZoneTable(change.zones.map(({ site, prefix }) => ({ site, zone: [prefix] })));
  const everywhere = { full: before.table.facts.map((_, index) => index), partial: [] };
  const { holding, bitrateBps } = video
    ? deps.holdingOf(video)
    : { holding: everywhere, bitrateBps: DEFAULT_BITRATE_BPS };
  const priorsAfter = new Map<string, Priors>();
  const priorsOf = ({ coordinates, zone }: Place): Priors => {
    const key = JSON.stringify([coordinates, zone?.site]);
    const found = priorsAfter.get(key) ?? makePriors(after.table, { coordinates, zone }, after.policy);
    priorsAfter.set(key, found);
    return found;
  };

  const audiences = memory
    .viewers(nowMs)
    .slice(0, MAX_NETWORKS)
    .map(({ network, viewers: count }): Audience => {
      const address = network.prefix.split('/')[0] ?? '';
      const client = viewers.at(address);
      const common = { bitrateBps, hash: 0 };
      const estimatesIn = ({ table }: RankingState) => memory.estimatesFor({ network }, table, nowMs);
      const questionBefore: Question = {
        ...common,
        client,
        holding,
        network: estimatesIn(before),
        priors: rankingState.priors(client),
      };
      const zone = findZone(zones, address);
      const coordinates = zone && after.table.facts[after.table.indexOf.get(zone.site) ?? -1]?.coordinates;
      const clientAfter = zone ? { ...client, zone, coordinates } : client;
      const questionAfter: Question = {
        ...common,
        client: clientAfter,
        holding: translateHolding(holding, before, after),
        network: estimatesIn(after),
        priors: priorsOf(clientAfter),
      };
      return { viewers: count, before: questionBefore, after: questionAfter };
    });
  return dryRun(before, after, audiences);
}

/** The state after the change. The order of its table may differ. */
function applyChange(state: RankingState, change: PlannedChange): RankingState {
  const bySite = new Map(change.sites.map(each => [each.site, each]));
  const facts = state.table.facts.map(site => {
    const { down: _, site: __, ...planned } = bySite.get(site.id) ?? {};
    return { ...site, ...planned };
  });
  const table = makeSiteTable(facts);
  const states = new SiteStates(table, state.states);
  for (const [index, { id }] of table.facts.entries()) {
    const current = states.of(index);
    states.set(index, bySite.get(id)?.down ? { ...current, up: false, recovering: false } : current);
  }
  return { table, states, policy: (change.policy as Policy | undefined) ?? state.policy };
}

/** Translates table indexes from one state to another. */
function translateHolding({ full, partial }: Holding, from: RankingState, to: RankingState): Holding {
  const translate = (indexes: readonly number[]): number[] =>
    indexes.flatMap(index => {
      const id = from.table.facts[index]?.id;
      return id === undefined ? [] : (to.table.indexOf.get(id) ?? []);
    });
  return { full: translate(full), partial: translate(partial) };
}

/** The simulated trackers: the real choice and memory under each policy, a random choice, and an oracle that knows the truth. */
import type { SiteId } from '../../../src/protocol/base/ids.ts';
import {
  choose,
  type Holding,
  type Question,
  type RankedSite,
  type RankingState,
  rank,
} from '../../../src/tracker/choice/choose.ts';
import { findExploration, withExploration } from '../../../src/tracker/choice/explore.ts';
import { makePriors, type Policy, type Priors } from '../../../src/tracker/choice/prior.ts';
import { chooseSamples } from '../../../src/tracker/choice/probe-selection.ts';
import { makeSiteTable, SiteStates } from '../../../src/tracker/choice/sites.ts';
import { prefixOf, widerNetworkOf } from '../../../src/tracker/client/network-prefix.ts';
import {
  NetworkMemory,
  type Sample,
  type ViewerNetwork,
} from '../../../src/tracker/memory/network-memory.ts';
import { orderForSession, rankingOf } from '../../../src/tracker/steering/order.ts';
import type { Truth } from './network.ts';
import type { Random } from './random.ts';
import { TOP_BITRATE_BPS, type Viewing } from './viewing.ts';

export const TRACKERS = ['nearest', 'best-network', 'auto', 'random', 'oracle'] as const;
export type TrackerName = (typeof TRACKERS)[number];

export interface SimulatedTracker {
  /** The site for a viewer who starts. */
  start(viewing: Viewing, nowMs: number): number;
  /** The site for a viewer during playback. */
  steer(viewing: Viewing, nowMs: number): number;
  /** Probes the sites. */
  probe(nowMs: number): void;
  /** Reports the throughput of a segment from the viewer's site; 0: it was not received. */
  report(viewing: Viewing, bps: number, nowMs: number): void;
}

const OFFERED = 8;
/** Time for which the sites have been up when the first day begins. */
const LONG_UP_MS = 3_600_000;
const idOf = (site: number): SiteId => `00000000-0000-7000-8000-${String(site).padStart(12, '0')}` as SiteId;

export function createTracker(name: TrackerName, truth: Truth, random: Random): SimulatedTracker {
  if (name === 'oracle') return createOracle(truth);
  if (name === 'random') return createRandomChoice(truth, random);
  return createRealTracker(name, truth, random);
}

/** Greedy: sends every viewer to the site with the highest throughput at this moment. */
function createOracle(truth: Truth): SimulatedTracker {
  const best = (viewing: Viewing, nowMs: number): number => {
    const bps = truth.sites.map((_, site) =>
      truth.throughput(viewing.network, site, viewing.accessLinkBps, site === viewing.site, nowMs / 1_000),
    );
    const most = bps.indexOf(Math.max(...bps));
    const stays = (bps[viewing.site] ?? 0) >= 0.98 * (bps[most] ?? 0);
    return stays ? viewing.site : most;
  };
  return { start: best, steer: best, probe() {}, report() {} };
}

function createRandomChoice(truth: Truth, random: Random): SimulatedTracker {
  const up = (): readonly number[] => truth.sites.flatMap((site, index) => (site.isUp ? [index] : []));
  const any = (): number => {
    const sites = up();
    return sites[Math.floor(random.next() * sites.length)] ?? 0;
  };
  return {
    start: any,
    steer: viewing => (truth.sites[viewing.site]?.isUp ? viewing.site : any()),
    probe() {},
    report() {},
  };
}

function createRealTracker(policy: Policy, truth: Truth, random: Random): SimulatedTracker {
  const table = makeSiteTable(
    truth.sites.map(({ coordinates, uplinkBps, isLimitKnown }, site) => ({
      id: idOf(site),
      name: `Site ${site}`,
      coordinates,
      active: true,
      egressLimitBps: isLimitKnown ? uplinkBps : undefined,
    })),
  );
  const states = new SiteStates(table);
  const state: RankingState = { table, states, policy };
  const memory = new NetworkMemory();
  const all = table.facts.map((_, index) => index);
  const upSinceMs = all.map(() => -LONG_UP_MS);
  const siteOf = (index: number): SiteId => table.facts[index]?.id ?? idOf(index);
  const upMsOf = (id: string, nowMs: number): number => {
    const index = table.indexOf.get(id as SiteId) ?? 0;
    return states.of(index).up ? nowMs - (upSinceMs[index] as number) : 0;
  };
  // Every site holds the videos, because only the network is simulated.
  const holding: Holding = { full: all, partial: [] };
  const networks = truth.networks.map(({ address, coordinates, zoneSite }) => {
    const prefix = prefixOf(address) ?? '';
    const network: ViewerNetwork = { prefix, widerNetwork: widerNetworkOf(prefix) };
    // Without a zone, the location of a viewer is unknown.
    const place =
      zoneSite === undefined
        ? {}
        : { coordinates: truth.sites[zoneSite]?.coordinates, zone: { site: idOf(zoneSite) } };
    return { network, coordinates, priors: makePriors(table, place, policy), zoneSite };
  });

  function questionOf(viewing: Viewing, nowMs: number): Question {
    const { network, priors, zoneSite } = networks[viewing.network] as {
      network: ViewerNetwork;
      priors: Priors;
      zoneSite: number | undefined;
    };
    return {
      client: zoneSite === undefined ? {} : { zone: { site: idOf(zoneSite), prefix: network.prefix } },
      holding,
      bitrateBps: TOP_BITRATE_BPS,
      hash: Math.floor(viewing.sessionRandom * 2 ** 32),
      network: memory.estimatesFor({ network, reporterId: reporterIdOf(viewing) }, table, nowMs),
      priors,
    };
  }
  const reporterIdOf = (viewing: Viewing): number => Math.floor(viewing.sessionRandom * 2 ** 31);
  const networkOf = (viewing: Viewing): ViewerNetwork =>
    (networks[viewing.network] as (typeof networks)[number]).network;

  function sample(
    viewing: Viewing,
    { question, picks }: { readonly question: Question; readonly picks: readonly RankedSite[] },
    nowMs: number,
    isFirst: boolean,
  ): void {
    if (!isFirst && nowMs < viewing.sampleAtMs) return;
    const { primary: site } = viewing.session;
    const primary = site === undefined ? undefined : table.indexOf.get(site);
    const current = isFirst ? undefined : viewing.site;
    const { indexes, nextInS } = chooseSamples({ picks, question, current, primary, isFirst });
    viewing.sampleAtMs = nowMs + nextInS * 1_000;
    for (const index of indexes) {
      const bps = truth.throughput(
        viewing.network,
        index,
        viewing.accessLinkBps,
        index === viewing.site,
        nowMs / 1_000,
      );
      // A small sample is inaccurate.
      const measuredBps = bps * Math.exp(0.25 * random.normal());
      const outcome = bps > 0 ? { bps: measuredBps } : { failed: true };
      memory.record(
        networkOf(viewing),
        reporterIdOf(viewing),
        { site: idOf(index), weight: 0.5, ...outcome },
        nowMs,
      );
    }
  }

  return {
    start(viewing, nowMs) {
      states.decay(nowMs);
      const question = questionOf(viewing, nowMs);
      const picks = choose(state, question, OFFERED);
      const offered = withExploration(picks, findExploration(picks, question, viewing.sessionRandom));
      viewing.pathways = offered.map(({ index }) => index);
      const first = viewing.pathways[0] ?? 0;
      states.recordAssignment(first, TOP_BITRATE_BPS, nowMs);
      memory.recordViewer(networkOf(viewing), nowMs);
      viewing.session.primary = siteOf(picks[0]?.index ?? first);
      if (viewing.isOwnPlayer) sample(viewing, { question, picks }, nowMs, true);
      return first;
    },
    steer(viewing, nowMs) {
      states.decay(nowMs);
      const question = questionOf(viewing, nowMs);
      const picks = rank(state, question, viewing.pathways);
      if (viewing.isOwnPlayer) sample(viewing, { question, picks }, nowMs, false);
      const ranking = rankingOf({ state, question, picks }, nowMs, upMsOf);
      const sites = viewing.pathways.map(siteOf);
      const current = siteOf(viewing.site);
      const [first] = orderForSession(viewing.session, { ranking, sites, current }, nowMs);
      return first === undefined ? viewing.site : (table.indexOf.get(first as SiteId) ?? viewing.site);
    },
    probe(nowMs) {
      for (const [index, site] of truth.sites.entries()) {
        if (site.isUp && !states.of(index).up) upSinceMs[index] = nowMs;
        // Half of the viewers load at any moment, at their full throughput.
        const egressBps = Math.min(site.uplinkBps * site.health, site.viewers * 2.5e6);
        states.set(index, {
          up: site.isUp,
          degraded: false,
          activeResponses: site.viewers,
          egressBps,
          failureShare: 0,
        });
      }
    },
    report(viewing, bps, nowMs) {
      const site = idOf(viewing.site);
      const record = (sample: Omit<Sample, 'site'>): void =>
        memory.record(networkOf(viewing), reporterIdOf(viewing), { site, ...sample }, nowMs);
      if (bps <= 0) record({ failed: true, weight: 1 });
      else if (viewing.isOwnPlayer) record({ bps, weight: 1 });
      // Another player reports its running estimate, but not while it includes the previous site.
      else if (viewing.segmentsHere > 1) record({ bps: viewing.estimateBps, weight: 0.6 });
    },
  };
}

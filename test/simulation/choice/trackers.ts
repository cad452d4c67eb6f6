/** Who sends the viewers: the real choice with the real memory under each of its policies, chance, and one that knows the truth. */
import type { SiteId } from '../../../src/protocol/ids.ts';
import {
  choose,
  type Holding,
  type Pick,
  type Question,
  rank,
  type World,
} from '../../../src/tracker/choice/choose.ts';
import { exploring, findExploration } from '../../../src/tracker/choice/explore.ts';
import { makePriors, type Policy, type Priors } from '../../../src/tracker/choice/prior.ts';
import { chooseSamples } from '../../../src/tracker/choice/probe-selection.ts';
import { makeSiteTable, SiteStates } from '../../../src/tracker/choice/sites.ts';
import { NetworkMemory } from '../../../src/tracker/memory/network-memory.ts';
import { areaOf, prefixOf, type Where } from '../../../src/tracker/client/network-prefix.ts';
import { orderFor, standingsOf } from '../../../src/tracker/steering/order.ts';
import type { Truth } from './network.ts';
import type { Random } from './random.ts';
import { TOP_BITRATE_BPS, type Viewing } from './viewing.ts';

export const TRACKERS = ['nearest', 'best-network', 'auto', 'random', 'oracle'] as const;
export type TrackerName = (typeof TRACKERS)[number];

export interface SimulatedTracker {
  /** The sites for a viewer who begins, best first. */
  begin(viewing: Viewing, nowMs: number): number;
  /** The site for a viewer who plays. */
  steer(viewing: Viewing, nowMs: number): number;
  /** What the probes see. */
  probe(nowMs: number): void;
  /** A segment came, or not (0). `voice` tells viewers of one network apart. */
  report(viewing: Viewing, site: number, bps: number, voice: number, nowMs: number): void;
}

const OFFERED = 8;
/** How long sites have been up when the first day begins. */
const LONG_UP_MS = 3_600_000;
const idOf = (site: number): SiteId => `00000000-0000-7000-8000-${String(site).padStart(12, '0')}` as SiteId;

export function createTracker(name: TrackerName, truth: Truth, random: Random): SimulatedTracker {
  if (name === 'oracle') return createOracle(truth);
  if (name === 'random') return createChance(truth, random);
  return createReal(name, truth, random);
}

/** Greedy: every viewer where it gets most at this moment. */
function createOracle(truth: Truth): SimulatedTracker {
  const best = (viewing: Viewing, nowMs: number): number => {
    const bps = truth.sites.map((_, site) =>
      truth.throughput(viewing.network, site, viewing.accessLinkBps, site === viewing.site, nowMs / 1_000),
    );
    const most = bps.indexOf(Math.max(...bps));
    const stays = (bps[viewing.site] ?? 0) >= 0.98 * (bps[most] ?? 0);
    return stays ? viewing.site : most;
  };
  return { begin: best, steer: best, probe() {}, report() {} };
}

function createChance(truth: Truth, random: Random): SimulatedTracker {
  const up = (): readonly number[] => truth.sites.flatMap((site, index) => (site.isUp ? [index] : []));
  const any = (): number => {
    const sites = up();
    return sites[Math.floor(random.next() * sites.length)] ?? 0;
  };
  return {
    begin: any,
    steer: viewing => (truth.sites[viewing.site]?.isUp ? viewing.site : any()),
    probe() {},
    report() {},
  };
}

function createReal(policy: Policy, truth: Truth, random: Random): SimulatedTracker {
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
  const world: World = { table, states, policy };
  const memory = new NetworkMemory();
  const all = table.facts.map((_, index) => index);
  const upSinceMs = all.map(() => -LONG_UP_MS);
  const siteOf = (index: number): SiteId => table.facts[index]?.id ?? idOf(index);
  const upMsOf = (id: string, nowMs: number): number => {
    const index = table.indexOf.get(id as SiteId) ?? 0;
    return states.states[index]?.up ? nowMs - (upSinceMs[index] as number) : 0;
  };
  // Every site has the videos: what is simulated is the network.
  const holding: Holding = { full: all, partial: [] };
  const networks = truth.networks.map(({ address, coordinates, zoneSite }) => {
    const prefix = prefixOf(address) ?? '';
    const where: Where = { prefix, area: areaOf(prefix) };
    // Where no zone says so, nobody knows where a viewer is.
    const place =
      zoneSite === undefined
        ? {}
        : { coordinates: truth.sites[zoneSite]?.coordinates, zoneSite: idOf(zoneSite) };
    return { where, coordinates, priors: makePriors(table, place, policy), zoneSite };
  });

  function ask(viewing: Viewing, voice: number | undefined, nowMs: number): Question {
    const { where, priors, zoneSite } = networks[viewing.network] as {
      where: Where;
      priors: Priors;
      zoneSite: number | undefined;
    };
    return {
      viewer: zoneSite === undefined ? {} : { zone: { site: idOf(zoneSite), prefix: where.prefix } },
      holding,
      bitrateBps: TOP_BITRATE_BPS,
      hash: Math.floor(viewing.luck * 2 ** 32),
      network: memory.network(where, voice, table, nowMs),
      priors,
    };
  }
  const voiceOf = (viewing: Viewing): number => Math.floor(viewing.luck * 2 ** 31);

  function sample(
    viewing: Viewing,
    picks: readonly Pick[],
    question: Question,
    nowMs: number,
    isFirst: boolean,
  ): void {
    if (!isFirst && nowMs < viewing.sampleAtMs) return;
    const home = viewing.session.home === undefined ? undefined : table.indexOf.get(viewing.session.home);
    const current = isFirst ? undefined : viewing.site;
    const { indexes, nextInS } = chooseSamples(picks, question, current, isFirst, home);
    viewing.sampleAtMs = nowMs + nextInS * 1_000;
    const { where } = networks[viewing.network] as { where: Where };
    for (const index of indexes) {
      const bps = truth.throughput(
        viewing.network,
        index,
        viewing.accessLinkBps,
        index === viewing.site,
        nowMs / 1_000,
      );
      // A small sample errs.
      const told = bps * Math.exp(0.25 * random.normal());
      const observation = bps > 0 ? { bps: told } : { failed: true };
      memory.note(where, voiceOf(viewing), { site: idOf(index), weight: 0.5, ...observation }, nowMs);
    }
  }

  return {
    begin(viewing, nowMs) {
      states.fade(nowMs);
      const question = ask(viewing, voiceOf(viewing), nowMs);
      const picks = choose(world, question, OFFERED);
      const offered = exploring(picks, findExploration(picks, question, viewing.luck));
      viewing.pathways = offered.map(({ index }) => index);
      const first = viewing.pathways[0] ?? 0;
      states.noteSent(first, TOP_BITRATE_BPS, nowMs);
      memory.noteViewer((networks[viewing.network] as { where: Where }).where, nowMs);
      viewing.session.home = siteOf(picks[0]?.index ?? first);
      if (viewing.isOwnPlayer) sample(viewing, picks, question, nowMs, true);
      return first;
    },
    steer(viewing, nowMs) {
      states.fade(nowMs);
      const question = ask(viewing, voiceOf(viewing), nowMs);
      const picks = rank(world, question, viewing.pathways);
      if (viewing.isOwnPlayer) sample(viewing, picks, question, nowMs, false);
      const standings = standingsOf({ world, question, picks }, nowMs, upMsOf);
      const sites = viewing.pathways.map(siteOf);
      const [first] = orderFor(viewing.session, standings, sites, siteOf(viewing.site), nowMs);
      return first === undefined ? viewing.site : (table.indexOf.get(first as SiteId) ?? viewing.site);
    },
    probe(nowMs) {
      for (const [index, site] of truth.sites.entries()) {
        if (site.isUp && states.states[index]?.up === false) upSinceMs[index] = nowMs;
        // Half of the viewers load at any moment, as much as they get.
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
    report(viewing, site, bps, voice, nowMs) {
      const { where } = networks[viewing.network] as { where: Where };
      if (bps <= 0) memory.note(where, voice, { site: idOf(site), failed: true, weight: 1 }, nowMs);
      else if (viewing.isOwnPlayer) memory.note(where, voice, { site: idOf(site), bps, weight: 1 }, nowMs);
      // A foreign player's running estimate, and none while it is of the site before.
      else if (viewing.segmentsHere > 1)
        memory.note(where, voice, { site: idOf(site), bps: viewing.estimateBps, weight: 0.6 }, nowMs);
    },
  };
}

/** Simulates days of viewers under one tracker, step by step. The same seed gives the same conditions for every tracker. */
import { createTruth } from './network.ts';
import { createRandom } from './random.ts';
import { createTracker, type TrackerName } from './trackers.ts';
import { loadSegment, SEGMENT_S, TOP_BITRATE_BPS, type Viewing } from './viewing.ts';

export interface Scenario {
  readonly seed: number;
  readonly days: number;
  readonly sites: number;
  readonly networks: number;
  /** Number of viewers at the busiest hour. */
  readonly viewers: number;
}
export const FULL: Scenario = { seed: 1, days: 2, sites: 12, networks: 80, viewers: 120 };

export interface Result {
  readonly tracker: TrackerName;
  /** Mean throughput of the segments, as far as a player can use it. */
  readonly throughputBps: number;
  /** Mean bitrate of the segments. */
  readonly bitrateBps: number;
  /** Seconds of stalling per hour of viewing. */
  readonly stallSPerHour: number;
  /** Switches per hour of viewing. */
  readonly switchesPerHour: number;
  readonly segments: number;
}

const DAY_S = 86_400;
/** The simulation begins at eight in the morning. */
const MORNING_S = 28_800;
const MEAN_VIEWING_S = 900;
/** Higher throughput is of no use to a player that shows at most a quarter of it. */
const USEFUL_BPS = 4 * TOP_BITRATE_BPS;

export function simulate(tracker: TrackerName, scenario: Scenario): Result {
  const random = createRandom(scenario.seed * 7_919 + 1);
  const truth = createTruth(createRandom(scenario.seed), scenario.sites, scenario.networks);
  const arrivals = createRandom(scenario.seed * 104_729 + 3);
  const simulated = createTracker(tracker, truth, random);
  let viewings: Viewing[] = [];
  const sums = { throughput: 0, bitrate: 0, stallS: 0, segments: 0, switches: 0 };
  simulated.probe(0);

  for (let nowS = 0; nowS < scenario.days * DAY_S; nowS += SEGMENT_S) {
    const nowMs = nowS * 1_000;
    truth.advance(nowS);
    // The probes run one step behind, so an outage is noticed late.
    const hour = 0.55 - 0.45 * Math.cos((2 * Math.PI * (nowS + MORNING_S)) / DAY_S);
    const newcomers = poisson((scenario.viewers * hour * SEGMENT_S) / MEAN_VIEWING_S, arrivals.next);
    for (let n = 0; n < newcomers; n++) viewings.push(arrive(nowS));
    for (const viewing of viewings) watch(viewing, nowS);
    simulated.probe(nowMs);
    for (const viewing of viewings) steer(viewing, nowMs);
    viewings = viewings.filter(viewing => {
      const isLeft = viewing.endsAtS > nowS;
      if (!isLeft) addViewers(viewing.site, -1);
      return isLeft;
    });
  }
  const hours = (sums.segments * SEGMENT_S) / 3_600;
  return {
    tracker,
    throughputBps: sums.throughput / sums.segments,
    bitrateBps: sums.bitrate / sums.segments,
    stallSPerHour: sums.stallS / hours,
    switchesPerHour: sums.switches / hours,
    segments: sums.segments,
  };

  function arrive(nowS: number): Viewing {
    const network = Math.floor(arrivals.next() ** 1.5 * truth.networks.length);
    const base = truth.networks[network]?.accessLinkBps ?? 0;
    const accessLinkBps = base * Math.exp(0.25 * arrivals.normal());
    const endsAtS = nowS + arrivals.exponential(MEAN_VIEWING_S);
    const sessionRandom = arrivals.next();
    const viewing: Viewing = {
      network,
      accessLinkBps,
      endsAtS,
      sessionRandom,
      isOwnPlayer: arrivals.next() < 0.5,
      site: -1,
      estimateBps: 1e6,
      bufferS: 0,
      hasStarted: false,
      segmentsHere: 0,
      session: {
        sessionRandom,
        primary: undefined,
        switches: 0,
        preferred: undefined,
        refusals: 0,
        blocked: [],
        switchedAtMs: Number.NEGATIVE_INFINITY,
      },
      pathways: [],
      sampleAtMs: 0,
    };
    viewing.site = simulated.start(viewing, nowS * 1_000);
    addViewers(viewing.site, 1);
    return viewing;
  }

  function watch(viewing: Viewing, nowS: number): void {
    const bps = truth.throughput(viewing.network, viewing.site, viewing.accessLinkBps, true, nowS);
    const outcome = loadSegment(viewing, bps);
    sums.segments++;
    sums.throughput += Math.min(bps, USEFUL_BPS);
    sums.bitrate += outcome.bitrateBps;
    sums.stallS += outcome.stallS;
    simulated.report(viewing, bps, nowS * 1_000);
  }

  function steer(viewing: Viewing, nowMs: number): void {
    const next = simulated.steer(viewing, nowMs);
    if (next === viewing.site) return;
    sums.switches++;
    addViewers(viewing.site, -1);
    addViewers(next, 1);
    viewing.site = next;
    viewing.segmentsHere = 0;
    viewing.session.switchedAtMs = nowMs;
  }

  function addViewers(site: number, count: number): void {
    const at = truth.sites[site];
    if (at) at.viewers += count;
  }
}

function poisson(mean: number, next: () => number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = next(); product > limit; product *= next()) count++;
  return count;
}

/**
 * Decides which sites serve a client, and in which order. The decision is a pure function of the client, the sites that
 * hold the video, the current site states, the measurements between the client's network and the sites, and the time. A
 * score is a sum of logarithms of throughput, so that a factor of two has the same weight everywhere. `reasons.ts`
 * explains scores in sentences, only for the few sites in a response.
 */

import type { SiteId } from '../../protocol/base/ids.ts';
import type { Coordinates } from '../../protocol/central.ts';
import { distanceTermOf, type Policy, type Priors } from './prior.ts';
import type { SiteStates, SiteTable } from './sites.ts';

export interface ClientLocation {
  /** The site whose coverage zone contains the client's address, and the matching prefix. */
  readonly zone?: { readonly site: SiteId; readonly prefix: string } | undefined;
  readonly coordinates?: Coordinates | undefined;
  /** Autonomous system of the client's network. */
  readonly asn?: number | undefined;
  /** Set if the client is a site that fills its buffer: holders rank first for it, and it is never sent to itself. */
  readonly fillingSite?: SiteId | undefined;
}

/** The sites that can serve the video, as indexes in the site table. */
export interface Holding {
  /** Sites with the whole video: its origin and full copies. */
  readonly full: readonly number[];
  /** Sites with a part of the video, as their buffers report it. */
  readonly partial: readonly number[];
}

/** The measurements between the client's network and one site. */
export interface Measured {
  readonly index: number;
  /** Logarithm of bits per second: the median of the reports from this network. */
  readonly logBps: number;
  /** Weight of the estimate: the number of reports, each of which decays with its age. */
  readonly weight: number;
  /** Age of the newest report. */
  readonly ageMs: number;
  /** Expected throughput for the measured round trip. It replaces the expectation from the distance. */
  readonly logExpected?: number | undefined;
  /** A viewer on this network just failed at this site. */
  readonly failing: boolean;
}

export interface NetworkEstimates {
  readonly measured: readonly Measured[];
  /**
   * Logarithm of the best recent throughput of this network from any site: its access links allow no more. +∞ if
   * unknown.
   */
  readonly accessLinkLogBps: number;
}
export const UNMEASURED: NetworkEstimates = { measured: [], accessLinkLogBps: Number.POSITIVE_INFINITY };

export interface Question {
  readonly client: ClientLocation;
  readonly holding: Holding;
  /** Highest bitrate of the video. */
  readonly bitrateBps: number;
  /** Hash of the video. It decides between equal sites. */
  readonly hash: number;
  readonly network: NetworkEstimates;
  readonly priors: Priors;
}

/** The sites as a decision sees them. */
export interface RankingState {
  readonly table: SiteTable;
  readonly states: SiteStates;
  readonly policy: Policy;
}

export interface RankedSite {
  readonly index: number;
  readonly score: number;
}

/** A ranking and everything that explains it. */
export interface Decision {
  readonly state: RankingState;
  readonly question: Question;
  /** Offered sites, best first. */
  readonly picks: readonly RankedSite[];
}

/** Weight of the prior, in fresh reports. */
const PRIOR_WEIGHT = 0.5;
/** A site without measurements is expected to deliver slightly less than the best measured site. */
const CAUTION = Math.log(1.15);
/** For a site that must fetch what it serves. */
export const FILLING_TERM = Math.log(0.98);
export const PARTIAL_TERM = Math.log(0.99);
/** No site is left to fetch from: this site plays only the part in its buffer. */
const NO_SOURCE_TERM = Math.log(0.05);
const PARTIAL_NO_SOURCE_TERM = Math.log(0.3);
/** A site that fills its buffer is sent to a holder, at any distance. */
const FILLING_SITE_TERM = 1e5;
export const FAILING_TERM = -1e5;
/** A client benefits little from throughput above this multiple of the bitrate. */
const SUFFICIENT_TIMES_BITRATE = 4;
const SURPLUS_VALUE = 0.1;
/** Scores in the same step are equal. Failover order decides between them, then the video's hash. */
const STEPS_PER_E = 200;

/** Expected throughput of a site: the measurements, blended with the prior as far as there are few of them. */
export function expectedLog(prior: number, accessLinkLogBps: number, measured: Measured | undefined): number {
  const base = Math.min(measured?.logExpected ?? prior, accessLinkLogBps - CAUTION);
  if (!measured || measured.weight === 0) return base;
  return (PRIOR_WEIGHT * base + measured.weight * measured.logBps) / (PRIOR_WEIGHT + measured.weight);
}

/** The value of a throughput to a client: throughput above `sufficient` (`sufficientLog`) counts little. */
export const utilityOf = (logBps: number, sufficient: number): number =>
  logBps <= sufficient ? logBps : sufficient + (logBps - sufficient) * SURPLUS_VALUE;
/** Inverse of `utilityOf`: the expected throughput that has this utility. */
export const expectedForUtility = (utility: number, sufficient: number): number =>
  utility <= sufficient ? utility : sufficient + (utility - sufficient) / SURPLUS_VALUE;

export const sufficientLog = (bitrateBps: number): number => Math.log(bitrateBps * SUFFICIENT_TIMES_BITRATE);

export const isUp = ({ table, states }: RankingState, index: number): boolean =>
  table.active[index] === 1 && states.up[index] === 1;
/** True if a site with the whole video is up, so that the others can fetch from it. */
export function hasSource(state: RankingState, { full }: Holding): boolean {
  for (const index of full) if (isUp(state, index)) return true;
  return false;
}

/** Score of one site; undefined if the site is not offered. */
function scoreOf(state: RankingState, question: Question, index: number): number | undefined {
  const scoring = { state, question, isSourceUp: hasSource(state, question.holding) };
  return scoreWith(scoring, index, measuredOf(question.network, index));
}

export function measuredOf({ measured }: NetworkEstimates, index: number): Measured | undefined {
  for (const each of measured) if (each.index === index) return each;
  return undefined;
}

interface Scoring {
  readonly state: RankingState;
  readonly question: Question;
  /** A site with the whole video is up. */
  readonly isSourceUp: boolean;
}

function scoreWith(scoring: Scoring, index: number, measured: Measured | undefined): number | undefined {
  const { state, question, isSourceUp } = scoring;
  const { table, states, policy } = state;
  const { client, holding, network, priors } = question;
  const { fillingSite } = client;
  if (!isUp(state, index)) return undefined;
  if (fillingSite === undefined) {
    if (states.of(index).servesViewers === false) return undefined;
  } else if (table.facts[index]?.id === fillingSite) return undefined;
  let score = distanceTermOf(priors, index) + (states.terms[index] as number);
  if (policy !== 'nearest') {
    const expected = expectedLog(priors.expected[index] as number, network.accessLinkLogBps, measured);
    score += utilityOf(expected, sufficientLog(question.bitrateBps));
  }
  if (measured?.failing) score += FAILING_TERM;
  if (holding.full.includes(index)) {
    return fillingSite === undefined ? score : score + FILLING_SITE_TERM;
  }
  const isPartial = holding.partial.includes(index);
  if (isSourceUp) return score + (isPartial ? PARTIAL_TERM : FILLING_TERM);
  return score + (isPartial ? PARTIAL_NO_SOURCE_TERM : NO_SOURCE_TERM);
}

/**
 * Orders by score step, then by failover order, then by the video's hash, which distributes the videos over equal
 * sites. The order is total and the same on every tracker. A negative result ranks `a` first.
 */
const compare = (state: RankingState, question: Question, a: RankedSite, b: RankedSite): number =>
  stepOf(b.score) - stepOf(a.score) || tiesOf(state, question, a.index, b.index);
function tiesOf({ table }: RankingState, { hash }: Question, a: number, b: number): number {
  const { failoverOrder, hash: hashes } = table;
  return (
    (failoverOrder[a] as number) - (failoverOrder[b] as number) ||
    tieOf(hashes[b] as number, hash) - tieOf(hashes[a] as number, hash) ||
    a - b
  );
}
const stepOf = (score: number): number => Math.round(score * STEPS_PER_E);
const lowestOf = (step: number): number => (step - 0.5) / STEPS_PER_E;
/** The lowest score with which the site `index` ranks before `other`. */
export function lowestScoreBefore(
  state: RankingState,
  question: Question,
  index: number,
  other: RankedSite,
): number {
  const winsTie = tiesOf(state, question, index, other.index) < 0;
  const step = stepOf(other.score);
  return lowestOf(winsTie ? step : step + 1);
}
/** Rendezvous hashing: videos are distributed over equal sites, and each video stays at one of them. */
const tieOf = (siteHash: number, videoHash: number): number =>
  Math.imul(siteHash ^ videoHash, 0x9e3779b1) >>> 0;

/** Ranks these sites, best first, without those that are not offered. */
export function rank(
  state: RankingState,
  question: Question,
  indexes: readonly number[],
): readonly RankedSite[] {
  const picks: RankedSite[] = [];
  for (const index of indexes) {
    const score = scoreOf(state, question, index);
    if (score !== undefined) picks.push({ index, score });
  }
  return picks.sort((a, b) => compare(state, question, a, b));
}

/** `marks[index] === decision` if this decision has already scored the site with its individual inputs. */
let marks = new Uint32Array(0);
let decision = 0;

/**
 * Returns the best `count` of all sites, best first. If a site with the whole video is up, at least one is included,
 * because the others fetch from it.
 *
 * Scoring every site would be too slow, so sites are scanned in three groups, and a scan ends at the first site that cannot
 * enter the list:
 *
 * 1. sites with individual inputs (measurements, holders, the site of the zone, the requesting site): each is scored;
 * 2. other sites that are expected to exceed the access link: equal except for their own terms, so by term;
 * 3. the remaining sites: by prior.
 */
export function choose(state: RankingState, question: Question, count: number): readonly RankedSite[] {
  const { table, states, policy } = state;
  const { holding, network, priors } = question;
  if (marks.length < table.size || decision === 2 ** 32 - 1) {
    marks = new Uint32Array(table.size);
    decision = 0;
  }
  decision++;
  const best = new BestSites(state, question, count);
  const isSourceUp = hasSource(state, holding);
  const scoring = { state, question, isSourceUp };
  const offerSpecial = (index: number, measured: Measured | undefined): void => {
    if (marks[index] === decision) return;
    marks[index] = decision;
    const score = scoreWith(scoring, index, measured);
    if (score !== undefined) best.offer(index, score);
  };
  for (const measured of network.measured) offerSpecial(measured.index, measured);
  for (const index of holding.full) offerSpecial(index, undefined);
  for (const index of holding.partial) offerSpecial(index, undefined);
  if (priors.zoneSite >= 0) offerSpecial(priors.zoneSite, undefined);
  const { fillingSite } = question.client;
  const filling = fillingSite === undefined ? undefined : table.indexOf.get(fillingSite);
  if (filling !== undefined) offerSpecial(filling, undefined);

  const { bestFirst, bestFirstValues } = priors;
  const { byTerm, offered } = states;
  const usesThroughput = policy !== 'nearest';
  const sufficient = sufficientLog(question.bitrateBps);
  const notHeldTerm = isSourceUp ? FILLING_TERM : NO_SOURCE_TERM;
  // The access link limits what any site can deliver. All sites expected to exceed that limit are expected to deliver
  // exactly the limit. They are the first `limitedCount` of `bestFirst`.
  const accessLink = usesThroughput ? network.accessLinkLogBps - CAUTION : Number.POSITIVE_INFINITY;
  const limitedCount = countAbove(bestFirstValues, accessLink);
  // Only the terms of these sites differ among them, so the first sites by term are the best.
  for (let at = 0, left = limitedCount, utility = utilityOf(accessLink, sufficient); left > 0; at++) {
    const index = byTerm[at] as number;
    const score = utility + (offered[index] as number) + notHeldTerm;
    if (score < best.minScore) break;
    if (limitedCount < bestFirst.length && (priors.expected[index] as number) <= accessLink) continue;
    left--;
    if (marks[index] !== decision) best.offer(index, score);
  }
  // No site adds more to its prior than the largest term. Behind the first site that cannot enter the list, none can.
  const maxAdded = table.size === 0 ? 0 : (offered[byTerm[0] as number] as number) + notHeldTerm;
  for (let at = limitedCount; at < bestFirst.length; at++) {
    const value = bestFirstValues[at] as number;
    const priorScore = usesThroughput ? utilityOf(value, sufficient) : value;
    if (priorScore + maxAdded < best.minScore) break;
    const index = bestFirst[at] as number;
    const score = priorScore + (offered[index] as number) + notHeldTerm;
    if (score >= best.minScore && marks[index] !== decision) best.offer(index, score);
  }
  return withHolder(state, question, best.picks());
}

/** Counts the values above the limit. `values` is sorted, largest first. */
function countAbove(values: Float64Array, limit: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((values[middle] as number) > limit) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The best sites so far, best first. Most candidates do not enter the list and cost one comparison with its last entry. */
class BestSites {
  /** The lowest score that can still enter. Scores at the edge of a step are left to the comparison. */
  minScore = Number.MIN_SAFE_INTEGER;
  readonly #indexes: number[] = [];
  readonly #scores: number[] = [];
  readonly #state: RankingState;
  readonly #question: Question;
  readonly #count: number;
  /** Sort keys of the last entry once the list is full. */
  #lastStep = 0;
  #lastOrder = 0;
  #lastTie = 0;

  constructor(state: RankingState, question: Question, count: number) {
    this.#state = state;
    this.#question = question;
    this.#count = count;
  }

  offer(index: number, score: number): void {
    const { failoverOrder, hash } = this.#state.table;
    const step = stepOf(score);
    const indexes = this.#indexes;
    const scores = this.#scores;
    const isFull = indexes.length === this.#count;
    if (isFull) {
      if (step < this.#lastStep) return;
      const order = failoverOrder[index] as number;
      if (step === this.#lastStep && order >= this.#lastOrder) {
        if (order > this.#lastOrder) return;
        if (tieOf(hash[index] as number, this.#question.hash) < this.#lastTie) return;
        if (!this.#isBefore(step, index, indexes.length - 1)) return;
      }
    }
    let at = isFull ? indexes.length - 1 : indexes.length;
    for (; at > 0 && this.#isBefore(step, index, at - 1); at--) {
      indexes[at] = indexes[at - 1] as number;
      scores[at] = scores[at - 1] as number;
    }
    indexes[at] = index;
    scores[at] = score;
    if (indexes.length < this.#count) return;
    const last = indexes[this.#count - 1] as number;
    this.#lastStep = stepOf(scores[this.#count - 1] as number);
    this.#lastOrder = failoverOrder[last] as number;
    this.#lastTie = tieOf(hash[last] as number, this.#question.hash);
    this.minScore = lowestOf(this.#lastStep) - ROUNDING;
  }

  #isBefore(step: number, index: number, at: number): boolean {
    const other = stepOf(this.#scores[at] as number);
    if (step !== other) return step > other;
    return tiesOf(this.#state, this.#question, index, this.#indexes[at] as number) < 0;
  }

  picks(): readonly RankedSite[] {
    return this.#indexes.map((index, at) => ({ index, score: this.#scores[at] as number }));
  }
}
const ROUNDING = 1e-9;

function withHolder(
  state: RankingState,
  question: Question,
  best: readonly RankedSite[],
): readonly RankedSite[] {
  const { full } = question.holding;
  for (const { index } of best) if (full.includes(index)) return best;
  const [holder] = rank(state, question, full);
  return holder ? [...best.slice(0, -1), holder] : best;
}

/**
 * A player stays at its site unless another site is better by a margin. The margin depends on the session
 * (`sessionRandom`, 0–1), so that not all players switch at once, and is larger for a player that just switched.
 */
export const isWorthSwitching = (
  best: { readonly score: number },
  current: { readonly score: number },
  sessionRandom: number,
  sinceSwitchMs = Number.POSITIVE_INFINITY,
): boolean =>
  best.score - current.score >
  LEAST_GAIN + sessionRandom * RANDOM_GAIN + SWITCHED_GAIN * Math.exp(-sinceSwitchMs / SWITCHED_DECAY_MS);
export const LEAST_GAIN = Math.log(1.1);
const RANDOM_GAIN = Math.log(1.2);
const SWITCHED_GAIN = Math.log(2);
const SWITCHED_DECAY_MS = 30_000;

/**
 * A player that had to leave the best site returns after it has recovered, even for a small gain. It does not return at
 * once, not all players return together, and each switch doubles the delay.
 */
export const isWorthReturning = (
  sessionRandom: number,
  upMs = Number.POSITIVE_INFINITY,
  sinceSwitchMs = Number.POSITIVE_INFINITY,
  switches = 0,
): boolean =>
  upMs >= sessionRandom * RETURN_SPREAD_MS &&
  sinceSwitchMs >= Math.min(MAX_ABSENCE_MS, ABSENCE_MS * 2 ** switches);
const RETURN_SPREAD_MS = 10_000;
const ABSENCE_MS = 10_000;
const MAX_ABSENCE_MS = 300_000;

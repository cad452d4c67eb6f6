/**
 * The tracker's decision: which sites serve this viewer, in which order. A pure function of the viewer, who holds the video,
 * the sites as they are now, what was measured between the viewer's network and them, and the time. Scores are sums of
 * logarithms of throughput, so that "twice as good" weighs the same everywhere; why a site stands where it stands is put
 * into words by `reasons.ts`, for the few sites that are answered.
 */
import type { Coordinates } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';
import type { Policy, Priors } from './prior.ts';
import { DRAINED_TERM, type SiteStates, type SiteTable } from './sites.ts';

export interface Viewer {
  /** The site whose coverage zone holds the viewer's address, and by which prefix. */
  readonly zone?: { readonly site: SiteId; readonly prefix: string } | undefined;
  readonly coordinates?: Coordinates | undefined;
  /** Autonomous system of the viewer's network. */
  readonly asn?: number | undefined;
  /** A site's buffer that wants to fill: holders come first for it, and it is never sent to itself. */
  readonly fillingSite?: SiteId | undefined;
}

/** Who can serve the video, by their places in the site table. */
export interface Holding {
  /** The whole video: its origin, and full copies. */
  readonly full: readonly number[];
  /** Some of it, as the sites' buffers report. */
  readonly partial: readonly number[];
}

/** What was measured between the viewer's network and one site. */
export interface Measured {
  readonly index: number;
  /** Logarithm of bits a second: the median of what viewers of this network reported. */
  readonly logBps: number;
  /** How much that counts: reports, each fading with its age. */
  readonly weight: number;
  /** Age of the newest report. */
  readonly ageMs: number;
  /** A round trip that was measured says more than a distance. */
  readonly logExpected?: number | undefined;
  /** A viewer of this network has just failed there. */
  readonly failing: boolean;
}

export interface Network {
  readonly measured: readonly Measured[];
  /** Logarithm of the best that this network had lately from any site: its own lines allow no more. +∞: not known. */
  readonly lineLogBps: number;
}
export const UNMEASURED: Network = { measured: [], lineLogBps: Number.POSITIVE_INFINITY };

export interface Question {
  readonly viewer: Viewer;
  readonly holding: Holding;
  /** Of the video, at its best. */
  readonly bitrateBps: number;
  /** Tells videos apart where sites are equal. */
  readonly hash: number;
  readonly network: Network;
  readonly priors: Priors;
}

export interface World {
  readonly table: SiteTable;
  readonly states: SiteStates;
  readonly policy: Policy;
}

export interface Pick {
  readonly index: number;
  readonly score: number;
}

/** The prior counts as much as this many fresh reports. */
const PRIOR_WEIGHT = 0.5;
/** Of a site that nobody measured a little less is expected than of the best that somebody did. */
const CAUTION = Math.log(1.15);
/** A site that has to fetch what it serves. */
export const FILLING_TERM = Math.log(0.98);
export const PARTIAL_TERM = Math.log(0.99);
/** Nobody is left to fetch from: it plays what it has, or nothing. */
export const NO_SOURCE_TERM = Math.log(0.05);
export const PARTIAL_NO_SOURCE_TERM = Math.log(0.3);
/** A buffer that fills goes to a holder, wherever it is. */
const FILLING_SITE_TERM = 1e5;
export const FAILING_TERM = -1e5;
/** What a viewer can use: above it, more is worth less and less. */
const ENOUGH_TIMES_BITRATE = 4;
const BEYOND_ENOUGH = 0.1;
/** Scores in the same step are equal: failover order decides among them, then the video. */
const STEPS_PER_E = 200;

/** What is expected of a site, from what was measured and, as far as little was, from what is usual at its distance. */
export function expectedLog(prior: number, lineLogBps: number, measured: Measured | undefined): number {
  const base = Math.min(measured?.logExpected ?? prior, lineLogBps - CAUTION);
  if (!measured || measured.weight === 0) return base;
  return (PRIOR_WEIGHT * base + measured.weight * measured.logBps) / (PRIOR_WEIGHT + measured.weight);
}

export const useful = (logBps: number, enough: number): number =>
  logBps <= enough ? logBps : enough + (logBps - enough) * BEYOND_ENOUGH;
/** What has to be expected for so much use. */
export const expectedFor = (use: number, enough: number): number =>
  use <= enough ? use : enough + (use - enough) / BEYOND_ENOUGH;

export const enoughOf = (bitrateBps: number): number => Math.log(bitrateBps * ENOUGH_TIMES_BITRATE);

export const isUp = ({ table, states }: World, index: number): boolean =>
  table.active[index] === 1 && states.up[index] === 1;
/** Somebody is there from whom the others can fetch the video. */
export const hasSource = (world: World, { full }: Holding): boolean => full.some(index => isUp(world, index));

/** Score of one site; undefined where it is not offered. */
export function scoreOf(world: World, question: Question, index: number): number | undefined {
  const { table, states, policy } = world;
  const { viewer, holding, network, priors } = question;
  if (!isUp(world, index) || table.facts[index]?.id === viewer.fillingSite) return undefined;
  const measured = network.measured.find(each => each.index === index);
  let score = (priors.near[index] as number) + (states.terms[index] as number);
  if (policy !== 'nearest') {
    const expected = expectedLog(priors.expected[index] as number, network.lineLogBps, measured);
    score += useful(expected, enoughOf(question.bitrateBps));
  }
  if (measured?.failing) score += FAILING_TERM;
  if (holding.full.includes(index)) {
    if (viewer.fillingSite === undefined) return score;
    // Whether or not it takes viewers.
    return score + FILLING_SITE_TERM - (states.states[index]?.servesViewers === false ? DRAINED_TERM : 0);
  }
  const isPartial = holding.partial.includes(index);
  if (hasSource(world, holding)) return score + (isPartial ? PARTIAL_TERM : FILLING_TERM);
  return score + (isPartial ? PARTIAL_NO_SOURCE_TERM : NO_SOURCE_TERM);
}

/** What decides between two sites, found once for each. */
interface Ranked extends Pick {
  readonly step: number;
  readonly order: number;
  readonly tie: number;
}
const rankedOf = ({ table }: World, { hash }: Question, index: number, score: number): Ranked => ({
  index,
  score,
  step: stepOf(score),
  order: table.failoverOrder[index] as number,
  tie: tieOf(table.hash[index] as number, hash),
});
/** Before: negative. A total order, the same on every tracker: better by a step, then failover order, then by video. */
const compare = (a: Ranked, b: Ranked): number =>
  b.step - a.step || a.order - b.order || b.tie - a.tie || a.index - b.index;
const stepOf = (score: number): number => Math.round(score * STEPS_PER_E);
const lowestOf = (step: number): number => (step - 0.5) / STEPS_PER_E;
/** The lowest score with which the site `index` stands before `other`. */
export function leastBefore(world: World, question: Question, index: number, other: Pick): number {
  const rival = rankedOf(world, question, other.index, other.score);
  const winsTie = compare(rankedOf(world, question, index, other.score), rival) < 0;
  return lowestOf(winsTie ? rival.step : rival.step + 1);
}
/** Rendezvous hashing: equal sites share the videos, and each video stays with one of them. */
const tieOf = (siteHash: number, videoHash: number): number =>
  Math.imul(siteHash ^ videoHash, 0x9e3779b1) >>> 0;

/** These sites, best first; those that are not offered are left out. */
export function rank(world: World, question: Question, indexes: readonly number[]): readonly Pick[] {
  const picks: Ranked[] = [];
  for (const index of indexes) {
    const score = scoreOf(world, question, index);
    if (score !== undefined) picks.push(rankedOf(world, question, index, score));
  }
  return picks.sort(compare);
}

/** Which sites need more than a plain sum: set before the loop over all of them, cleared after it. */
let marks = new Uint8Array(0);

/**
 * The best `count` of all sites, best first. At least one that holds the whole video is among them where one is up: the
 * others fetch from it.
 */
export function choose(world: World, question: Question, count: number): readonly Pick[] {
  const { table, states, policy } = world;
  const { holding, network, priors } = question;
  if (marks.length < table.size) marks = new Uint8Array(table.size);
  const best = new Best(world, question, count);
  const special = listSpecial(world, question);
  for (const index of special) {
    if (marks[index] === 1) continue;
    marks[index] = 1;
    const score = scoreOf(world, question, index);
    if (score !== undefined) best.offer(index, score);
  }

  const { order, most } = priors;
  const { offered } = states;
  const measuring = policy !== 'nearest';
  const enough = enoughOf(question.bitrateBps);
  const unheld = hasSource(world, holding) ? FILLING_TERM : NO_SOURCE_TERM;
  const mostAdded = table.maxLogWeight + unheld;
  // The viewers' own line allows no more: all sites from which more could be expected are expected to give that.
  const line = measuring ? network.lineLogBps - CAUTION : Number.POSITIVE_INFINITY;
  const level = countAbove(most, line);
  let expected = useful(line, enough);
  for (let at = 0; at < order.length; at++) {
    if (at >= level) expected = measuring ? useful(most[at] as number, enough) : (most[at] as number);
    // Nothing adds more to what can be expected of a site than its weight: behind the first that cannot get in, none can.
    if (expected + mostAdded < best.least) break;
    const index = order[at] as number;
    const score = expected + (offered[index] as number) + unheld;
    if (score >= best.least && marks[index] === 0) best.offer(index, score);
  }
  for (const index of special) marks[index] = 0;
  return withHolder(world, question, best.picks);
}

/** How many of these, the largest first, are above the limit. */
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

/** Those of which more is known than how far they are. */
function listSpecial({ table }: World, { holding, network, priors, viewer }: Question): readonly number[] {
  const special = holding.full.concat(holding.partial);
  for (const { index } of network.measured) special.push(index);
  if (priors.favoured >= 0) special.push(priors.favoured);
  const filling = viewer.fillingSite === undefined ? undefined : table.indexOf.get(viewer.fillingSite);
  if (filling !== undefined) special.push(filling);
  return special;
}

/** The best so far, best first. */
class Best {
  readonly picks: Ranked[] = [];
  /** The lowest score that can still get in: what lies on the edge of a step, the comparison judges. */
  least = Number.MIN_SAFE_INTEGER;
  readonly #world: World;
  readonly #question: Question;
  readonly #count: number;

  constructor(world: World, question: Question, count: number) {
    this.#world = world;
    this.#question = question;
    this.#count = count;
  }

  offer(index: number, score: number): void {
    const { picks } = this;
    const ranked = rankedOf(this.#world, this.#question, index, score);
    const isFull = picks.length === this.#count;
    if (isFull && compare(ranked, picks[picks.length - 1] as Ranked) > 0) return;
    let at = isFull ? picks.length - 1 : picks.length;
    for (; at > 0 && compare(ranked, picks[at - 1] as Ranked) < 0; at--) picks[at] = picks[at - 1] as Ranked;
    picks[at] = ranked;
    if (picks.length === this.#count)
      this.least = lowestOf((picks[picks.length - 1] as Ranked).step) - ROUNDING;
  }
}
const ROUNDING = 1e-9;

function withHolder(world: World, question: Question, best: readonly Pick[]): readonly Pick[] {
  const { full } = question.holding;
  if (best.some(({ index }) => full.includes(index))) return best;
  const [holder] = rank(world, question, full);
  return holder ? [...best.slice(0, -1), holder] : best;
}

/**
 * A player that plays stays where it is unless another site is better by a good part. How good a part is differs from
 * session to session (`patience`, 0–1), so that not all of them move at once, and is more for a player that has just moved.
 */
export const isWorthMoving = (
  best: { readonly score: number },
  current: { readonly score: number },
  patience: number,
  movedMsAgo = Number.POSITIVE_INFINITY,
): boolean =>
  best.score - current.score >
  LEAST_GAIN + patience * PATIENCE_GAIN + MOVED_GAIN * Math.exp(-movedMsAgo / MOVED_FADE_MS);
export const LEAST_GAIN = Math.log(1.1);
const PATIENCE_GAIN = Math.log(1.2);
const MOVED_GAIN = Math.log(2);
const MOVED_FADE_MS = 30_000;

/**
 * A player that had to leave the best site comes back when that is well again, though the gain may be small: not at once, not
 * all of them together, and later each time that it fails there anew.
 */
export const isWorthReturning = (
  patience: number,
  upMs = Number.POSITIVE_INFINITY,
  movedMsAgo = Number.POSITIVE_INFINITY,
  departures = 0,
): boolean =>
  upMs >= patience * RETURN_SPREAD_MS &&
  movedMsAgo >= Math.min(LONGEST_ABSENCE_MS, ABSENCE_MS * 2 ** departures);
const RETURN_SPREAD_MS = 10_000;
const ABSENCE_MS = 10_000;
const LONGEST_ABSENCE_MS = 300_000;

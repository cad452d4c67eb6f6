/**
 * The tracker's decision: which sites serve this viewer, in which order. A pure function of the viewer, who holds the video,
 * the sites as they are now, what was measured between the viewer's network and them, and the time. Scores are sums of
 * logarithms of throughput, so that "twice as good" weighs the same everywhere; why a site stands where it stands is put
 * into words by `reasons.ts`, for the few sites that are answered.
 */
import type { Coordinates } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { nearOf, type Policy, type Priors } from './prior.ts';
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
export function hasSource(world: World, { full }: Holding): boolean {
  for (const index of full) if (isUp(world, index)) return true;
  return false;
}

/** Score of one site; undefined where it is not offered. */
export function scoreOf(world: World, question: Question, index: number): number | undefined {
  const measured = measuredOf(question.network, index);
  return scoreWith(world, question, index, measured, hasSource(world, question.holding));
}

export function measuredOf({ measured }: Network, index: number): Measured | undefined {
  for (const each of measured) if (each.index === index) return each;
  return undefined;
}

function scoreWith(
  world: World,
  question: Question,
  index: number,
  measured: Measured | undefined,
  isSourceUp: boolean,
): number | undefined {
  const { table, states, policy } = world;
  const { viewer, holding, network, priors } = question;
  const { fillingSite } = viewer;
  if (!isUp(world, index)) return undefined;
  if (fillingSite !== undefined && table.facts[index]?.id === fillingSite) return undefined;
  let score = nearOf(priors, index) + (states.terms[index] as number);
  if (policy !== 'nearest') {
    const expected = expectedLog(priors.expected[index] as number, network.lineLogBps, measured);
    score += useful(expected, enoughOf(question.bitrateBps));
  }
  if (measured?.failing) score += FAILING_TERM;
  if (holding.full.includes(index)) {
    if (fillingSite === undefined) return score;
    // Whether or not it takes viewers.
    return score + FILLING_SITE_TERM - (states.states[index]?.servesViewers === false ? DRAINED_TERM : 0);
  }
  const isPartial = holding.partial.includes(index);
  if (isSourceUp) return score + (isPartial ? PARTIAL_TERM : FILLING_TERM);
  return score + (isPartial ? PARTIAL_NO_SOURCE_TERM : NO_SOURCE_TERM);
}

/**
 * Before: better by a step, then by failover order, then by the video, which equal sites share. A total order, the same on
 * every tracker. Negative: the first of the two comes first.
 */
const compare = (world: World, question: Question, a: Pick, b: Pick): number =>
  stepOf(b.score) - stepOf(a.score) || tiesOf(world, question, a.index, b.index);
function tiesOf({ table }: World, { hash }: Question, a: number, b: number): number {
  const { failoverOrder, hash: hashes } = table;
  return (
    (failoverOrder[a] as number) - (failoverOrder[b] as number) ||
    tieOf(hashes[b] as number, hash) - tieOf(hashes[a] as number, hash) ||
    a - b
  );
}
const stepOf = (score: number): number => Math.round(score * STEPS_PER_E);
const lowestOf = (step: number): number => (step - 0.5) / STEPS_PER_E;
/** The lowest score with which the site `index` stands before `other`. */
export function leastBefore(world: World, question: Question, index: number, other: Pick): number {
  const winsTie = tiesOf(world, question, index, other.index) < 0;
  const step = stepOf(other.score);
  return lowestOf(winsTie ? step : step + 1);
}
/** Rendezvous hashing: equal sites share the videos, and each video stays with one of them. */
const tieOf = (siteHash: number, videoHash: number): number =>
  Math.imul(siteHash ^ videoHash, 0x9e3779b1) >>> 0;

/** These sites, best first; those that are not offered are left out. */
export function rank(world: World, question: Question, indexes: readonly number[]): readonly Pick[] {
  const picks: Pick[] = [];
  for (const index of indexes) {
    const score = scoreOf(world, question, index);
    if (score !== undefined) picks.push({ index, score });
  }
  return picks.sort((a, b) => compare(world, question, a, b));
}

/** Which sites need more than a plain sum: those that bear the number of this decision. */
let marks = new Uint32Array(0);
let decision = 0;

/**
 * The best `count` of all sites, best first. At least one that holds the whole video is among them where one is up: the
 * others fetch from it.
 */
export function choose(world: World, question: Question, count: number): readonly Pick[] {
  const { table, states, policy } = world;
  const { holding, network, priors } = question;
  if (marks.length < table.size || decision === 2 ** 32 - 1) {
    marks = new Uint32Array(table.size);
    decision = 0;
  }
  decision++;
  const best = new Best(world, question, count);
  const isSourceUp = hasSource(world, holding);
  const offerSpecial = (index: number, measured: Measured | undefined): void => {
    if (marks[index] === decision) return;
    marks[index] = decision;
    const score = scoreWith(world, question, index, measured, isSourceUp);
    if (score !== undefined) best.offer(index, score);
  };
  // Those of which more is known than how far they are; what was measured is in hand.
  for (const measured of network.measured) offerSpecial(measured.index, measured);
  for (const index of holding.full) offerSpecial(index, undefined);
  for (const index of holding.partial) offerSpecial(index, undefined);
  if (priors.favoured >= 0) offerSpecial(priors.favoured, undefined);
  const { fillingSite } = question.viewer;
  const filling = fillingSite === undefined ? undefined : table.indexOf.get(fillingSite);
  if (filling !== undefined) offerSpecial(filling, undefined);

  const { order, most } = priors;
  const { byTerm, offered } = states;
  const measuring = policy !== 'nearest';
  const enough = enoughOf(question.bitrateBps);
  const unheld = isSourceUp ? FILLING_TERM : NO_SOURCE_TERM;
  // The viewers' own line allows no more: all sites from which more could be expected are expected to give that.
  const line = measuring ? network.lineLogBps - CAUTION : Number.POSITIVE_INFINITY;
  const level = countAbove(most, line);
  // Among them the sites' own terms decide, so the first by their terms are the best.
  for (let at = 0, left = level, expected = useful(line, enough); left > 0; at++) {
    const index = byTerm[at] as number;
    const score = expected + (offered[index] as number) + unheld;
    if (score < best.least) break;
    if (level < order.length && (priors.expected[index] as number) <= line) continue;
    left--;
    if (marks[index] !== decision) best.offer(index, score);
  }
  // Nothing adds more to what can be expected of a site than its term: behind the first that cannot get in, none can.
  const mostAdded = table.size === 0 ? 0 : (offered[byTerm[0] as number] as number) + unheld;
  for (let at = level; at < order.length; at++) {
    const expected = measuring ? useful(most[at] as number, enough) : (most[at] as number);
    if (expected + mostAdded < best.least) break;
    const index = order[at] as number;
    const score = expected + (offered[index] as number) + unheld;
    if (score >= best.least && marks[index] !== decision) best.offer(index, score);
  }
  return withHolder(world, question, best.picks());
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

/** The best so far, best first. Most that are offered do not get in, and cost no more than a look at the last. */
class Best {
  /** The lowest score that can still get in: what lies on the edge of a step, the comparison judges. */
  least = Number.MIN_SAFE_INTEGER;
  readonly #indexes: number[] = [];
  readonly #scores: number[] = [];
  readonly #world: World;
  readonly #question: Question;
  readonly #count: number;
  /** Of the last, once there is no more room. */
  #lastStep = 0;
  #lastOrder = 0;
  #lastTie = 0;

  constructor(world: World, question: Question, count: number) {
    this.#world = world;
    this.#question = question;
    this.#count = count;
  }

  offer(index: number, score: number): void {
    const { failoverOrder, hash } = this.#world.table;
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
    this.least = lowestOf(this.#lastStep) - ROUNDING;
  }

  #isBefore(step: number, index: number, at: number): boolean {
    const other = stepOf(this.#scores[at] as number);
    if (step !== other) return step > other;
    return tiesOf(this.#world, this.#question, index, this.#indexes[at] as number) < 0;
  }

  picks(): readonly Pick[] {
    return this.#indexes.map((index, at) => ({ index, score: this.#scores[at] as number }));
  }
}
const ROUNDING = 1e-9;

function withHolder(world: World, question: Question, best: readonly Pick[]): readonly Pick[] {
  const { full } = question.holding;
  for (const { index } of best) if (full.includes(index)) return best;
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

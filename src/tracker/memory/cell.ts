/** What the viewers of one network said of one site: a few reporters, each fading with its age, and their median. Pure. */
import type { SiteId } from '../../protocol/ids.ts';

export interface Observation {
  readonly site: SiteId;
  /** Throughput, bits a second. */
  readonly bps?: number | undefined;
  readonly rttMs?: number | undefined;
  /** The player got nothing from this site. */
  readonly failed?: boolean | undefined;
  /** 0–1: how much a report of this kind counts. */
  readonly weight: number;
  /** Heard from another tracker. */
  readonly isHearsay?: boolean | undefined;
  /** How many reporters it speaks for: another tracker has heard several. */
  readonly reporters?: number | undefined;
}

export interface Reporter {
  readonly who: number;
  /** NaN until it has told one. */
  logBps: number;
  rttMs: number;
  weight: number;
  atMs: number;
  readonly isHearsay: boolean;
  /** How many it speaks for. */
  count: number;
}
export interface Cell {
  readonly site: SiteId;
  readonly reporters: Reporter[];
  readonly failures: { readonly who: number; readonly atMs: number }[];
}

export interface Estimate {
  /** Logarithm of bits a second; undefined where nobody spoke. */
  readonly logBps: number | undefined;
  readonly weight: number;
  readonly ageMs: number;
}

/** A report counts half as much after so long. */
const HALF_LIFE_MS = 180_000;
/** Of two reports of one reporter in short order, how much the newer counts: players' figures are means already. */
const NEWER_SHARE = 0.7;
const SAME_SPELL_MS = 60_000;
const FAILING_MS = 20_000;
const MAX_FAILURES = 4;
const MIN_BPS = 8_000;
const MAX_BPS = 10e9;
const MIN_RTT_MS = 0.1;
const MAX_RTT_MS = 5_000;

/** @returns what the reporter now says of this site's throughput, smoothed; undefined where that is not new. */
export function speak(
  cell: Cell,
  who: number,
  told: Observation,
  maxVoices: number,
  nowMs: number,
): number | undefined {
  if (told.failed) noteFailure(cell, who, nowMs);
  const logBps = Math.log(clamp(told.bps, MIN_BPS, MAX_BPS));
  const rttMs = clamp(told.rttMs, MIN_RTT_MS, MAX_RTT_MS);
  if (Number.isNaN(logBps) && Number.isNaN(rttMs)) return undefined;
  const reporter = findVoice(cell, who, told.isHearsay ?? false, maxVoices, nowMs);
  if (!reporter || nowMs < reporter.atMs) return undefined;
  const share = nowMs - reporter.atMs < SAME_SPELL_MS ? NEWER_SHARE : 1;
  reporter.logBps = blend(reporter.logBps, logBps, share);
  reporter.rttMs = blend(reporter.rttMs, rttMs, share);
  reporter.weight = told.weight;
  reporter.count = told.reporters ?? 1;
  reporter.atMs = nowMs;
  // A viewer that is served again has not failed for good.
  if (!told.failed && !Number.isNaN(logBps)) remove(cell.failures, each => each.who === who);
  return Number.isNaN(logBps) ? undefined : reporter.logBps;
}

const clamp = (value: number | undefined, least: number, most: number): number =>
  value === undefined || !Number.isFinite(value) ? Number.NaN : Math.min(most, Math.max(least, value));
const blend = (before: number, now: number, share: number): number =>
  Number.isNaN(now) ? before : Number.isNaN(before) ? now : before + share * (now - before);

function noteFailure({ failures }: Cell, who: number, nowMs: number): void {
  remove(failures, each => each.who === who);
  if (failures.length >= MAX_FAILURES) failures.shift();
  failures.push({ who, atMs: nowMs });
}

function remove<T>(list: T[], is: (each: T) => boolean): void {
  const at = list.findIndex(is);
  if (at >= 0) list.splice(at, 1);
}

/** The reporter of this address; a new one takes the place of the one that was silent longest. */
function findVoice(
  { reporters }: Cell,
  who: number,
  isHearsay: boolean,
  max: number,
  nowMs: number,
): Reporter | undefined {
  const found = reporters.find(each => each.who === who);
  if (found) return found;
  if (reporters.length >= max) {
    const oldest = reporters.reduce((a, b) => (b.atMs < a.atMs ? b : a));
    if (oldest.atMs > nowMs) return undefined;
    reporters.splice(reporters.indexOf(oldest), 1);
  }
  const reporter: Reporter = {
    who,
    logBps: Number.NaN,
    rttMs: Number.NaN,
    weight: 0,
    atMs: 0,
    isHearsay,
    count: 1,
  };
  reporters.push(reporter);
  return reporter;
}

/** Room to sort a few numbers in, and what belongs to each: made once, because every report sorts some. */
const sorted: number[] = [];
const weights: number[] = [];
/** Puts a value where it belongs among the first `count`. */
function insert(count: number, value: number, weight: number): void {
  let at = count;
  for (; at > 0 && (sorted[at - 1] as number) > value; at--) {
    sorted[at] = sorted[at - 1] as number;
    weights[at] = weights[at - 1] as number;
  }
  sorted[at] = value;
  weights[at] = weight;
}

const all = (): boolean => true;
const asTold = ({ logBps }: Reporter): number => logBps;

/**
 * Weighted median of the reporters: one that lies is outvoted by two that do not. `counts`: which reporters; `read`: as what they
 * are heard.
 */
export function estimate(
  { reporters }: Pick<Cell, 'reporters'>,
  nowMs: number,
  counts: (reporter: Reporter) => boolean = all,
  read: (reporter: Reporter) => number = asTold,
): Estimate {
  let count = 0;
  let total = 0;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const reporter of reporters) {
    if (Number.isNaN(reporter.logBps) || !counts(reporter)) continue;
    const weight = reporter.weight * leftOf(Math.max(0, nowMs - reporter.atMs));
    insert(count++, read(reporter), weight);
    total += weight;
    newestMs = Math.max(newestMs, reporter.atMs);
  }
  if (count === 0) return NOTHING;
  return { logBps: weightedMedian(count, total), weight: total, ageMs: Math.max(0, nowMs - newestMs) };
}
/** Of what nobody spoke. */
export const NOTHING: Estimate = { logBps: undefined, weight: 0, ageMs: Number.POSITIVE_INFINITY };

/** Of the first `count` that were inserted. */
function weightedMedian(count: number, total: number): number {
  let sum = 0;
  for (let at = 0; at < count - 1; at++) {
    sum += weights[at] as number;
    if (sum * 2 === total) return ((sorted[at] as number) + (sorted[at + 1] as number)) / 2;
    if (sum * 2 > total) return sorted[at] as number;
  }
  return sorted[count - 1] as number;
}

/** What is left of the weight of a report after so long. */
export const leftOf = (ms: number): number => 2 ** (-ms / HALF_LIFE_MS);

/** Median of the round trips; undefined where nobody measured one. */
export function rttOfCell({ reporters }: Cell): number | undefined {
  let count = 0;
  for (const { rttMs } of reporters) if (!Number.isNaN(rttMs)) insert(count++, rttMs, 0);
  return count === 0 ? undefined : sorted[count >> 1];
}

/** Its own failure is enough for a viewer; others believe two. */
export function isFailing(cell: Cell, who: number | undefined, nowMs: number): boolean {
  let recent = 0;
  for (const failure of cell.failures) {
    if (nowMs - failure.atMs >= FAILING_MS) continue;
    if (failure.who === who || ++recent >= 2) return true;
  }
  return false;
}

/** Until when those believe it fails who have not failed there themselves. */
export function failingUntilMs({ failures }: Cell): number {
  const [, second] = failures.map(({ atMs }) => atMs).sort((a, b) => b - a);
  return second === undefined ? Number.NEGATIVE_INFINITY : second + FAILING_MS;
}

/** When a viewer last failed there; −∞: not lately. */
export const failedAtMs = ({ failures }: Cell, nowMs: number): number =>
  failures.reduce(
    (last, { atMs }) => (nowMs - atMs < FAILING_MS ? Math.max(last, atMs) : last),
    Number.NEGATIVE_INFINITY,
  );

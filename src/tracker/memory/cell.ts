/**
 * The samples of one site from the viewers of one network: a few reporters, whose weights decay with age, and their
 * weighted median. Pure.
 */
import type { SiteId } from '../../protocol/base/ids.ts';

/** One measurement of a site. */
export interface Sample {
  readonly site: SiteId;
  /** Throughput, bits per second. */
  readonly bps?: number | undefined;
  readonly rttMs?: number | undefined;
  /** The player received nothing from this site. */
  readonly failed?: boolean | undefined;
  /** 0–1: the weight of this kind of report. */
  readonly weight: number;
  /** The sample comes from another tracker. */
  readonly isFromPeer?: boolean | undefined;
  /** Number of reporters that the sample represents; another tracker aggregates several. */
  readonly reporters?: number | undefined;
}

/** The smoothed samples of one reporter. */
export interface Reporter {
  readonly reporterId: number;
  /** NaN until it has reported a throughput. */
  logBps: number;
  rttMs: number;
  weight: number;
  atMs: number;
  readonly isFromPeer: boolean;
  /** Number of viewers that this reporter represents. */
  count: number;
}
export interface Cell {
  readonly site: SiteId;
  readonly reporters: Reporter[];
  readonly failures: { readonly reporterId: number; readonly atMs: number }[];
}

export interface Estimate {
  /** Logarithm of bits per second; undefined without samples. */
  readonly logBps: number | undefined;
  readonly weight: number;
  readonly ageMs: number;
}

/** The weight of a sample halves in this time. */
const HALF_LIFE_MS = 180_000;
/** Share of the newer of two samples that one reporter sends in short order: players already report averages. */
const NEWER_SHARE = 0.7;
const SAME_PERIOD_MS = 60_000;
const FAILING_MS = 20_000;
const MAX_FAILURES = 4;
const MIN_BPS = 8_000;
const MAX_BPS = 10e9;
const MIN_RTT_MS = 0.1;
const MAX_RTT_MS = 5_000;

interface NewSample {
  readonly reporterId: number;
  readonly sample: Sample;
  readonly maxReporters: number;
  readonly nowMs: number;
}

/** @returns the smoothed throughput of this reporter; undefined if the sample did not change it. */
export function recordSample(
  cell: Cell,
  { reporterId, sample, maxReporters, nowMs }: NewSample,
): number | undefined {
  if (sample.failed) recordFailure(cell, reporterId, nowMs);
  const logBps = Math.log(clamp(sample.bps, MIN_BPS, MAX_BPS));
  const rttMs = clamp(sample.rttMs, MIN_RTT_MS, MAX_RTT_MS);
  if (Number.isNaN(logBps) && Number.isNaN(rttMs)) return undefined;
  const reporter = findReporter(cell, { reporterId, sample, maxReporters, nowMs });
  if (!reporter || nowMs < reporter.atMs) return undefined;
  const share = nowMs - reporter.atMs < SAME_PERIOD_MS ? NEWER_SHARE : 1;
  reporter.logBps = blend(reporter.logBps, logBps, share);
  reporter.rttMs = blend(reporter.rttMs, rttMs, share);
  reporter.weight = sample.weight;
  reporter.count = sample.reporters ?? 1;
  reporter.atMs = nowMs;
  // A viewer that is served again no longer counts as failing.
  if (!sample.failed && !Number.isNaN(logBps)) remove(cell.failures, each => each.reporterId === reporterId);
  return Number.isNaN(logBps) ? undefined : reporter.logBps;
}

const clamp = (value: number | undefined, least: number, most: number): number =>
  value === undefined || !Number.isFinite(value) ? Number.NaN : Math.min(most, Math.max(least, value));
const blend = (before: number, now: number, share: number): number =>
  Number.isNaN(now) ? before : Number.isNaN(before) ? now : before + share * (now - before);

function recordFailure({ failures }: Cell, reporterId: number, nowMs: number): void {
  remove(failures, each => each.reporterId === reporterId);
  if (failures.length >= MAX_FAILURES) failures.shift();
  failures.push({ reporterId, atMs: nowMs });
}

function remove<T>(list: T[], is: (each: T) => boolean): void {
  const at = list.findIndex(is);
  if (at >= 0) list.splice(at, 1);
}

/** Finds this reporter, or replaces the one with the oldest sample. */
function findReporter(
  { reporters }: Cell,
  { reporterId, sample, maxReporters, nowMs }: NewSample,
): Reporter | undefined {
  const found = reporters.find(each => each.reporterId === reporterId);
  if (found) return found;
  if (reporters.length >= maxReporters) {
    const oldest = reporters.reduce((a, b) => (b.atMs < a.atMs ? b : a));
    if (oldest.atMs > nowMs) return undefined;
    reporters.splice(reporters.indexOf(oldest), 1);
  }
  const reporter: Reporter = {
    reporterId,
    logBps: Number.NaN,
    rttMs: Number.NaN,
    weight: 0,
    atMs: 0,
    isFromPeer: sample.isFromPeer ?? false,
    count: 1,
  };
  reporters.push(reporter);
  return reporter;
}

/** Scratch arrays to sort a few values with their weights. They are allocated once, because every sample sorts some. */
const sorted: number[] = [];
const weights: number[] = [];
/** Inserts a value into the first `count` sorted values. */
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
const asReported = ({ logBps }: Reporter): number => logBps;

/**
 * Weighted median of the reporters: two honest ones outvote a false one. `counts` selects the reporters; `read` maps
 * each to its value.
 */
export function estimate(
  { reporters }: Pick<Cell, 'reporters'>,
  nowMs: number,
  counts: (reporter: Reporter) => boolean = all,
  read: (reporter: Reporter) => number = asReported,
): Estimate {
  let count = 0;
  let total = 0;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const reporter of reporters) {
    if (Number.isNaN(reporter.logBps) || !counts(reporter)) continue;
    const weight = reporter.weight * remainingWeight(Math.max(0, nowMs - reporter.atMs));
    insert(count++, read(reporter), weight);
    total += weight;
    newestMs = Math.max(newestMs, reporter.atMs);
  }
  if (count === 0) return NO_ESTIMATE;
  return { logBps: weightedMedian(count, total), weight: total, ageMs: Math.max(0, nowMs - newestMs) };
}
/** The estimate without samples. */
export const NO_ESTIMATE: Estimate = { logBps: undefined, weight: 0, ageMs: Number.POSITIVE_INFINITY };

/** Median of the first `count` inserted values. */
function weightedMedian(count: number, total: number): number {
  let sum = 0;
  for (let at = 0; at < count - 1; at++) {
    sum += weights[at] as number;
    if (sum * 2 === total) return ((sorted[at] as number) + (sorted[at + 1] as number)) / 2;
    if (sum * 2 > total) return sorted[at] as number;
  }
  return sorted[count - 1] as number;
}

/** Remaining share of a sample's weight after this time. */
export const remainingWeight = (ms: number): number => 2 ** (-ms / HALF_LIFE_MS);

/** Median of the round trips; undefined if none was measured. */
export function rttOfCell({ reporters }: Cell): number | undefined {
  let count = 0;
  for (const { rttMs } of reporters) if (!Number.isNaN(rttMs)) insert(count++, rttMs, 0);
  return count === 0 ? undefined : sorted[count >> 1];
}

/** A viewer's own failure is enough for itself; for others, two failures are needed. */
export function isFailing(cell: Cell, reporterId: number | undefined, nowMs: number): boolean {
  let recent = 0;
  for (const failure of cell.failures) {
    if (nowMs - failure.atMs >= FAILING_MS) continue;
    if (failure.reporterId === reporterId || ++recent >= 2) return true;
  }
  return false;
}

/** Time until which the site counts as failing for viewers that have not failed there themselves. */
export function failingUntilMs({ failures }: Cell): number {
  const [, second] = failures.map(({ atMs }) => atMs).sort((a, b) => b - a);
  return second === undefined ? Number.NEGATIVE_INFINITY : second + FAILING_MS;
}

/** Time of the last recent failure; −∞ if there is none. */
export const failedAtMs = ({ failures }: Cell, nowMs: number): number =>
  failures.reduce(
    (last, { atMs }) => (nowMs - atMs < FAILING_MS ? Math.max(last, atMs) : last),
    Number.NEGATIVE_INFINITY,
  );

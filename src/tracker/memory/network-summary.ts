/**
 * What a network hears of the sites: the reporters of each cell as parts of their own lines, and who is believed how much. Found
 * once, it holds until somebody speaks (and a little longer where a whole neighbourhood does): all weights fade alike, and so
 * do all lines, so what it is later is arithmetic. Kept as a row of numbers, because a tracker remembers more networks than a
 * processor's cache holds. Pure; time is an argument.
 */
import type { SiteTable } from '../choice/sites.ts';
import { Lines, QUORUM } from './access-link-baseline.ts';
import {
  type Cell,
  type Estimate,
  estimate,
  failingUntilMs,
  leftOf,
  NOTHING,
  type Reporter,
  rttOfCell,
} from './cell.ts';

const FEW_WEIGHT = 0.25;

/** The reporters of a cell as parts of their own lines. */
export const shareOf = (cell: Pick<Cell, 'reporters'>, lines: Lines, nowMs: number): Estimate =>
  estimate(
    cell,
    nowMs,
    undefined,
    reporter => reporter.logBps - (lines.own(reporter.who, nowMs) ?? reporter.logBps),
  );
/** The same of one reporter alone. */
export const shareOfOne = (reporter: Reporter, lines: Lines, nowMs: number): Estimate =>
  shareOf({ reporters: [reporter] }, lines, nowMs);

export const strangersIn = ({ reporters }: Cell, who: number | undefined): number =>
  reporters.reduce((sum, reporter) => sum + (reporter.who === who ? 0 : reporter.count), 0);

/** One stranger may lie, and is not heard; two count little, and not for more than double or half. */
export function withQuorum(heard: Estimate, strangers: number): Estimate {
  if (strangers >= QUORUM || heard.logBps === undefined) return heard;
  if (strangers < 2) return NOTHING;
  return { ...heard, logBps: atMostDouble(heard.logBps), weight: FEW_WEIGHT * heard.weight };
}
const atMostDouble = (log: number): number => Math.min(Math.LN2, Math.max(-Math.LN2, log));

/** The numbers of one site in the row. */
const FIELDS = 8;
const INDEX = 0;
const SHARE = 1;
const WEIGHT = 2;
const NEWEST_MS = 3;
const RTT_MS = 4;
const FAILING_UNTIL_MS = 5;
const STRANGERS = 6;
const VOICES = 7;

/** What a viewer hears who has not spoken. */
export class Ear {
  readonly count: number;
  readonly #table: SiteTable;
  readonly #atMs: number;
  readonly #row: Float64Array;
  /** Who has spoken here: they hear themselves besides. */
  readonly #reporters: Float64Array;
  /** The middle line of those who speak here; NaN where nobody has one. */
  readonly #lineLogBps: number;
  readonly #isLineUsual: boolean;

  constructor(cells: readonly Cell[], lines: Lines, table: SiteTable, nowMs: number) {
    this.#table = table;
    this.#atMs = nowMs;
    const known = cells.filter(({ site }) => table.indexOf.has(site));
    this.count = known.length;
    this.#row = Float64Array.from(
      known.flatMap(cell => {
        const { logBps = Number.NaN, weight, ageMs } = shareOf(cell, lines, nowMs);
        const index = table.indexOf.get(cell.site) ?? -1;
        const rttMs = rttOfCell(cell) ?? Number.NaN;
        return [
          index,
          logBps,
          weight,
          nowMs - ageMs,
          rttMs,
          failingUntilMs(cell),
          strangersIn(cell, undefined),
          cell.reporters.length,
        ];
      }),
    );
    const speakers = cells.flatMap(({ reporters, failures }) =>
      [...reporters, ...failures].map(({ who }) => who),
    );
    this.#reporters = Float64Array.from(new Set([...speakers, ...lines.reporters()]));
    this.#lineLogBps = lines.middle(nowMs) ?? Number.NaN;
    this.#isLineUsual = lines.usual(undefined, nowMs) !== undefined;
  }

  /** Of these sites, and not older than that. */
  holds(table: SiteTable, nowMs: number, forMs: number): boolean {
    return this.#table === table && nowMs >= this.#atMs && nowMs - this.#atMs < forMs;
  }

  hasSpoken(who: number): boolean {
    return this.#reporters.includes(who);
  }

  /** The line of one who is like the others; undefined where nobody, or for `usual` too few, are there to tell. */
  middleLine(nowMs: number): number | undefined {
    return Number.isNaN(this.#lineLogBps) ? undefined : this.#lineLogBps - Lines.fadedBy(nowMs - this.#atMs);
  }
  usualLine(nowMs: number): number | undefined {
    return this.#isLineUsual ? this.middleLine(nowMs) : undefined;
  }

  indexAt(at: number): number {
    return this.#row[at * FIELDS + INDEX] as number;
  }
  /** Where this site stands in the row; -1: nobody spoke of it. */
  find(index: number): number {
    for (let at = 0; at < this.count; at++) if (this.indexAt(at) === index) return at;
    return -1;
  }
  isFailingAt(at: number, nowMs: number): boolean {
    return nowMs < (this.#row[at * FIELDS + FAILING_UNTIL_MS] as number);
  }
  rttAt(at: number): number | undefined {
    const rttMs = this.#row[at * FIELDS + RTT_MS] as number;
    return Number.isNaN(rttMs) ? undefined : rttMs;
  }
  hasQuorumAt(at: number): boolean {
    return (this.#row[at * FIELDS + VOICES] as number) >= QUORUM;
  }
  /** What all of them say. */
  allAt(at: number, nowMs: number): Estimate {
    const from = at * FIELDS;
    const share = this.#row[from + SHARE] as number;
    if (Number.isNaN(share)) return NOTHING;
    const elapsedMs = nowMs - this.#atMs;
    return {
      logBps: share + Lines.fadedBy(elapsedMs),
      weight: (this.#row[from + WEIGHT] as number) * leftOf(elapsedMs),
      ageMs: nowMs - (this.#row[from + NEWEST_MS] as number),
    };
  }
  /** What of it is believed. */
  believedAt(at: number, nowMs: number): Estimate {
    return withQuorum(this.allAt(at, nowMs), this.#row[at * FIELDS + STRANGERS] as number);
  }
}

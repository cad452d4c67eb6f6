/**
 * What viewers' players measured, by network prefix and site. It is bounded in every direction: prefixes, sites a prefix,
 * voices a site; one address is one voice however often it speaks, and a median hears them. What is old counts less and is
 * then forgotten. No I/O; time is an argument.
 */
import type { SiteId } from '../../protocol/ids.ts';
import { type Measured, type Network, UNMEASURED } from '../choice/choose.ts';
import { logThroughputAt } from '../choice/prior.ts';
import { hashText, type SiteTable } from '../choice/sites.ts';
import { type Cell, type Estimate, estimate, isFailing, type Observation, rttOfCell, speak } from './cell.ts';
import type { Where } from './prefixes.ts';

export interface MemoryLimits {
  readonly maxPrefixes: number;
  /** What nobody has spoken of for so long is forgotten. */
  readonly forgetMs: number;
}
export const MEMORY_LIMITS: MemoryLimits = { maxPrefixes: 50_000, forgetMs: 3_600_000 };

const CELLS_A_PREFIX = 8;
const CELLS_AN_AREA = 32;
const VOICES_A_CELL = 7;
const VOICES_AN_AREA = 15;
/** What a neighbouring network measured counts as this many reports at most. */
const MAX_AREA_WEIGHT = 0.7;
/** A viewer's own experience against that of its neighbours. */
const OWN_WEIGHT = 2;
/** The best that was seen of a line, until it is half as much. */
const LINE_HALF_LIFE_MS = 600_000;
/** Two sites that were measured so recently say together what the line allows now. */
const LINE_FRESH_MS = 90_000;
const LINE_MARGIN = Math.log(1.5);
const VIEWERS_FADE_MS = 1_800_000;

interface Remembered {
  readonly cells: Cell[];
  lineLogBps: number;
  lineAtMs: number;
  seenAtMs: number;
  /** Sessions that were started here, fading. */
  viewers: number;
  viewersAtMs: number;
  area: string;
}

/** What one prefix knows of one site, for explanations and for other trackers. */
export interface Summary {
  readonly prefix: string;
  readonly area: string;
  readonly site: SiteId;
  readonly bps?: number | undefined;
  readonly rttMs?: number | undefined;
  readonly weight: number;
  readonly ageMs: number;
}

export class NetworkMemory {
  readonly #limits: MemoryLimits;
  /** Least recently spoken of first. */
  readonly #prefixes = new Map<string, Remembered>();
  readonly #areas = new Map<string, Remembered>();

  constructor(limits: MemoryLimits = MEMORY_LIMITS) {
    this.#limits = limits;
  }

  get prefixCount(): number {
    return this.#prefixes.size;
  }

  /** A session was started here. */
  noteViewer(where: Where, nowMs: number): void {
    const remembered = this.#touch(this.#prefixes, where.prefix, where.area, nowMs);
    remembered.viewers = viewersOf(remembered, nowMs) + 1;
    remembered.viewersAtMs = nowMs;
  }

  /** `who` is one voice within the prefix; within the area, the prefix is one. */
  note(where: Where, who: number, observation: Observation, nowMs: number): void {
    const prefix = this.#touch(this.#prefixes, where.prefix, where.area, nowMs);
    const cell = cellOf(prefix, observation.site, CELLS_A_PREFIX);
    speak(cell, who, observation, VOICES_A_CELL, nowMs);
    noteLine(prefix, observation, nowMs);
    if (observation.bps === undefined) return;
    // The area hears what this prefix says as a whole, so a prefix full of rogues is one voice there.
    const { logBps } = estimate(cell, nowMs);
    if (logBps === undefined) return;
    const area = this.#touch(this.#areas, where.area, where.area, nowMs);
    const voice = { ...observation, bps: Math.exp(logBps), rttMs: undefined, failed: false };
    speak(
      cellOf(area, observation.site, CELLS_AN_AREA),
      hashText(where.prefix),
      voice,
      VOICES_AN_AREA,
      nowMs,
    );
  }

  /** What is known of the way between these viewers and the sites. `who` hears its own voice more loudly. */
  network(where: Where | undefined, who: number | undefined, table: SiteTable, nowMs: number): Network {
    if (!where) return UNMEASURED;
    const prefix = this.#prefixes.get(where.prefix);
    const area = this.#areas.get(where.area);
    if (!prefix && !area) return UNMEASURED;
    const measured: Measured[] = [];
    for (const cell of prefix?.cells ?? []) {
      const index = table.indexOf.get(cell.site);
      if (index === undefined) continue;
      measured.push(
        measure(
          index,
          cell,
          area?.cells.find(({ site }) => site === cell.site),
          who,
          nowMs,
        ),
      );
    }
    for (const cell of area?.cells ?? []) {
      const index = table.indexOf.get(cell.site);
      if (index === undefined || measured.some(each => each.index === index)) continue;
      measured.push(measure(index, undefined, cell, who, nowMs));
    }
    return { measured, lineLogBps: prefix ? lineOf(prefix, nowMs) : Number.POSITIVE_INFINITY };
  }

  /** Every prefix with its share of viewers, most viewers first. */
  viewers(nowMs: number): readonly { readonly where: Where; readonly viewers: number }[] {
    return [...this.#prefixes]
      .map(([prefix, each]) => ({ where: { prefix, area: each.area }, viewers: viewersOf(each, nowMs) }))
      .filter(({ viewers }) => viewers > 0.01)
      .sort((a, b) => b.viewers - a.viewers);
  }

  /** What was heard here since then, at most `limit`, for other trackers. What they told is not told back. */
  *summaries(sinceMs: number, nowMs: number, limit: number): Iterable<Summary> {
    let left = limit;
    // The newest stand last in a Map, and they matter most.
    for (const [prefix, { cells, area, seenAtMs }] of [...this.#prefixes].reverse()) {
      if (seenAtMs < sinceMs) return;
      for (const cell of cells) {
        const found = estimate(cell, nowMs, voice => !voice.isHearsay);
        if (found.weight === 0 || nowMs - found.ageMs < sinceMs) continue;
        if (left-- === 0) return;
        const rttMs = rttOfCell(cell);
        yield {
          prefix,
          area,
          site: cell.site,
          ...(found.logBps === undefined ? {} : { bps: Math.round(Math.exp(found.logBps)) }),
          ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs) }),
          weight: Math.min(1, found.weight),
          ageMs: Math.round(found.ageMs),
        };
      }
    }
  }

  /** Another tracker is one voice, too. */
  absorb(tracker: string, summaries: readonly Summary[], nowMs: number): void {
    for (const { prefix, area, site, bps, rttMs, weight, ageMs } of summaries) {
      const heard = { site, bps, rttMs, weight: Math.min(1, weight), isHearsay: true };
      this.note({ prefix, area }, hashText(tracker), heard, nowMs - Math.max(0, ageMs));
    }
  }

  /** Forgets what is old. */
  sweep(nowMs: number): void {
    for (const map of [this.#prefixes, this.#areas]) {
      for (const [key, { seenAtMs }] of map) {
        if (nowMs - seenAtMs < this.#limits.forgetMs) break;
        map.delete(key);
      }
    }
  }

  #touch(map: Map<string, Remembered>, key: string, area: string, nowMs: number): Remembered {
    const found = map.get(key);
    const remembered = found ?? {
      cells: [],
      lineLogBps: Number.NEGATIVE_INFINITY,
      lineAtMs: 0,
      seenAtMs: nowMs,
      viewers: 0,
      viewersAtMs: nowMs,
      area,
    };
    if (found) map.delete(key);
    else if (map.size >= this.#limits.maxPrefixes) {
      const oldest = map.keys().next();
      if (!oldest.done) map.delete(oldest.value);
    }
    remembered.seenAtMs = Math.max(remembered.seenAtMs, nowMs);
    remembered.area = area;
    map.set(key, remembered);
    return remembered;
  }
}

function cellOf({ cells }: Remembered, site: SiteId, max: number): Cell {
  const at = cells.findIndex(cell => cell.site === site);
  const cell = cells[at] ?? { site, voices: [], failures: [] };
  // Most recently spoken of last, so that the first is the one to give up.
  if (at >= 0) cells.splice(at, 1);
  else if (cells.length >= max) cells.shift();
  cells.push(cell);
  return cell;
}

function noteLine(remembered: Remembered, { bps }: Observation, nowMs: number): void {
  if (bps === undefined) return;
  const logBps = Math.log(bps);
  if (logBps < lineOf(remembered, nowMs)) return;
  remembered.lineLogBps = logBps;
  remembered.lineAtMs = nowMs;
}

function lineOf({ cells, lineLogBps, lineAtMs }: Remembered, nowMs: number): number {
  if (lineLogBps === Number.NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const faded = lineLogBps - (Math.LN2 * Math.max(0, nowMs - lineAtMs)) / LINE_HALF_LIFE_MS;
  const fresh = cells
    .map(cell => estimate(cell, nowMs))
    .filter(({ ageMs, logBps }) => logBps !== undefined && ageMs < LINE_FRESH_MS);
  const best = Math.max(...fresh.map(({ logBps }) => logBps ?? 0));
  if (fresh.length === 0) return faded;
  return fresh.length > 1 ? Math.min(Math.max(faded, best), best + LINE_MARGIN) : Math.max(faded, best);
}

function measure(
  index: number,
  cell: Cell | undefined,
  area: Cell | undefined,
  who: number | undefined,
  nowMs: number,
): Measured {
  const near = cell ? estimate(cell, nowMs) : NOTHING;
  const own =
    cell && who !== undefined && cell.voices.some(voice => voice.who === who)
      ? estimate(cell, nowMs, voice => voice.who === who)
      : NOTHING;
  const wide = area ? estimate(area, nowMs) : NOTHING;
  const rttMs = cell && rttOfCell(cell);
  const weights = [near.weight, OWN_WEIGHT * own.weight, Math.min(MAX_AREA_WEIGHT, wide.weight)];
  const weight = weights.reduce((sum, each) => sum + each, 0);
  const sum = [near, own, wide].reduce((all, { logBps = 0 }, at) => all + logBps * (weights[at] ?? 0), 0);
  return {
    index,
    logBps: weight > 0 ? sum / weight : 0,
    weight,
    ageMs: Math.min(near.ageMs, wide.ageMs),
    ...(rttMs === undefined ? {} : { logExpected: logThroughputAt(rttMs) }),
    failing: cell !== undefined && isFailing(cell, who, nowMs),
  };
}
const NOTHING: Estimate = { logBps: undefined, weight: 0, ageMs: Number.POSITIVE_INFINITY };

const viewersOf = ({ viewers, viewersAtMs }: Remembered, nowMs: number): number =>
  viewers * Math.exp(-Math.max(0, nowMs - viewersAtMs) / VIEWERS_FADE_MS);

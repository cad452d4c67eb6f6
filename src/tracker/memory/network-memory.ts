/**
 * What viewers' players measured, by network prefix and site. It is bounded in every direction: prefixes, sites a prefix,
 * reporters a site; one address is one reporter however often it speaks, and a median hears them.
 *
 * Viewers of one network have lines of their own, so absolute figures of different viewers do not compare. Each reporter is
 * heard as the part of its own line that a site gave it: "half of what I am used to", and what a viewer may expect of a
 * site is that part of its own line. What is old counts less and is then forgotten. No I/O; time is an argument.
 */
import type { SiteId } from '../../protocol/ids.ts';
import { type Measured, type Network, UNMEASURED } from '../choice/choose.ts';
import { logThroughputAt } from '../choice/prior.ts';
import { hashText, type SiteTable } from '../choice/sites.ts';
import { Lines, QUORUM } from './access-link-baseline.ts';
import {
  type Cell,
  type Estimate,
  estimate,
  failedAtMs,
  isFailing,
  NOTHING,
  type Observation,
  rttOfCell,
  speak,
} from './cell.ts';
import { Ear, shareOf, shareOfOne, strangersIn, withQuorum } from './network-summary.ts';
import type { Where } from '../client/network-prefix.ts';

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
/** What neighbouring networks measured counts as this many reports at most. */
const MAX_AREA_WEIGHT = 0.7;
/** A viewer's own experience against that of its neighbours. */
const OWN_WEIGHT = 2;
const VIEWERS_FADE_MS = 1_800_000;
/** So long after it was found, what fades alike is found anew all the same. */
const EAR_MS = 60_000;
/** Neighbours' news may be so old: a wide network speaks all the time, and hearing all of it takes longer than deciding. */
const AREA_NEWS_MS = 2_000;
/** Where there is no room, so large a part of the prefixes is forgotten, those first that were silent longest. */
const ROOM_PARTS = 64;
/** A prefix from which viewers begin and nobody speaks is moved to the end no more often than this. */
const MOVE_EVERY_MS = 60_000;

interface Remembered {
  readonly cells: Cell[];
  readonly lines: Lines;
  ear: Ear | undefined;
  /** Somebody has spoken since `ear` was found. */
  hasNews: boolean;
  seenAtMs: number;
  /** When it was put at the end of its map: at the last word, and now and then where viewers begin. */
  movedAtMs: number;
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
  /** Since a viewer failed there, where one has lately. */
  readonly failedAgoMs?: number | undefined;
  /** Who spoke. */
  readonly reporters?: number | undefined;
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
    const found = this.#prefixes.get(where.prefix);
    const isInPlace = found !== undefined && nowMs - found.movedAtMs < MOVE_EVERY_MS;
    const remembered = isInPlace ? found : this.#touch(this.#prefixes, where.prefix, where.area, nowMs);
    remembered.seenAtMs = Math.max(remembered.seenAtMs, nowMs);
    remembered.area = where.area;
    remembered.viewers = viewersOf(remembered, nowMs) + 1;
    remembered.viewersAtMs = nowMs;
  }

  /** `who` is one reporter within the prefix; within the area, the prefix is one. */
  note(where: Where, who: number, observation: Observation, nowMs: number): void {
    const prefix = this.#touch(this.#prefixes, where.prefix, where.area, nowMs);
    const cell = cellOf(prefix, observation.site, CELLS_A_PREFIX);
    prefix.hasNews = true;
    const told = speak(cell, who, observation, VOICES_A_CELL, nowMs);
    if (told === undefined) return;
    prefix.lines.hear(who, told, prefix.cells, nowMs);
    // The area hears what this prefix says as a whole, so a prefix full of rogues is one reporter there.
    const { logBps } = estimate(cell, nowMs);
    if (logBps === undefined) return;
    const area = this.#touch(this.#areas, where.area, where.area, nowMs);
    const wide = cellOf(area, observation.site, CELLS_AN_AREA);
    area.hasNews = true;
    const reporter = { ...observation, bps: Math.exp(logBps), rttMs: undefined, failed: false };
    const neighbour = hashText(where.prefix);
    const heard = speak(wide, neighbour, reporter, VOICES_AN_AREA, nowMs);
    if (heard !== undefined) area.lines.hear(neighbour, heard, area.cells, nowMs);
  }

  /**
   * What is known of the way between these viewers and the sites, or only those of `among` (places in the table). `who` hears
   * its own reporter more loudly.
   */
  network(
    where: Where | undefined,
    who: number | undefined,
    table: SiteTable,
    nowMs: number,
    among?: readonly number[],
  ): Network {
    if (!where) return UNMEASURED;
    const prefix = this.#prefixes.get(where.prefix);
    const area = this.#areas.get(where.area);
    if (!prefix && !area) return UNMEASURED;
    const far = area && earOf(area, table, nowMs, AREA_NEWS_MS);
    const isAsked = (index: number): boolean => among === undefined || among.includes(index);
    const measured: Measured[] = [];
    if (prefix && who !== undefined && hasSpoken(prefix, who, table, nowMs)) {
      const { cells, lines } = prefix;
      const line = lines.usual(who, nowMs) ?? area?.lines.usual(hashText(where.prefix), nowMs);
      const usual = line ?? lines.middle(nowMs) ?? far?.middleLine(nowMs) ?? 0;
      for (const cell of cells) {
        const index = table.indexOf.get(cell.site);
        if (index !== undefined && isAsked(index))
          measured.push(measureOwn({ index, cell, lines, who, far, usual, nowMs }));
      }
      addFar(measured, far, usual, nowMs, isAsked);
      return { measured, lineLogBps: line ?? Number.POSITIVE_INFINITY };
    }
    const near = prefix && earOf(prefix, table, nowMs);
    const line = near?.usualLine(nowMs) ?? area?.lines.usual(hashText(where.prefix), nowMs);
    const usual = line ?? near?.middleLine(nowMs) ?? far?.middleLine(nowMs) ?? 0;
    for (let at = 0; near && at < near.count; at++) {
      const index = near.indexAt(at);
      if (!isAsked(index)) continue;
      const heard = near.believedAt(at, nowMs);
      const isFailing = near.isFailingAt(at, nowMs);
      measured.push(join(index, usual, heard, NOTHING, farOf(far, index, nowMs), near.rttAt(at), isFailing));
    }
    addFar(measured, far, usual, nowMs, isAsked);
    return { measured, lineLogBps: line ?? Number.POSITIVE_INFINITY };
  }

  /** What this reporter's own line is good for, as far as it has spoken. */
  lineOf(where: Where, who: number, nowMs: number): number | undefined {
    return this.#prefixes.get(where.prefix)?.lines.own(who, nowMs);
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
    for (const [prefix, { cells, area, movedAtMs }] of [...this.#prefixes].reverse()) {
      if (movedAtMs < sinceMs) return;
      for (const cell of cells) {
        const found = estimate(cell, nowMs, reporter => !reporter.isHearsay);
        const failedAgoMs = nowMs - failedAtMs(cell, nowMs);
        const isNews = found.weight > 0 && nowMs - found.ageMs >= sinceMs;
        const hasFailed = nowMs - failedAgoMs >= sinceMs;
        if (!isNews && !hasFailed) continue;
        if (left-- === 0) return;
        const rttMs = rttOfCell(cell);
        yield {
          prefix,
          area,
          site: cell.site,
          ...(found.logBps === undefined ? {} : { bps: Math.round(Math.exp(found.logBps)) }),
          ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs) }),
          weight: Math.min(1, found.weight),
          ageMs: Math.round(Number.isFinite(found.ageMs) ? found.ageMs : failedAgoMs),
          ...(hasFailed ? { failedAgoMs: Math.round(failedAgoMs) } : {}),
          reporters: Math.max(1, cell.reporters.filter(reporter => !reporter.isHearsay).length),
        };
      }
    }
  }

  /** Another tracker is one reporter, too. */
  absorb(tracker: string, summaries: readonly Summary[], nowMs: number): void {
    for (const { prefix, area, site, bps, rttMs, weight, ageMs, reporters = 1 } of summaries) {
      if (bps === undefined && rttMs === undefined) continue;
      const heard = {
        site,
        bps,
        rttMs,
        weight: Math.min(1, weight),
        isHearsay: true,
        reporters: Math.min(QUORUM, reporters),
      };
      this.note({ prefix, area }, hashText(tracker), heard, nowMs - Math.max(0, ageMs));
    }
  }

  /** Forgets what is old. */
  sweep(nowMs: number): void {
    for (const map of [this.#prefixes, this.#areas]) {
      for (const [key, { seenAtMs, movedAtMs }] of map) {
        if (nowMs - movedAtMs < this.#limits.forgetMs) break;
        if (nowMs - seenAtMs >= this.#limits.forgetMs) map.delete(key);
      }
    }
  }

  /** Some at once: whoever begins to walk a map walks past all that was deleted of late. */
  #makeRoom(map: Map<string, Remembered>): void {
    let left = Math.ceil(this.#limits.maxPrefixes / ROOM_PARTS);
    for (const key of map.keys()) {
      map.delete(key);
      if (--left === 0) return;
    }
  }

  #touch(map: Map<string, Remembered>, key: string, area: string, nowMs: number): Remembered {
    const found = map.get(key);
    const remembered = found ?? {
      cells: [],
      lines: new Lines(),
      ear: undefined,
      hasNews: false,
      seenAtMs: nowMs,
      movedAtMs: nowMs,
      viewers: 0,
      viewersAtMs: nowMs,
      area,
    };
    if (found) map.delete(key);
    else if (map.size >= this.#limits.maxPrefixes) this.#makeRoom(map);
    remembered.seenAtMs = Math.max(remembered.seenAtMs, nowMs);
    remembered.movedAtMs = Math.max(remembered.movedAtMs, nowMs);
    remembered.area = area;
    map.set(key, remembered);
    return remembered;
  }
}

function cellOf({ cells }: Remembered, site: SiteId, max: number): Cell {
  const at = cells.findIndex(cell => cell.site === site);
  const cell = cells[at] ?? { site, reporters: [], failures: [] };
  // Most recently spoken of last, so that the first is the one to give up.
  if (at >= 0) cells.splice(at, 1);
  else if (cells.length >= max) cells.shift();
  cells.push(cell);
  return cell;
}

/** What is heard there: what is new in it waits until the ear is so old. */
function earOf(remembered: Remembered, table: SiteTable, nowMs: number, newsMs = 0): Ear {
  if (hasEar(remembered, table, nowMs, newsMs)) return remembered.ear;
  remembered.ear = new Ear(remembered.cells, remembered.lines, table, nowMs);
  remembered.hasNews = false;
  return remembered.ear;
}

const hasEar = (
  remembered: Remembered,
  table: SiteTable,
  nowMs: number,
  newsMs: number,
): remembered is Remembered & { ear: Ear } =>
  remembered.ear?.holds(table, nowMs, remembered.hasNews ? newsMs : EAR_MS) ?? false;

/** Whoever has a line has spoken; that saves an ear for those who speak and ask in turns, as steered players do. */
function hasSpoken(remembered: Remembered, who: number, table: SiteTable, nowMs: number): boolean {
  if (!hasEar(remembered, table, nowMs, 0) && remembered.lines.own(who, nowMs) !== undefined) return true;
  return earOf(remembered, table, nowMs).hasSpoken(who);
}

/** For one who has spoken: its own reporter besides those of the strangers. */
function measureOwn(hearing: {
  readonly index: number;
  readonly cell: Cell;
  readonly lines: Lines;
  readonly who: number;
  readonly far: Ear | undefined;
  readonly usual: number;
  readonly nowMs: number;
}): Measured {
  const { index, cell, lines, who, far, usual, nowMs } = hearing;
  const reporter = cell.reporters.find(each => each.who === who);
  const own = reporter ? shareOfOne(reporter, lines, nowMs) : NOTHING;
  const near = withQuorum(shareOf(cell, lines, nowMs), strangersIn(cell, who));
  const isNow = isFailing(cell, who, nowMs);
  return join(index, usual, near, own, farOf(far, index, nowMs), rttOfCell(cell), isNow);
}

/** What the wider network says of this site. */
function farOf(far: Ear | undefined, index: number, nowMs: number): Estimate {
  const at = far?.find(index) ?? -1;
  if (!far || at < 0) return NOTHING;
  const heard = far.allAt(at, nowMs);
  return far.hasQuorumAt(at) ? heard : { ...heard, weight: 0 };
}

/** Sites of which only the wider network has spoken. */
function addFar(
  measured: Measured[],
  far: Ear | undefined,
  usual: number,
  nowMs: number,
  isAsked: (index: number) => boolean,
): void {
  const near = measured.length;
  next: for (let at = 0; far && at < far.count; at++) {
    const index = far.indexAt(at);
    if (!isAsked(index)) continue;
    for (let n = 0; n < near; n++) if (measured[n]?.index === index) continue next;
    measured.push(join(index, usual, NOTHING, NOTHING, farOf(far, index, nowMs), undefined, false));
  }
}

function join(
  index: number,
  usual: number,
  near: Estimate,
  own: Estimate,
  far: Estimate,
  rttMs: number | undefined,
  failing: boolean,
): Measured {
  const ownWeight = OWN_WEIGHT * own.weight;
  const farWeight = Math.min(MAX_AREA_WEIGHT, far.weight);
  const weight = near.weight + ownWeight + farWeight;
  const sum =
    (near.logBps ?? 0) * near.weight + (own.logBps ?? 0) * ownWeight + (far.logBps ?? 0) * farWeight;
  return {
    index,
    logBps: weight > 0 ? usual + sum / weight : 0,
    weight,
    ageMs: Math.min(near.ageMs, own.ageMs, far.ageMs),
    logExpected: rttMs === undefined ? undefined : logThroughputAt(rttMs),
    failing,
  };
}

const viewersOf = ({ viewers, viewersAtMs }: Remembered, nowMs: number): number =>
  viewers * Math.exp(-Math.max(0, nowMs - viewersAtMs) / VIEWERS_FADE_MS);

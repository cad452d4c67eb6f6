/**
 * Remembers what players measured, by network prefix and site. The only module of this folder that others import.
 * Everything is bounded: prefixes, sites per prefix, reporters per site. One address is one reporter regardless of how
 * often it reports, and a median aggregates them.
 *
 * Access links differ between the viewers of a network, so absolute figures of different viewers are not comparable.
 * Each sample is therefore stored as a share of the reporter's own access link, and the expectation for a viewer is
 * that share of its own access link. Old samples lose weight and are then forgotten. No I/O; time is an argument.
 */
import type { SiteId } from '../../protocol/base/ids.ts';
import { type Measured, type NetworkEstimates, UNMEASURED } from '../choice/choose.ts';
import { logThroughputAt } from '../choice/prior.ts';
import { hashText, type SiteTable } from '../choice/sites.ts';
import { AccessLinkBaseline, QUORUM } from './access-link-baseline.ts';
import {
  type Cell,
  type Estimate,
  estimate,
  failedAtMs,
  isFailing,
  NO_ESTIMATE,
  recordSample,
  rttOfCell,
  type Sample,
} from './cell.ts';
import {
  clampToDouble,
  countOthers,
  NetworkSummary,
  shareOf,
  shareOfOne,
  withQuorum,
} from './network-summary.ts';

export type { Sample } from './cell.ts';

export interface MemoryLimits {
  readonly maxPrefixes: number;
  /** An entry without samples or viewers for this long is forgotten. */
  readonly forgetMs: number;
}
const MEMORY_LIMITS: MemoryLimits = { maxPrefixes: 50_000, forgetMs: 3_600_000 };

const CELLS_PER_PREFIX = 8;
const CELLS_PER_WIDER_NETWORK = 32;
const REPORTERS_PER_CELL = 7;
const REPORTERS_PER_WIDER_NETWORK = 15;
/** Maximum weight of samples from neighbouring networks, in reports, for a viewer without nearer samples. */
const MAX_WIDER_WEIGHT = 0.7;
/** One host can have a few prefixes of one provider, so more of them must agree than reporters within a prefix. */
const WIDER_QUORUM = 5;
/** Weight of a viewer's own samples relative to those of others in its network. */
const SELF_WEIGHT = 2;
const VIEWERS_DECAY_MS = 1_800_000;
/** Maximum age of a summary without new samples. */
const MAX_SUMMARY_AGE_MS = 60_000;
/**
 * Maximum age of a wider network's summary when there are new samples: such a network reports continuously, and
 * aggregating it takes longer than a decision.
 */
const MAX_WIDER_NEWS_AGE_MS = 2_000;
/** When the memory is full, one in this many entries is evicted, oldest first. */
const EVICTED_ONE_IN = 64;
/** Viewers without reports move their prefix to the end of the map at most this often. */
const MOVE_EVERY_MS = 60_000;

/** The network of a viewer. */
export interface ViewerNetwork {
  /** `192.0.2.0/24` or `2001:db8:1::/48` */
  readonly prefix: string;
  /** The wider network: an autonomous system, a coverage zone or a shorter prefix. */
  readonly widerNetwork: string;
}

/** A viewer as the memory identifies it. Both members are undefined if its reports must not be recorded. */
export interface ViewerIdentity {
  readonly network?: ViewerNetwork | undefined;
  /** Identifies the viewer within its prefix. */
  readonly reporterId?: number | undefined;
}

interface NetworkEntry {
  readonly cells: Cell[];
  readonly baseline: AccessLinkBaseline;
  summary: NetworkSummary | undefined;
  /** A sample arrived after `summary` was made. */
  hasNewSamples: boolean;
  seenAtMs: number;
  /** Time of the last move to the end of the map: at each sample, and occasionally when viewers start. */
  movedAtMs: number;
  /** Number of sessions started here, decaying. */
  viewers: number;
  viewersAtMs: number;
  widerNetwork: string;
}

/** The measurements of one site by one prefix, for explanations and for other trackers. */
export interface MeasurementSummary {
  readonly prefix: string;
  readonly widerNetwork: string;
  readonly site: SiteId;
  readonly bps?: number | undefined;
  readonly rttMs?: number | undefined;
  readonly weight: number;
  readonly ageMs: number;
  /** Time since a viewer last failed there. Absent if none has failed recently. */
  readonly failedAgoMs?: number | undefined;
  /** Number of reporters. */
  readonly reporters?: number | undefined;
}

export class NetworkMemory {
  readonly #limits: MemoryLimits;
  /** Ordered by the last move to the end, oldest first. */
  readonly #prefixes = new Map<string, NetworkEntry>();
  readonly #widerNetworks = new Map<string, NetworkEntry>();

  constructor(limits: MemoryLimits = MEMORY_LIMITS) {
    this.#limits = limits;
  }

  get prefixCount(): number {
    return this.#prefixes.size;
  }

  /** Records the start of a session. */
  recordViewer({ prefix, widerNetwork }: ViewerNetwork, nowMs: number): void {
    const found = this.#prefixes.get(prefix);
    const isInPlace = found !== undefined && nowMs - found.movedAtMs < MOVE_EVERY_MS;
    const entry = isInPlace ? found : this.#touch(this.#prefixes, prefix, widerNetwork, nowMs);
    entry.seenAtMs = Math.max(entry.seenAtMs, nowMs);
    entry.widerNetwork = widerNetwork;
    entry.viewers = viewersOf(entry, nowMs) + 1;
    entry.viewersAtMs = nowMs;
  }

  /** Records a sample. `reporterId` identifies a reporter within the prefix; within the wider network, the prefix is one reporter. */
  record(network: ViewerNetwork, reporterId: number, sample: Sample, nowMs: number): void {
    const prefix = this.#touch(this.#prefixes, network.prefix, network.widerNetwork, nowMs);
    const cell = cellOf(prefix, sample.site, CELLS_PER_PREFIX);
    prefix.hasNewSamples = true;
    const smoothed = recordSample(cell, { reporterId, sample, maxReporters: REPORTERS_PER_CELL, nowMs });
    if (smoothed === undefined) return;
    prefix.baseline.record(reporterId, smoothed, prefix.cells, nowMs);
    // The wider network aggregates the prefix as a whole, so a prefix full of false reports is one reporter there.
    const { logBps } = estimate(cell, nowMs);
    if (logBps === undefined) return;
    const widerNetwork = this.#touch(this.#widerNetworks, network.widerNetwork, network.widerNetwork, nowMs);
    const widerCell = cellOf(widerNetwork, sample.site, CELLS_PER_WIDER_NETWORK);
    widerNetwork.hasNewSamples = true;
    const prefixId = hashText(network.prefix);
    const widerSmoothed = recordSample(widerCell, {
      reporterId: prefixId,
      sample: { ...sample, bps: Math.exp(logBps), rttMs: undefined, failed: false },
      maxReporters: REPORTERS_PER_WIDER_NETWORK,
      nowMs,
    });
    if (widerSmoothed !== undefined)
      widerNetwork.baseline.record(prefixId, widerSmoothed, widerNetwork.cells, nowMs);
  }

  /**
   * The estimates between a viewer and the sites, or only those in `among` (indexes in the table). The viewer's own
   * samples have a higher weight.
   */
  estimatesFor(
    { network, reporterId }: ViewerIdentity,
    table: SiteTable,
    nowMs: number,
    among?: readonly number[],
  ): NetworkEstimates {
    if (!network) return UNMEASURED;
    const prefix = this.#prefixes.get(network.prefix);
    const widerNetwork = this.#widerNetworks.get(network.widerNetwork);
    if (!prefix && !widerNetwork) return UNMEASURED;
    const wider = widerNetwork && summaryOf(widerNetwork, table, nowMs, MAX_WIDER_NEWS_AGE_MS);
    const isIncluded = (index: number): boolean => among === undefined || among.includes(index);
    const measured: Measured[] = [];
    if (prefix && reporterId !== undefined && hasReported(prefix, reporterId, table, nowMs)) {
      const { cells, baseline } = prefix;
      const accessLink =
        baseline.expected(reporterId, nowMs) ??
        widerNetwork?.baseline.expected(hashText(network.prefix), nowMs);
      const expected = accessLink ?? baseline.median(nowMs) ?? wider?.medianAccessLink(nowMs) ?? 0;
      for (const cell of cells) {
        const index = table.indexOf.get(cell.site);
        if (index !== undefined && isIncluded(index))
          measured.push(measureWithSelf({ index, cell, baseline, reporterId, wider, expected, nowMs }));
      }
      addWiderOnly(measured, { wider, expected, nowMs, isIncluded });
      return { measured, accessLinkLogBps: accessLink ?? Number.POSITIVE_INFINITY };
    }
    const local = prefix && summaryOf(prefix, table, nowMs);
    const accessLink =
      local?.expectedAccessLink(nowMs) ?? widerNetwork?.baseline.expected(hashText(network.prefix), nowMs);
    const expected = accessLink ?? local?.medianAccessLink(nowMs) ?? wider?.medianAccessLink(nowMs) ?? 0;
    for (let at = 0; local && at < local.count; at++) {
      const index = local.indexAt(at);
      if (!isIncluded(index)) continue;
      measured.push(
        blendEstimates({
          index,
          expected,
          local: local.trustedAt(at, nowMs),
          self: NO_ESTIMATE,
          wider: widerEstimateOf(wider, index, nowMs),
          rttMs: local.rttAt(at),
          failing: local.isFailingAt(at, nowMs),
        }),
      );
    }
    addWiderOnly(measured, { wider, expected, nowMs, isIncluded });
    return { measured, accessLinkLogBps: accessLink ?? Number.POSITIVE_INFINITY };
  }

  /** Access link baseline of this reporter, as a logarithm; undefined without samples. */
  accessLinkOf({ prefix }: ViewerNetwork, reporterId: number, nowMs: number): number | undefined {
    return this.#prefixes.get(prefix)?.baseline.of(reporterId, nowMs);
  }

  /** Lists the prefixes by number of viewers, highest first. */
  viewers(nowMs: number): readonly { readonly network: ViewerNetwork; readonly viewers: number }[] {
    return [...this.#prefixes]
      .map(([prefix, each]) => ({
        network: { prefix, widerNetwork: each.widerNetwork },
        viewers: viewersOf(each, nowMs),
      }))
      .filter(({ viewers }) => viewers > 0.01)
      .sort((a, b) => b.viewers - a.viewers);
  }

  /** The samples since `sinceMs`, at most `limit`, for other trackers. Samples from other trackers are not sent back. */
  *summaries(sinceMs: number, nowMs: number, limit: number): Iterable<MeasurementSummary> {
    let left = limit;
    // The newest entries are last in a Map, and they matter most.
    for (const [prefix, { cells, widerNetwork, movedAtMs }] of [...this.#prefixes].reverse()) {
      if (movedAtMs < sinceMs) return;
      for (const cell of cells) {
        const found = estimate(cell, nowMs, reporter => !reporter.isFromPeer);
        const failedAgoMs = nowMs - failedAtMs(cell, nowMs);
        const isNews = found.weight > 0 && nowMs - found.ageMs >= sinceMs;
        const hasFailed = nowMs - failedAgoMs >= sinceMs;
        if (!isNews && !hasFailed) continue;
        if (left-- === 0) return;
        const rttMs = rttOfCell(cell);
        yield {
          prefix,
          widerNetwork,
          site: cell.site,
          ...(found.logBps === undefined ? {} : { bps: Math.round(Math.exp(found.logBps)) }),
          ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs) }),
          weight: Math.min(1, found.weight),
          ageMs: Math.round(Number.isFinite(found.ageMs) ? found.ageMs : failedAgoMs),
          ...(hasFailed ? { failedAgoMs: Math.round(failedAgoMs) } : {}),
          reporters: Math.max(1, cell.reporters.filter(reporter => !reporter.isFromPeer).length),
        };
      }
    }
  }

  /** Records the measurements of another tracker, which counts as one reporter. */
  absorb(tracker: string, summaries: readonly MeasurementSummary[], nowMs: number): void {
    for (const { prefix, widerNetwork, site, bps, rttMs, weight, ageMs, reporters = 1 } of summaries) {
      if (bps === undefined && rttMs === undefined) continue;
      const sample: Sample = {
        site,
        bps,
        rttMs,
        weight: Math.min(1, weight),
        isFromPeer: true,
        reporters: Math.min(QUORUM, reporters),
      };
      this.record({ prefix, widerNetwork }, hashText(tracker), sample, nowMs - Math.max(0, ageMs));
    }
  }

  /** Forgets old entries. */
  sweep(nowMs: number): void {
    for (const map of [this.#prefixes, this.#widerNetworks]) {
      for (const [key, { seenAtMs, movedAtMs }] of map) {
        if (nowMs - movedAtMs < this.#limits.forgetMs) break;
        if (nowMs - seenAtMs >= this.#limits.forgetMs) map.delete(key);
      }
    }
  }

  /** Evicts several entries at once: an iteration over a Map also steps over recently deleted entries. */
  #evict(map: Map<string, NetworkEntry>): void {
    let left = Math.ceil(this.#limits.maxPrefixes / EVICTED_ONE_IN);
    for (const key of map.keys()) {
      map.delete(key);
      if (--left === 0) return;
    }
  }

  #touch(map: Map<string, NetworkEntry>, key: string, widerNetwork: string, nowMs: number): NetworkEntry {
    const found = map.get(key);
    const entry = found ?? {
      cells: [],
      baseline: new AccessLinkBaseline(),
      summary: undefined,
      hasNewSamples: false,
      seenAtMs: nowMs,
      movedAtMs: nowMs,
      viewers: 0,
      viewersAtMs: nowMs,
      widerNetwork,
    };
    if (found) map.delete(key);
    else if (map.size >= this.#limits.maxPrefixes) this.#evict(map);
    entry.seenAtMs = Math.max(entry.seenAtMs, nowMs);
    entry.movedAtMs = Math.max(entry.movedAtMs, nowMs);
    entry.widerNetwork = widerNetwork;
    map.set(key, entry);
    return entry;
  }
}

function cellOf({ cells }: NetworkEntry, site: SiteId, max: number): Cell {
  const at = cells.findIndex(cell => cell.site === site);
  const cell = cells[at] ?? { site, reporters: [], failures: [] };
  // The most recently sampled cell is last, so that the first is the one to evict.
  if (at >= 0) cells.splice(at, 1);
  else if (cells.length >= max) cells.shift();
  cells.push(cell);
  return cell;
}

/** The summary of this network. New samples are only included once the summary is older than `maxNewsAgeMs`. */
function summaryOf(entry: NetworkEntry, table: SiteTable, nowMs: number, maxNewsAgeMs = 0): NetworkSummary {
  if (hasSummary(entry, table, nowMs, maxNewsAgeMs)) return entry.summary;
  entry.summary = new NetworkSummary(entry.cells, entry.baseline, table, nowMs);
  entry.hasNewSamples = false;
  return entry.summary;
}

const hasSummary = (
  entry: NetworkEntry,
  table: SiteTable,
  nowMs: number,
  maxNewsAgeMs: number,
): entry is NetworkEntry & { summary: NetworkSummary } =>
  entry.summary?.holds(table, nowMs, entry.hasNewSamples ? maxNewsAgeMs : MAX_SUMMARY_AGE_MS) ?? false;

/**
 * A reporter with a baseline has reported. This check saves making a summary for steered players, which report and
 * request in turn.
 */
function hasReported(entry: NetworkEntry, reporterId: number, table: SiteTable, nowMs: number): boolean {
  if (!hasSummary(entry, table, nowMs, 0) && entry.baseline.of(reporterId, nowMs) !== undefined) return true;
  return summaryOf(entry, table, nowMs).hasReported(reporterId);
}

/** Estimate for a viewer that has reported, from its samples and those of other reporters. */
function measureWithSelf(viewer: {
  readonly index: number;
  readonly cell: Cell;
  readonly baseline: AccessLinkBaseline;
  readonly reporterId: number;
  readonly wider: NetworkSummary | undefined;
  readonly expected: number;
  readonly nowMs: number;
}): Measured {
  const { index, cell, baseline, reporterId, wider, expected, nowMs } = viewer;
  const reporter = cell.reporters.find(each => each.reporterId === reporterId);
  return blendEstimates({
    index,
    expected,
    local: withQuorum(shareOf(cell, baseline, nowMs), countOthers(cell, reporterId)),
    self: reporter ? shareOfOne(reporter, baseline, nowMs) : NO_ESTIMATE,
    wider: widerEstimateOf(wider, index, nowMs),
    rttMs: rttOfCell(cell),
    failing: isFailing(cell, reporterId, nowMs),
  });
}

/** Estimate of the wider network for this site. It cannot change an expectation by more than a factor of two. */
function widerEstimateOf(wider: NetworkSummary | undefined, index: number, nowMs: number): Estimate {
  const at = wider?.find(index) ?? -1;
  if (!wider || at < 0) return NO_ESTIMATE;
  const all = wider.allAt(at, nowMs);
  return wider.reportersAt(at) >= WIDER_QUORUM ? clampToDouble(all) : { ...all, weight: 0 };
}

/** Adds the sites for which only the wider network has samples. */
function addWiderOnly(
  measured: Measured[],
  {
    wider,
    expected,
    nowMs,
    isIncluded,
  }: {
    readonly wider: NetworkSummary | undefined;
    readonly expected: number;
    readonly nowMs: number;
    readonly isIncluded: (index: number) => boolean;
  },
): void {
  const localCount = measured.length;
  next: for (let at = 0; wider && at < wider.count; at++) {
    const index = wider.indexAt(at);
    if (!isIncluded(index)) continue;
    for (let n = 0; n < localCount; n++) if (measured[n]?.index === index) continue next;
    measured.push(
      blendEstimates({
        index,
        expected,
        local: NO_ESTIMATE,
        self: NO_ESTIMATE,
        wider: widerEstimateOf(wider, index, nowMs),
        rttMs: undefined,
        failing: false,
      }),
    );
  }
}

/**
 * Blends the estimates of the viewer's network, the viewer itself and the wider network, by weight. The more nearer samples there are,
 * the less the wider network counts.
 */
function blendEstimates({
  index,
  expected,
  local,
  self,
  wider,
  rttMs,
  failing,
}: {
  readonly index: number;
  /** The expected throughput of the access link, as a logarithm. The estimates are shares of it. */
  readonly expected: number;
  readonly local: Estimate;
  readonly self: Estimate;
  readonly wider: Estimate;
  readonly rttMs: number | undefined;
  readonly failing: boolean;
}): Measured {
  const selfWeight = SELF_WEIGHT * self.weight;
  const nearWeight = local.weight + selfWeight;
  const widerWeight = Math.min(MAX_WIDER_WEIGHT, wider.weight) * Math.max(0, 1 - nearWeight);
  const weight = nearWeight + widerWeight;
  const sum =
    (local.logBps ?? 0) * local.weight + (self.logBps ?? 0) * selfWeight + (wider.logBps ?? 0) * widerWeight;
  return {
    index,
    logBps: weight > 0 ? expected + sum / weight : 0,
    weight,
    ageMs: Math.min(local.ageMs, self.ageMs, wider.ageMs),
    logExpected: rttMs === undefined ? undefined : logThroughputAt(rttMs),
    failing,
  };
}

const viewersOf = ({ viewers, viewersAtMs }: NetworkEntry, nowMs: number): number =>
  viewers * Math.exp(-Math.max(0, nowMs - viewersAtMs) / VIEWERS_DECAY_MS);

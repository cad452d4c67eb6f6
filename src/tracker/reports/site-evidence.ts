/**
 * Aggregates the viewers' reports on a site as a whole: the share of networks from which it currently fails. One network counts
 * once. As long as the tracker's own probes of the site succeed, only a majority of many independent networks can contradict them,
 * so that nobody with a few networks can move the viewers of others. Pure; time is an argument.
 */
import type { SiteId } from '../../protocol/base/ids.ts';

const WINDOW_MS = 15_000;
const MAX_NETWORKS = 256;
/** With fewer failing networks, the networks themselves may be the cause. */
const MIN_FAILING = 3;
/** The number of independent networks that must fail while the tracker's own probes succeed. */
const MIN_FAILING_INDEPENDENT = 8;

/** The network of a report. */
export interface ReportingNetwork {
  /** Hash of the prefix. */
  readonly prefix: number;
  /** Hash of the wider network. One host can have several prefixes of one wider network, so they are not independent. */
  readonly wider: number;
}

interface Outcome {
  readonly wider: number;
  readonly failed: boolean;
  readonly atMs: number;
}

/** The outcomes at one site. */
class SiteOutcomes {
  /** The last outcome of each network, oldest first. */
  readonly byNetwork = new Map<number, Outcome>();
  /** Number of failures among them, regardless of age. */
  failing = 0;

  add(network: number, outcome: Outcome): void {
    this.delete(network);
    this.byNetwork.set(network, outcome);
    if (outcome.failed) this.failing++;
  }
  delete(network: number): void {
    if (this.byNetwork.get(network)?.failed) this.failing--;
    this.byNetwork.delete(network);
  }
}

export class SiteEvidence {
  readonly #sites = new Map<SiteId, SiteOutcomes>();

  /** @returns true if the site's share of failures may have changed; it has not if no network reports a failure. */
  record(site: SiteId, { prefix, wider }: ReportingNetwork, failed: boolean, nowMs: number): boolean {
    const outcomes = this.#sites.get(site) ?? new SiteOutcomes();
    this.#sites.set(site, outcomes);
    const { byNetwork, failing } = outcomes;
    // An outcome from another tracker may be older than a local one.
    if ((byNetwork.get(prefix)?.atMs ?? nowMs) > nowMs) return false;
    outcomes.add(prefix, { wider, failed, atMs: nowMs });
    for (const [key, { atMs }] of byNetwork) {
      if (byNetwork.size <= MAX_NETWORKS && nowMs - atMs < WINDOW_MS) break;
      outcomes.delete(key);
    }
    return failing + outcomes.failing > 0;
  }

  /**
   * Share of the recent networks that fail, 0–1; 0 while too few of them fail.
   *
   * @param isProbeFailing the tracker's own last probe of the site failed, so it need not be contradicted
   */
  failureShare(site: SiteId, isProbeFailing: boolean, nowMs: number): number {
    const outcomes = this.#sites.get(site);
    if (!outcomes || outcomes.failing < MIN_FAILING) return 0;
    const recent = [...outcomes.byNetwork.values()].filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    if (isProbeFailing) {
      const failing = recent.filter(({ failed }) => failed).length;
      return failing < MIN_FAILING ? 0 : failing / recent.length;
    }
    const sums = new Map<number, number>();
    for (const { wider, failed } of recent) sums.set(wider, (sums.get(wider) ?? 0) + (failed ? 1 : -1));
    const failing = [...sums.values()].filter(sum => sum > 0).length;
    return failing < MIN_FAILING_INDEPENDENT || 2 * failing <= sums.size ? 0 : failing / sums.size;
  }
}

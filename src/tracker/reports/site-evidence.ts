/**
 * Aggregates the viewers' reports on a site as a whole: the share of networks from which it currently fails. One
 * network counts once, so that no single network can mark a site as failing. Pure; time is an argument.
 */
import type { SiteId } from '../../protocol/base/ids.ts';

const WINDOW_MS = 15_000;
const MAX_NETWORKS = 256;
/** With fewer failing networks, the networks themselves may be the cause. */
const MIN_FAILING = 3;

interface Outcome {
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
  record(site: SiteId, network: number, failed: boolean, nowMs: number): boolean {
    const outcomes = this.#sites.get(site) ?? new SiteOutcomes();
    this.#sites.set(site, outcomes);
    const { byNetwork, failing } = outcomes;
    // An outcome from another tracker may be older than a local one.
    if ((byNetwork.get(network)?.atMs ?? nowMs) > nowMs) return false;
    outcomes.add(network, { failed, atMs: nowMs });
    for (const [key, { atMs }] of byNetwork) {
      if (byNetwork.size <= MAX_NETWORKS && nowMs - atMs < WINDOW_MS) break;
      outcomes.delete(key);
    }
    return failing + outcomes.failing > 0;
  }

  /** Share of the recent networks that fail, 0–1; 0 while too few of them fail. */
  failureShare(site: SiteId, nowMs: number): number {
    const outcomes = this.#sites.get(site);
    if (!outcomes || outcomes.failing < MIN_FAILING) return 0;
    let failing = 0;
    let all = 0;
    for (const { failed, atMs } of outcomes.byNetwork.values()) {
      if (nowMs - atMs >= WINDOW_MS) continue;
      all++;
      failing += Number(failed);
    }
    return failing < MIN_FAILING ? 0 : failing / all;
  }
}

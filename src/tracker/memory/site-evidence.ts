/**
 * What viewers say of a site as a whole: the share of networks from which it fails right now. One network is one voice, so
 * that nobody makes a site fail alone. Pure; time is an argument.
 */
import type { SiteId } from '../../protocol/ids.ts';

const WINDOW_MS = 15_000;
const MAX_VOICES = 256;
/** Fewer networks than this may be in trouble themselves. */
const LEAST_FAILING = 3;

interface Word {
  readonly failed: boolean;
  readonly atMs: number;
}

export class SiteEvidence {
  /** The last word of each network. */
  readonly #sites = new Map<SiteId, Map<number, Word>>();

  note(site: SiteId, network: number, failed: boolean, nowMs: number): void {
    const words = this.#sites.get(site) ?? new Map<number, Word>();
    this.#sites.set(site, words);
    // What another tracker has heard may be older than what was heard here.
    if ((words.get(network)?.atMs ?? nowMs) > nowMs) return;
    words.delete(network);
    words.set(network, { failed, atMs: nowMs });
    for (const [key, { atMs }] of words) {
      if (words.size <= MAX_VOICES && nowMs - atMs < WINDOW_MS) break;
      words.delete(key);
    }
  }

  /** 0–1 of the networks heard lately; 0 while too few of them fail. */
  failureShare(site: SiteId, nowMs: number): number {
    let failing = 0;
    let all = 0;
    for (const { failed, atMs } of this.#sites.get(site)?.values() ?? []) {
      if (nowMs - atMs >= WINDOW_MS) continue;
      all++;
      failing += Number(failed);
    }
    return failing < LEAST_FAILING ? 0 : failing / all;
  }
}

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

/** What was said of one site. */
class Words {
  /** The last word of each network, longest silent first. */
  readonly byNetwork = new Map<number, Word>();
  /** How many of them tell of a failure, however old they are. */
  failing = 0;

  add(network: number, word: Word): void {
    this.delete(network);
    this.byNetwork.set(network, word);
    if (word.failed) this.failing++;
  }
  delete(network: number): void {
    if (this.byNetwork.get(network)?.failed) this.failing--;
    this.byNetwork.delete(network);
  }
}

export class SiteEvidence {
  readonly #sites = new Map<SiteId, Words>();

  /** @returns whether the site's share of failures may have changed by it: where nobody tells of any, it has not. */
  note(site: SiteId, network: number, failed: boolean, nowMs: number): boolean {
    const words = this.#sites.get(site) ?? new Words();
    this.#sites.set(site, words);
    const { byNetwork, failing } = words;
    // What another tracker has heard may be older than what was heard here.
    if ((byNetwork.get(network)?.atMs ?? nowMs) > nowMs) return false;
    words.add(network, { failed, atMs: nowMs });
    for (const [key, { atMs }] of byNetwork) {
      if (byNetwork.size <= MAX_VOICES && nowMs - atMs < WINDOW_MS) break;
      words.delete(key);
    }
    return failing + words.failing > 0;
  }

  /** 0–1 of the networks heard lately; 0 while too few of them fail. */
  failureShare(site: SiteId, nowMs: number): number {
    const words = this.#sites.get(site);
    if (!words || words.failing < LEAST_FAILING) return 0;
    let failing = 0;
    let all = 0;
    for (const { failed, atMs } of words.byNetwork.values()) {
      if (nowMs - atMs >= WINDOW_MS) continue;
      all++;
      failing += Number(failed);
    }
    return failing < LEAST_FAILING ? 0 : failing / all;
  }
}

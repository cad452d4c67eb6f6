/** Counts the signals of each site, so that a site that sends too many cannot fill the signal log. */
import type { SiteId } from '../protocol/base/ids.ts';

const WINDOW_MS = 60_000;
const MAX_SIGNALS = 1_000;

export class SignalRate {
  readonly #counts = new Map<SiteId, { readonly sinceMs: number; signals: number }>();

  /** Counts one more signal. @returns whether the site has sent too many within the last minute */
  isExceeded(site: SiteId, nowMs: number): boolean {
    const counted = this.#counts.get(site);
    if (!counted || nowMs - counted.sinceMs >= WINDOW_MS || nowMs < counted.sinceMs) {
      this.#counts.set(site, { sinceMs: nowMs, signals: 1 });
      return false;
    }
    return ++counted.signals > MAX_SIGNALS;
  }
}

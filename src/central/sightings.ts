/** Which sites the trackers see up and down. In memory: it is told again every few seconds, and old news is none. */
import type { SiteId } from '../protocol/ids.ts';

const FRESH_MS = 30_000;

interface Sighting {
  readonly up: boolean;
  readonly atMs: number;
}

export class Sightings {
  readonly #bySite = new Map<SiteId, Map<string, Sighting>>();

  tell(tracker: string, site: SiteId, up: boolean, nowMs: number): void {
    const sightings = this.#bySite.get(site) ?? new Map<string, Sighting>();
    sightings.set(tracker, { up, atMs: nowMs });
    this.#bySite.set(site, sightings);
  }

  /** Up where any tracker reaches it: that tracker's viewers can be sent there. */
  stateOf(site: SiteId, nowMs: number): 'up' | 'down' | 'unknown' {
    const fresh = [...(this.#bySite.get(site)?.values() ?? [])].filter(({ atMs }) => nowMs - atMs < FRESH_MS);
    if (fresh.length === 0) return 'unknown';
    return fresh.some(({ up }) => up) ? 'up' : 'down';
  }
}

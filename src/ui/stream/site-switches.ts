/** Which site serves the video, and when that changed. Pure: hosts of segments in, a history of sites out. */
import type { Source } from '../../protocol/tracker.ts';

export interface SiteSwitch {
  /** Names of sites, or hosts of unknown ones; undefined at the start of playback. */
  readonly from: string | undefined;
  readonly to: string;
  readonly atMs: number;
}

interface HostSwitch {
  readonly from: string | undefined;
  readonly to: string;
  readonly atMs: number;
}

interface Serving {
  /** Every site that was ever offered, by its host: one that has left the ranking may still serve the last seconds. */
  readonly known: ReadonlyMap<string, { readonly site: string; readonly name: string }>;
  readonly host: string | undefined;
  /** Newest first. The site of a host may become known later. */
  readonly switches: readonly HostSwitch[];
}

export const NOT_SERVING: Serving = { known: new Map(), host: undefined, switches: [] };
const MAX_SWITCHES = 20;

export function addSources(serving: Serving, sources: readonly Source[]): Serving {
  const known = new Map(serving.known);
  for (const { baseUrl, site, name } of sources) known.set(new URL(baseUrl).host, { site, name });
  return { ...serving, known };
}

/** A segment arrived from `host`. */
export function recordServed(serving: Serving, host: string, nowMs: number): Serving {
  if (serving.host === host) return serving;
  const latest = { from: serving.host, to: host, atMs: nowMs };
  return { ...serving, host, switches: [latest, ...serving.switches].slice(0, MAX_SWITCHES) };
}

/** Newest first. */
export function listSwitches({ known, switches }: Serving): readonly SiteSwitch[] {
  const nameOf = (host: string): string => known.get(host)?.name ?? host;
  return switches.map(({ from, to, atMs }) => ({
    from: from === undefined ? undefined : nameOf(from),
    to: nameOf(to),
    atMs,
  }));
}

/** The site of the last segment. */
export const findServingSite = (serving: Serving): string | undefined =>
  serving.host === undefined ? undefined : serving.known.get(serving.host)?.site;

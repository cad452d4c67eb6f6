/** Which site serves, and when that changed. Pure: hosts in, history out. */
import type { Source } from '../../protocol/tracker.ts';

export interface Move {
  readonly from: string | undefined;
  readonly to: string;
  readonly atMs: number;
}

/** One host after another; who that is may be learned later. */
interface Step {
  readonly from: string | undefined;
  readonly to: string;
  readonly atMs: number;
}

export interface Serving {
  /** Every site that was ever offered, by host: one that has left the ranking may still serve the last seconds. */
  readonly known: ReadonlyMap<string, { readonly site: string; readonly name: string }>;
  readonly host: string | undefined;
  /** Newest first. */
  readonly steps: readonly Step[];
}

export const NOBODY: Serving = { known: new Map(), host: undefined, steps: [] };
const MOST_MOVES = 20;

export function learnSources(serving: Serving, sources: readonly Source[]): Serving {
  const known = new Map(serving.known);
  for (const { baseUrl, site, name } of sources) known.set(new URL(baseUrl).host, { site, name });
  return { ...serving, known };
}

export function noteServed(serving: Serving, host: string, nowMs: number): Serving {
  if (serving.host === host) return serving;
  const step = { from: serving.host, to: host, atMs: nowMs };
  return { ...serving, host, steps: [step, ...serving.steps].slice(0, MOST_MOVES) };
}

/** Newest first, by the sites' names as far as they are known. */
export function listMoves({ known, steps }: Serving): readonly Move[] {
  const nameOf = (host: string): string => known.get(host)?.name ?? host;
  return steps.map(({ from, to, atMs }) => ({
    from: from === undefined ? undefined : nameOf(from),
    to: nameOf(to),
    atMs,
  }));
}

/** The site that gave the last segment. */
export const findServing = (serving: Serving): string | undefined =>
  serving.host === undefined ? undefined : serving.known.get(serving.host)?.site;

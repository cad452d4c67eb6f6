/** Which site serves, and when that changed. Pure: hosts in, history out. */
import type { Source } from '../../protocol/tracker.ts';

export interface Move {
  readonly from: string | undefined;
  readonly to: string;
  readonly atMs: number;
}

export interface Serving {
  /** Every site that was ever offered, by host: one that has left the ranking may still serve the last seconds. */
  readonly known: ReadonlyMap<string, { readonly site: string; readonly name: string }>;
  readonly host: string | undefined;
  /** Newest first. */
  readonly moves: readonly Move[];
}

export const NOBODY: Serving = { known: new Map(), host: undefined, moves: [] };
const MOST_MOVES = 20;

export function learnSources(serving: Serving, sources: readonly Source[]): Serving {
  const known = new Map(serving.known);
  for (const { baseUrl, site, name } of sources) known.set(new URL(baseUrl).host, { site, name });
  return { ...serving, known };
}

export function noteServed(serving: Serving, host: string, nowMs: number): Serving {
  if (serving.host === host) return serving;
  const nameOf = (each: string): string => serving.known.get(each)?.name ?? each;
  const move: Move = {
    from: serving.host === undefined ? undefined : nameOf(serving.host),
    to: nameOf(host),
    atMs: nowMs,
  };
  return { ...serving, host, moves: [move, ...serving.moves].slice(0, MOST_MOVES) };
}

/** The site that gave the last segment. */
export const findServing = (serving: Serving): string | undefined =>
  serving.host === undefined ? undefined : serving.known.get(serving.host)?.site;

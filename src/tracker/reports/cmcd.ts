/**
 * Parses Common Media Client Data, CTA-5004 (version 1) and CTA-5004-B (version 2), as far as it describes how a site
 * serves. Anyone may send it, so everything is bounded, and invalid parts are skipped. Pure.
 */

const MAX_KEYS = 64;
const MAX_VALUE_CHARACTERS = 2_048;
const MAX_EVENTS = 64;

/** Keys and values of one report. Strings have no quotes; an inner list is represented by its first item. */
export type Cmcd = ReadonlyMap<string, string>;

/** Parses `br=3200,bs,d=4004,sid="…"`: a key has a value or is true, strings are quoted, lists are in parentheses. */
export function parseCmcd(text: string): Cmcd {
  const found = new Map<string, string>();
  const pattern =
    /\s*([a-z][a-z0-9_.-]*)(?:=("(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)|[^,]*))?\s*(?:,|$)/gy;
  for (let count = 0; count < MAX_KEYS && pattern.lastIndex < text.length; count++) {
    const match = pattern.exec(text);
    if (!match?.[1]) break;
    const value = match[2] ?? 'true';
    if (value.length <= MAX_VALUE_CHARACTERS) found.set(match[1], readItem(value));
  }
  return found;
}

function readItem(value: string): string {
  if (value.startsWith('(')) {
    const first = /^\(\s*("(?:[^"\\]|\\.)*"|[^\s;)]+)/.exec(value);
    return first?.[1] ? readItem(first[1]) : '';
  }
  if (value.startsWith('"')) return value.slice(1, -1).replaceAll(/\\(.)/g, '$1');
  return value.split(';')[0] ?? '';
}

export const numberOf = (cmcd: Cmcd, key: string): number | undefined => {
  const value = Number(cmcd.get(key) ?? Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
};

/** The outcome of one segment request, as a player reports it. */
export interface SegmentReport {
  readonly host: string;
  readonly bps: number | undefined;
  readonly failed: boolean;
}

/** Reads the response-received events (`e=rr`) of a body of type `application/cmcd`, one event per line. */
export function readEvents(body: string): readonly SegmentReport[] {
  return body
    .split('\n', MAX_EVENTS)
    .map(parseCmcd)
    .flatMap(cmcd => (cmcd.get('e') === 'rr' ? (readSegment(cmcd) ?? []) : []));
}

/** Smaller segments measure the round trip rather than the throughput. */
const LEAST_BITS = 200_000;
const GONE = 410;
/** A site at its limits (of connections, or of its uplink) refuses single requests. That is no failure of the site. */
const BUSY: readonly number[] = [429, 503];

function readSegment(cmcd: Cmcd): SegmentReport | undefined {
  const host = hostOf(cmcd.get('url'));
  if (!host) return undefined;
  const status = numberOf(cmcd, 'rc');
  const isBusy = status !== undefined && BUSY.includes(status);
  const failed = status !== undefined && (status === 0 || status >= 400) && status !== GONE && !isBusy;
  const bits = (numberOf(cmcd, 'br') ?? 0) * (numberOf(cmcd, 'd') ?? 0);
  const ms = numberOf(cmcd, 'ttlb') ?? 0;
  const bps = !failed && !isBusy && bits >= LEAST_BITS && ms > 0 ? (bits * 1_000) / ms : undefined;
  return { host, bps, failed };
}

function hostOf(url: string | undefined): string | undefined {
  try {
    return url === undefined ? undefined : new URL(url).host;
  } catch {
    return undefined;
  }
}

/** What the viewers of one network said of one site: a few voices, each fading with its age, and their median. Pure. */
import type { SiteId } from '../../protocol/ids.ts';

export interface Observation {
  readonly site: SiteId;
  /** Throughput, bits a second. */
  readonly bps?: number | undefined;
  readonly rttMs?: number | undefined;
  /** The player got nothing from this site. */
  readonly failed?: boolean | undefined;
  /** 0–1: how much a report of this kind counts. */
  readonly weight: number;
  /** Heard from another tracker. */
  readonly isHearsay?: boolean | undefined;
  /** How many voices it speaks for: another tracker has heard several. */
  readonly voices?: number | undefined;
}

export interface Voice {
  readonly who: number;
  /** NaN until it has told one. */
  logBps: number;
  rttMs: number;
  weight: number;
  atMs: number;
  readonly isHearsay: boolean;
  /** How many it speaks for. */
  count: number;
}
export interface Cell {
  readonly site: SiteId;
  readonly voices: Voice[];
  readonly failures: { readonly who: number; readonly atMs: number }[];
}

export interface Estimate {
  /** Logarithm of bits a second; undefined where nobody spoke. */
  readonly logBps: number | undefined;
  readonly weight: number;
  readonly ageMs: number;
}

/** A report counts half as much after so long. */
const HALF_LIFE_MS = 180_000;
/** Of two reports of one voice in short order, how much the newer counts: players' figures are means already. */
const NEWER_SHARE = 0.7;
const SAME_SPELL_MS = 60_000;
const FAILING_MS = 20_000;
const MAX_FAILURES = 4;
const MIN_BPS = 8_000;
const MAX_BPS = 10e9;
const MIN_RTT_MS = 0.1;
const MAX_RTT_MS = 5_000;

/** @returns what the voice now says of this site's throughput, smoothed; undefined where that is not new. */
export function speak(
  cell: Cell,
  who: number,
  told: Observation,
  maxVoices: number,
  nowMs: number,
): number | undefined {
  if (told.failed) noteFailure(cell, who, nowMs);
  const logBps = Math.log(clamp(told.bps, MIN_BPS, MAX_BPS));
  const rttMs = clamp(told.rttMs, MIN_RTT_MS, MAX_RTT_MS);
  if (Number.isNaN(logBps) && Number.isNaN(rttMs)) return undefined;
  const voice = findVoice(cell, who, told.isHearsay ?? false, maxVoices, nowMs);
  if (!voice || nowMs < voice.atMs) return undefined;
  const share = nowMs - voice.atMs < SAME_SPELL_MS ? NEWER_SHARE : 1;
  voice.logBps = blend(voice.logBps, logBps, share);
  voice.rttMs = blend(voice.rttMs, rttMs, share);
  voice.weight = told.weight;
  voice.count = told.voices ?? 1;
  voice.atMs = nowMs;
  // A viewer that is served again has not failed for good.
  if (!told.failed && !Number.isNaN(logBps)) remove(cell.failures, each => each.who === who);
  return Number.isNaN(logBps) ? undefined : voice.logBps;
}

const clamp = (value: number | undefined, least: number, most: number): number =>
  value === undefined || !Number.isFinite(value) ? Number.NaN : Math.min(most, Math.max(least, value));
const blend = (before: number, now: number, share: number): number =>
  Number.isNaN(now) ? before : Number.isNaN(before) ? now : before + share * (now - before);

function noteFailure({ failures }: Cell, who: number, nowMs: number): void {
  remove(failures, each => each.who === who);
  if (failures.length >= MAX_FAILURES) failures.shift();
  failures.push({ who, atMs: nowMs });
}

function remove<T>(list: T[], is: (each: T) => boolean): void {
  const at = list.findIndex(is);
  if (at >= 0) list.splice(at, 1);
}

/** The voice of this address; a new one takes the place of the one that was silent longest. */
function findVoice(
  { voices }: Cell,
  who: number,
  isHearsay: boolean,
  max: number,
  nowMs: number,
): Voice | undefined {
  const found = voices.find(each => each.who === who);
  if (found) return found;
  if (voices.length >= max) {
    const oldest = voices.reduce((a, b) => (b.atMs < a.atMs ? b : a));
    if (oldest.atMs > nowMs) return undefined;
    voices.splice(voices.indexOf(oldest), 1);
  }
  const voice: Voice = {
    who,
    logBps: Number.NaN,
    rttMs: Number.NaN,
    weight: 0,
    atMs: 0,
    isHearsay,
    count: 1,
  };
  voices.push(voice);
  return voice;
}

/**
 * Weighted median of the voices: one that lies is outvoted by two that do not. `counts`: which voices; `read`: as what they
 * are heard.
 */
export function estimate(
  cell: Cell,
  nowMs: number,
  counts: (voice: Voice) => boolean = () => true,
  read: (voice: Voice) => number = voice => voice.logBps,
): Estimate {
  const heard: { logBps: number; weight: number }[] = [];
  let total = 0;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const voice of cell.voices) {
    if (Number.isNaN(voice.logBps) || !counts(voice)) continue;
    const weight = voice.weight * leftOf(Math.max(0, nowMs - voice.atMs));
    heard.push({ logBps: read(voice), weight });
    total += weight;
    newestMs = Math.max(newestMs, voice.atMs);
  }
  if (heard.length === 0) return { logBps: undefined, weight: 0, ageMs: Number.POSITIVE_INFINITY };
  heard.sort((a, b) => a.logBps - b.logBps);
  let sum = 0;
  let median = heard.at(-1)?.logBps;
  for (const [at, { logBps, weight }] of heard.entries()) {
    sum += weight;
    if (sum * 2 < total) continue;
    const next = heard[at + 1];
    median = sum * 2 === total && next ? (logBps + next.logBps) / 2 : logBps;
    break;
  }
  return { logBps: median, weight: total, ageMs: Math.max(0, nowMs - newestMs) };
}

/** What is left of the weight of a report after so long. */
export const leftOf = (ms: number): number => 2 ** (-ms / HALF_LIFE_MS);

/** Median of the round trips; undefined where nobody measured one. */
export function rttOfCell({ voices }: Cell): number | undefined {
  const told = voices.map(({ rttMs }) => rttMs).filter(rttMs => !Number.isNaN(rttMs));
  return told.sort((a, b) => a - b)[told.length >> 1];
}

/** Its own failure is enough for a viewer; others believe two. */
export function isFailing(cell: Cell, who: number | undefined, nowMs: number): boolean {
  const recent = cell.failures.filter(({ atMs }) => nowMs - atMs < FAILING_MS);
  return recent.length >= 2 || recent.some(each => each.who === who);
}

/** Until when those believe it fails who have not failed there themselves. */
export function failingUntilMs({ failures }: Cell): number {
  const [, second] = failures.map(({ atMs }) => atMs).sort((a, b) => b - a);
  return second === undefined ? Number.NEGATIVE_INFINITY : second + FAILING_MS;
}

/** When a viewer last failed there; −∞: not lately. */
export const failedAtMs = ({ failures }: Cell, nowMs: number): number =>
  failures.reduce(
    (last, { atMs }) => (nowMs - atMs < FAILING_MS ? Math.max(last, atMs) : last),
    Number.NEGATIVE_INFINITY,
  );

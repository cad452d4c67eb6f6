/** One viewer: a player that fills a buffer segment by segment, and shows a still picture when it runs dry. */
import type { Steered } from '../../../src/tracker/steering/order.ts';

export const SEGMENT_S = 4;
const LADDER_BPS = [400e3, 800e3, 1.6e6, 3e6, 5e6] as const;
export const TOP_BITRATE_BPS = 5e6;
const MOST_BUFFER_S = 20;
/** A tuned player leaves a site that does not answer after this time. */
const FAILOVER_S = 2.5;
const NEWER_SHARE = 0.4;

export interface Viewing {
  readonly network: number;
  readonly accessLinkBps: number;
  readonly endsAtS: number;
  readonly luck: number;
  /** Has our own player, which measures; the others report their running estimate alone. */
  readonly isOwnPlayer: boolean;
  site: number;
  estimateBps: number;
  bufferS: number;
  hasStarted: boolean;
  /** Segments since it came to this site. */
  segmentsHere: number;
  /** What the tracker keeps of it; and the sites that its playlist lists, by their numbers. */
  readonly session: Steered;
  pathways: readonly number[];
  /** When its player, if it is ours, will next ask what to measure. */
  sampleAtMs: number;
}

export interface Outcome {
  readonly stallS: number;
  readonly bitrateBps: number;
  readonly bits: number;
  readonly loadS: number;
}

/** Loads one segment at this throughput; 0: the site does not answer. */
export function loadSegment(viewing: Viewing, throughputBps: number): Outcome {
  if (throughputBps <= 0) return { ...drain(viewing, FAILOVER_S), bitrateBps: 0, bits: 0, loadS: FAILOVER_S };
  const rate = LADDER_BPS.findLast(each => each <= 0.8 * viewing.estimateBps) ?? LADDER_BPS[0];
  const loadS = (rate * SEGMENT_S) / throughputBps;
  const { stallS } = drain(viewing, loadS);
  viewing.bufferS = Math.min(MOST_BUFFER_S, viewing.bufferS + SEGMENT_S);
  viewing.estimateBps += NEWER_SHARE * (throughputBps - viewing.estimateBps);
  viewing.hasStarted = true;
  viewing.segmentsHere++;
  return { stallS, bitrateBps: rate, bits: rate * SEGMENT_S, loadS };
}

function drain(viewing: Viewing, seconds: number): { readonly stallS: number } {
  const stallS = viewing.hasStarted ? Math.max(0, seconds - viewing.bufferS) : 0;
  viewing.bufferS = Math.max(0, viewing.bufferS - seconds);
  return { stallS };
}

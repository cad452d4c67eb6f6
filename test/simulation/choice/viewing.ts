/** One viewer: a player that fills its buffer segment by segment, and stalls when the buffer is empty. */
import type { SteeringState } from '../../../src/tracker/steering/order.ts';

export const SEGMENT_S = 4;
const LADDER_BPS = [400e3, 800e3, 1.6e6, 3e6, 5e6] as const;
export const TOP_BITRATE_BPS = 5e6;
const MAX_BUFFER_S = 20;
/** A tuned player leaves a site that does not respond after this time. */
const FAILOVER_S = 2.5;
const NEWER_SHARE = 0.4;

export interface Viewing {
  readonly network: number;
  readonly accessLinkBps: number;
  readonly endsAtS: number;
  readonly sessionRandom: number;
  /** True for our own player, which measures. Other players report only their running estimate. */
  readonly isOwnPlayer: boolean;
  site: number;
  estimateBps: number;
  bufferS: number;
  hasStarted: boolean;
  /** Segments since the last switch. */
  segmentsHere: number;
  /** The tracker's state of the session, and the sites in the playlist, by number. */
  readonly session: SteeringState;
  pathways: readonly number[];
  /** The time at which our own player next requests samples. */
  sampleAtMs: number;
}

export interface Outcome {
  readonly stallS: number;
  readonly bitrateBps: number;
  readonly bits: number;
  readonly loadS: number;
}

/** Loads one segment at this throughput; 0: the site does not respond. */
export function loadSegment(viewing: Viewing, throughputBps: number): Outcome {
  if (throughputBps <= 0) return { ...drain(viewing, FAILOVER_S), bitrateBps: 0, bits: 0, loadS: FAILOVER_S };
  const rate = LADDER_BPS.findLast(each => each <= 0.8 * viewing.estimateBps) ?? LADDER_BPS[0];
  const loadS = (rate * SEGMENT_S) / throughputBps;
  const { stallS } = drain(viewing, loadS);
  viewing.bufferS = Math.min(MAX_BUFFER_S, viewing.bufferS + SEGMENT_S);
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

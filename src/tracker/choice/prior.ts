/**
 * What is expected of every site before anything was measured: the logarithm of a throughput, by how far it is. One array
 * for each place viewers are at, kept, because every viewer of a coverage zone is at the same place. Pure.
 */
import type { Coordinates } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { distanceKm } from './distance.ts';
import type { SiteTable } from './sites.ts';

/** `nearest` looks at the map alone, `best-network` at the network alone, `auto` at the network, and stays near for a little. */
export const POLICIES = ['nearest', 'best-network', 'auto'] as const;
export type Policy = (typeof POLICIES)[number];

/** What one TCP connection gets over a short path, and the round trip that halves it. */
const SHORT_PATH_BPS = 60e6;
const HALVING_RTT_MS = 25;
/** Light in fibre, and the detours that cables make. */
const KM_PER_RTT_MS = 55;
const LOCAL_RTT_MS = 3;
/** A site or a viewer whose place nobody knows. */
const UNKNOWN_KM = 3_000;
/** `auto`: how much better than the site of the viewer's own zone another must be. */
const ZONE_TERM = Math.log(1.06);
/** `nearest`: distances that differ by less than this are no reason to prefer one site. */
export const DISTANCE_STEP_KM = 25;
/** One step outweighs everything but a site that is full or drained. */
const STEP_TERM = 100;
const UNKNOWN_STEPS = 1_000;

export interface Place {
  readonly coordinates?: Coordinates | undefined;
  /** The site whose coverage zone the viewer is in. */
  readonly zoneSite?: SiteId | undefined;
}

export const logThroughputAt = (rttMs: number): number =>
  Math.log(SHORT_PATH_BPS / (1 + rttMs / HALVING_RTT_MS));
export const rttOf = (km: number): number => LOCAL_RTT_MS + km / KM_PER_RTT_MS;

export interface Priors {
  /** Kilometres to each site; NaN where that is not known. */
  readonly km: Float64Array;
  /** Logarithm of bits a second. */
  readonly expected: Float64Array;
  /** What `nearest` adds for nearness; empty under the other policies. */
  readonly near: Float64Array;
  /** All sites, those first of which the most can be expected; and for each place in it, how much that is. */
  readonly order: Uint32Array;
  readonly most: Float64Array;
  /** The only site that the policy favours beside what is expected of it: that of the viewer's own zone; -1: none. */
  readonly favoured: number;
  /** By how much. */
  readonly favour: number;
}

/** What the policy adds for nearness. */
export const nearOf = ({ near, favoured, favour }: Priors, index: number): number =>
  near.length > 0 ? (near[index] as number) : index === favoured ? favour : 0;

export function makePriors(table: SiteTable, place: Place, policy: Policy): Priors {
  const km = new Float64Array(table.size);
  const expected = new Float64Array(table.size);
  const near = new Float64Array(policy === 'nearest' ? table.size : 0);
  for (const [index, { id, coordinates }] of table.facts.entries()) {
    const isOwnZone = id === place.zoneSite;
    const known = place.coordinates && coordinates ? distanceKm(place.coordinates, coordinates) : Number.NaN;
    km[index] = known;
    expected[index] = logThroughputAt(
      isOwnZone ? LOCAL_RTT_MS : rttOf(Number.isNaN(known) ? UNKNOWN_KM : known),
    );
    if (policy === 'nearest') near[index] = nearness(isOwnZone, known);
  }
  const mosts = policy === 'nearest' ? near : expected;
  const most = (index: number): number => mosts[index] as number;
  const order = Uint32Array.from({ length: table.size }, (_, index) => index).sort(
    (a, b) => most(b) - most(a),
  );
  const own = place.zoneSite === undefined ? undefined : table.indexOf.get(place.zoneSite);
  const favour = policy === 'auto' ? ZONE_TERM : 0;
  return { km, expected, near, order, most: Float64Array.from(order, most), favoured: own ?? -1, favour };
}

function nearness(isOwnZone: boolean, km: number): number {
  if (isOwnZone) return STEP_TERM;
  return -STEP_TERM * (Number.isNaN(km) ? UNKNOWN_STEPS : Math.round(km / DISTANCE_STEP_KM));
}

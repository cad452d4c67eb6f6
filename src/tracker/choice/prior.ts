/**
 * The expected throughput of every site without any measurement, derived from its distance, as a logarithm. The arrays
 * are cached by location, because all clients of a coverage zone are at the same location. No I/O.
 */

import type { SiteId } from '../../protocol/base/ids.ts';
import type { Coordinates } from '../../protocol/central.ts';
import { distanceKm } from './distance.ts';
import type { SiteTable } from './sites.ts';

/**
 * `nearest` ranks by distance only, `best-network` by expected throughput only, `auto` by throughput with a small bonus
 * for the site of the client's zone.
 */
export const POLICIES = ['nearest', 'best-network', 'auto'] as const;
export type Policy = (typeof POLICIES)[number];

/** Throughput of one TCP connection over a short path, and the round trip that halves it. */
const SHORT_PATH_BPS = 60e6;
const HALVING_RTT_MS = 25;
/** Propagation in fibre, including the detours of real cables. */
const KM_PER_RTT_MS = 55;
const LOCAL_RTT_MS = 3;
/** Assumed distance if the location of the site or the client is unknown. */
const UNKNOWN_KM = 3_000;
/** `auto`: another site must be this much better than the site of the client's own zone. */
const ZONE_TERM = Math.log(1.06);
/** `nearest`: distances that differ by less than this are equal. */
const DISTANCE_STEP_KM = 25;
/** One step outweighs every other term, except those of full and drained sites. */
const STEP_TERM = 100;
const UNKNOWN_STEPS = 1_000;

/** A location as far as it is known. */
export interface Place {
  readonly coordinates?: Coordinates | undefined;
  /** The coverage zone that contains the client's address. */
  readonly zone?: { readonly site: SiteId } | undefined;
}

export const logThroughputAt = (rttMs: number): number =>
  Math.log(SHORT_PATH_BPS / (1 + rttMs / HALVING_RTT_MS));
const rttOf = (km: number): number => LOCAL_RTT_MS + km / KM_PER_RTT_MS;

export interface Priors {
  /** Kilometres to each site; NaN if unknown. */
  readonly km: Float64Array;
  /** Logarithm of bits per second. */
  readonly expected: Float64Array;
  /** The distance term of `nearest`; empty under the other policies. */
  readonly distanceTerms: Float64Array;
  /** All sites, best first: under `nearest` by distance term, otherwise by expected throughput. */
  readonly bestFirst: Uint32Array;
  /** The distance term or expected throughput of the site at each position of `bestFirst`. */
  readonly bestFirstValues: Float64Array;
  /** The site of the client's own zone; -1 if there is none. */
  readonly zoneSite: number;
  /** The bonus that the policy adds for this site only. */
  readonly zoneTerm: number;
}

/** The term that the policy adds for a short distance. */
export const distanceTermOf = ({ distanceTerms, zoneSite, zoneTerm }: Priors, index: number): number =>
  distanceTerms.length > 0 ? (distanceTerms[index] as number) : index === zoneSite ? zoneTerm : 0;

export function makePriors(table: SiteTable, place: Place, policy: Policy): Priors {
  const km = new Float64Array(table.size);
  const expected = new Float64Array(table.size);
  const distanceTerms = new Float64Array(policy === 'nearest' ? table.size : 0);
  for (const [index, { id, coordinates }] of table.facts.entries()) {
    const isOwnZone = id === place.zone?.site;
    const known = place.coordinates && coordinates ? distanceKm(place.coordinates, coordinates) : Number.NaN;
    km[index] = known;
    expected[index] = logThroughputAt(
      isOwnZone ? LOCAL_RTT_MS : rttOf(Number.isNaN(known) ? UNKNOWN_KM : known),
    );
    if (policy === 'nearest') distanceTerms[index] = nearestTerm(isOwnZone, known);
  }
  const values = policy === 'nearest' ? distanceTerms : expected;
  const priorAt = (index: number): number => values[index] as number;
  const bestFirst = Uint32Array.from({ length: table.size }, (_, index) => index).sort(
    (a, b) => priorAt(b) - priorAt(a),
  );
  const own = place.zone && table.indexOf.get(place.zone.site);
  return {
    km,
    expected,
    distanceTerms,
    bestFirst,
    bestFirstValues: Float64Array.from(bestFirst, priorAt),
    zoneSite: own ?? -1,
    zoneTerm: policy === 'auto' ? ZONE_TERM : 0,
  };
}

/** The distance term of `nearest`. */
function nearestTerm(isOwnZone: boolean, km: number): number {
  if (isOwnZone) return STEP_TERM;
  return -STEP_TERM * (Number.isNaN(km) ? UNKNOWN_STEPS : Math.round(km / DISTANCE_STEP_KM));
}

/** Great-circle distance. Pure. */
import type { Coordinates } from '../../protocol/central.ts';

/** Mean radius of the earth (IUGG), kilometres. */
const EARTH_RADIUS_KM = 6_371.0088;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Kilometres between two places (haversine). */
export function distanceKm(a: Coordinates, b: Coordinates): number {
  const latitude = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2;
  const longitude = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  const h = latitude + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * longitude;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

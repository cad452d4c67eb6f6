/** Projects sites to a small map: degrees to the units of the drawing. Pure. */
import type { Coordinates } from '../../../protocol/central.ts';

export const MAP_WIDTH = 860;
export const MAP_HEIGHT = 320;
const MARGIN = 56;
/** The map shows at least this many degrees, so that a single site or neighbours are not enlarged too much. */
const MIN_SPAN_DEGREES = 4;

interface Projection {
  project(coordinates: Coordinates): { readonly x: number; readonly y: number };
  /** Degrees of the grid lines. */
  readonly meridians: readonly number[];
  readonly parallels: readonly number[];
}

function gridLines(low: number, high: number): readonly number[] {
  const step = [1, 2, 5, 10, 20, 30, 45].find(each => (high - low) / each <= 7) ?? 60;
  const first = Math.ceil(low / step) * step;
  const count = Math.floor((high - first) / step) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => first + index * step);
}

/** Equirectangular, true to shape in the middle, at the largest scale that fits all sites. */
export function projectSites(places: readonly Coordinates[]): Projection {
  const span = (values: readonly number[]): readonly [middle: number, size: number] => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [(low + high) / 2, Math.max(MIN_SPAN_DEGREES, high - low)];
  };
  const [middleLongitude, width] = span(places.map(each => each.longitude));
  const [middleLatitude, height] = span(places.map(each => each.latitude));
  const narrowing = Math.max(0.2, Math.cos((middleLatitude * Math.PI) / 180));
  const scale = Math.min((MAP_WIDTH - 2 * MARGIN) / (width * narrowing), (MAP_HEIGHT - 2 * MARGIN) / height);
  const halfWidth = MAP_WIDTH / 2 / scale / narrowing;
  const halfHeight = MAP_HEIGHT / 2 / scale;
  return {
    project: ({ latitude, longitude }) => ({
      x: MAP_WIDTH / 2 + (longitude - middleLongitude) * narrowing * scale,
      y: MAP_HEIGHT / 2 - (latitude - middleLatitude) * scale,
    }),
    meridians: gridLines(middleLongitude - halfWidth, middleLongitude + halfWidth),
    parallels: gridLines(middleLatitude - halfHeight, middleLatitude + halfHeight),
  };
}

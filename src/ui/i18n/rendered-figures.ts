/** Writes the figures of a ranking reason the way the page's language writes them. Pure. */
import type { Figures } from '../../protocol/tracker.ts';
import type { Format } from './format.ts';

/** A figure that the tracker did not send is an empty string. */
export interface RenderedFigures {
  readonly km: string;
  readonly prefix: string;
  readonly expected: string;
  readonly measured: string;
  readonly needed: string;
  readonly age: string;
  readonly responses: string;
  readonly egress: string;
  readonly limit: string;
  readonly soon: string;
  readonly share: string;
  readonly weight: string;
  /** A weight of 1.3 is an increase of 30%. */
  readonly weightIncrease: string;
  readonly name: string;
  readonly isOwn: boolean;
  readonly hasNoHolders: boolean;
}

export function renderFigures(
  figures: Figures | undefined,
  format: Pick<Format, 'number' | 'percent' | 'bitrate' | 'duration'>,
): RenderedFigures {
  const { ageS, egressBps, expectedBps, holders, km, limitBps, measuredBps, neededBps } = figures ?? {};
  const { name = '', own = false, prefix = '', responses, share, assignedBps, weight } = figures ?? {};
  const render = (value: number | undefined, write: (value: number) => string): string =>
    value === undefined ? '' : write(value);
  return {
    km: render(km, format.number),
    prefix,
    expected: render(expectedBps, format.bitrate),
    measured: render(measuredBps, format.bitrate),
    needed: render(neededBps, format.bitrate),
    age: render(ageS, seconds => format.duration(seconds * 1_000)),
    responses: render(responses, format.number),
    egress: render(egressBps, format.bitrate),
    limit: render(limitBps, format.bitrate),
    soon: render(assignedBps, format.bitrate),
    share: render(share, format.percent),
    weight: render(weight, format.number),
    weightIncrease: render(weight, factor => format.percent(factor - 1)),
    name,
    isOwn: own,
    hasNoHolders: holders === 0,
  };
}

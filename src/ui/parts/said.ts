/** The figures of a reason as people of the page's language write them, for the sentences of its texts. Pure. */
import type { Figures } from '../../protocol/tracker.ts';

/** How the page's language writes numbers. */
interface Writing {
  readonly number: (value: number) => string;
  readonly percent: (fraction: number) => string;
  readonly bitrate: (bitsPerSecond: number) => string;
  readonly seconds: (seconds: number) => string;
}

/** Empty where there is no such figure. */
export interface Said {
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
  readonly name: string;
  readonly isOwn: boolean;
  readonly isAlone: boolean;
}

export function sayFigures(figures: Figures | undefined, format: Writing): Said {
  const { ageS, egressBps, expectedBps, holders, km, limitBps, measuredBps, neededBps } = figures ?? {};
  const { name = '', own = false, prefix = '', responses, share, soonBps, weight } = figures ?? {};
  const say = (value: number | undefined, as: (value: number) => string): string =>
    value === undefined ? '' : as(value);
  return {
    km: say(km, format.number),
    prefix,
    expected: say(expectedBps, format.bitrate),
    measured: say(measuredBps, format.bitrate),
    needed: say(neededBps, format.bitrate),
    age: say(ageS, format.seconds),
    responses: say(responses, format.number),
    egress: say(egressBps, format.bitrate),
    limit: say(limitBps, format.bitrate),
    soon: say(soonBps, format.bitrate),
    share: say(share, format.percent),
    weight: say(weight, format.number),
    name,
    isOwn: own,
    isAlone: holders === 0,
  };
}

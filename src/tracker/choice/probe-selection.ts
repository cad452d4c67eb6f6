/**
 * Of which sites a player that can measure should take a small sample: at the start of those nobody of its network has
 * measured lately, then now and then of one, and of all as soon as it is served badly. Pure.
 */
import { enoughOf, expectedLog, type Pick, type Question } from './choose.ts';

const KNOWN_MS = 120_000;
const CALM_KNOWN_MS = 180_000;
const TROUBLED_KNOWN_MS = 8_000;
/** Of the site that a player had to leave. */
const AWAY_KNOWN_MS = 10_000;
const AT_START = 4;
/** So much worse than the line has been, or barely more than the video needs, is served badly. */
const BADLY = Math.log(1.6);
const BARELY_ENOUGH = Math.log(4 / 1.3);
const CALM_AGAIN_S = 8;
const TROUBLED_AGAIN_S = 2;

export interface Curiosity {
  readonly indexes: readonly number[];
  readonly nextInS: number;
}

export function chooseSamples(
  picks: readonly Pick[],
  question: Question,
  current: number | undefined,
  isFirst: boolean,
  home?: number,
): Curiosity {
  const { network, priors } = question;
  const find = (index: number) => network.measured.find(each => each.index === index);
  const isStale = (ms: number) => (index: number) => (find(index)?.ageMs ?? Number.POSITIVE_INFINITY) > ms;
  const others = picks.map(({ index }) => index).filter(index => index !== current);
  if (isFirst) {
    const all = picks.map(({ index }) => index);
    return { indexes: all.filter(isStale(KNOWN_MS)).slice(0, AT_START), nextInS: TROUBLED_AGAIN_S };
  }
  if (current === undefined) return { indexes: [], nextInS: CALM_AGAIN_S };
  const now = expectedLog(priors.expected[current] as number, network.lineLogBps, find(current));
  const isBad = now < network.lineLogBps - BADLY || now < enoughOf(question.bitrateBps) - BARELY_ENOUGH;
  if (isBad)
    return {
      indexes: others.filter(isStale(TROUBLED_KNOWN_MS)).slice(0, AT_START),
      nextInS: TROUBLED_AGAIN_S,
    };
  // Whether a player can go home, nobody else may be there to find out.
  const mayReturn = home !== undefined && others.includes(home) && isStale(AWAY_KNOWN_MS)(home);
  return mayReturn
    ? { indexes: [home], nextInS: CALM_AGAIN_S }
    : { indexes: others.filter(isStale(CALM_KNOWN_MS)).slice(0, 1), nextInS: CALM_AGAIN_S };
}

/**
 * Selects the sites from which a player should load a small sample: at the start those without recent measurements from
 * its network, later one now and then, and several if it is served badly. Pure.
 */
import { expectedLog, type Question, type RankedSite, sufficientLog } from './choose.ts';

const KNOWN_MS = 120_000;
const CALM_KNOWN_MS = 180_000;
const TROUBLED_KNOWN_MS = 8_000;
/** For the primary site, which the player had to leave. */
const PRIMARY_KNOWN_MS = 10_000;
const AT_START = 4;
/** A player is served badly if it gets this much less than its access link allows, or barely more than the video needs. */
const BADLY = Math.log(1.6);
const BARELY_ENOUGH = Math.log(4 / 1.3);
const CALM_AGAIN_S = 8;
const TROUBLED_AGAIN_S = 2;

/** The samples that a player should take, and the seconds until it should report again. */
export interface SampleRequest {
  readonly indexes: readonly number[];
  readonly nextInS: number;
}

export interface SamplingPlayer {
  readonly picks: readonly RankedSite[];
  readonly question: Question;
  /** The site that serves the player, and its primary site. */
  readonly current: number | undefined;
  readonly primary: number | undefined;
  /** The player has not reported anything yet. */
  readonly isFirst: boolean;
}

export function chooseSamples({ picks, question, current, primary, isFirst }: SamplingPlayer): SampleRequest {
  const { network, priors } = question;
  const find = (index: number) => network.measured.find(each => each.index === index);
  const isStale = (ms: number) => (index: number) => (find(index)?.ageMs ?? Number.POSITIVE_INFINITY) > ms;
  const others = picks.map(({ index }) => index).filter(index => index !== current);
  if (isFirst) {
    const all = picks.map(({ index }) => index);
    return { indexes: all.filter(isStale(KNOWN_MS)).slice(0, AT_START), nextInS: TROUBLED_AGAIN_S };
  }
  if (current === undefined) return { indexes: [], nextInS: CALM_AGAIN_S };
  const now = expectedLog(priors.expected[current] as number, network.accessLinkLogBps, find(current));
  const isBad =
    now < network.accessLinkLogBps - BADLY || now < sufficientLog(question.bitrateBps) - BARELY_ENOUGH;
  if (isBad)
    return {
      indexes: others.filter(isStale(TROUBLED_KNOWN_MS)).slice(0, AT_START),
      nextInS: TROUBLED_AGAIN_S,
    };
  // A measurement of the primary site shows whether the player can return. Perhaps no other player measures it.
  const mayReturn = primary !== undefined && others.includes(primary) && isStale(PRIMARY_KNOWN_MS)(primary);
  return mayReturn
    ? { indexes: [primary], nextInS: CALM_AGAIN_S }
    : { indexes: others.filter(isStale(CALM_KNOWN_MS)).slice(0, 1), nextInS: CALM_AGAIN_S };
}

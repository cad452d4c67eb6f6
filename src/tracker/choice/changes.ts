/** Finds, for each site, the changes that would move it to the first rank or away from it. Pure. */
import type { Figures, RankChange } from '../../protocol/tracker.ts';
import {
  expectedForUtility,
  expectedLog,
  FAILING_TERM,
  FILLING_TERM,
  hasSource,
  isUp,
  lowestScoreBefore,
  PARTIAL_TERM,
  type Question,
  type RankedSite,
  type RankingState,
  sufficientLog,
  utilityOf,
} from './choose.ts';
import { DRAINED_TERM, FULL_TERM, RECOVERING_TERM } from './sites.ts';

/** A change by more than this factor is not realistic. */
const MAX_FACTOR = 100;
const MIN_BPS = 1_000;

export function findRankChanges(
  state: RankingState,
  question: Question,
  ranking: readonly RankedSite[],
  index: number,
): readonly RankChange[] {
  const own = ranking.find(pick => pick.index === index);
  const [first, second] = ranking;
  if (!state.table.facts[index]?.active) return [change('join', 'The site would have to join.')];
  if (!own)
    return isUp(state, index)
      ? []
      : [change('respond-to-probes', 'The site would have to respond to probes.')];
  if (!first) return [];
  return own === first
    ? [findEndOfLead(state, question, first, second)]
    : findWaysToLead(state, question, own, first);
}

/** The change that would end its lead. */
function findEndOfLead(
  state: RankingState,
  question: Question,
  first: RankedSite,
  second: RankedSite | undefined,
): RankChange {
  if (!second) return change('only-failure', 'Only a failure of this site: no other site is available.');
  const name = state.table.facts[second.index]?.name ?? '';
  const now = expectedOf(question, first);
  // The lowest score that keeps the first rank.
  const score = lowestScoreBefore(state, question, first.index, second);
  const needed = expectedAt(question, first, score);
  const figures = { expectedBps: Math.exp(now), neededBps: roundTo3(Math.exp(needed), Math.floor), name };
  if (state.policy === 'nearest' || figures.neededBps < MIN_BPS) {
    return change('falls-never', 'Stays first as long as it responds and has headroom.');
  }
  return change(
    'falls',
    `Stays first unless expected throughput drops below ${megabits(figures.neededBps)} (now ${megabits(figures.expectedBps)}); then ${name}.`,
    figures,
  );
}

/** The changes that would give it the first rank. */
function findWaysToLead(
  state: RankingState,
  question: Question,
  own: RankedSite,
  first: RankedSite,
): readonly RankChange[] {
  const { policy } = state;
  const gap = first.score - own.score;
  if (gap > -RECOVERING_TERM * 0.75)
    return [change('stay-up', 'The site would have to stay up for a while.')];
  if (gap > -DRAINED_TERM / 2) return [change('end-drain', 'End the drain.')];
  if (gap > -FULL_TERM / 2) return [change('headroom', 'Reduce its traffic or raise its egress limit.')];
  if (gap > -FAILING_TERM / 2 && policy !== 'nearest')
    return [change('succeed', 'Viewers on this network would have to play from it successfully.')];
  if (policy === 'nearest') {
    const text =
      "It would have to be nearer than the site before it, or have the viewer's network in its zone.";
    return [change('nearer', text)];
  }
  const changes: RankChange[] = [];
  const score = lowestScoreBefore(state, question, own.index, first);
  const now = expectedOf(question, own);
  const needed = expectedAt(question, own, score);
  const name = state.table.facts[first.index]?.name ?? '';
  const figures = { expectedBps: Math.exp(now), neededBps: roundTo3(Math.exp(needed), Math.ceil), name };
  if (needed - now < Math.log(MAX_FACTOR)) {
    const text = `Comes first if expected throughput rises above ${megabits(figures.neededBps)} (now ${megabits(figures.expectedBps)}); now first: ${name}.`;
    changes.push(change('rises', text, figures));
  } else {
    const text = `Higher throughput would not help: ${name} already delivers several times what the video needs.`;
    changes.push(change('rises-never', text, { name }));
  }
  const times = roundTo3(Math.exp(score - own.score), Math.ceil);
  if (times < MAX_FACTOR)
    changes.push(change('raise-weight', `Or multiply its weight by ${times}.`, { weight: times }));
  const { holding } = question;
  const fetching = holding.partial.includes(own.index) ? PARTIAL_TERM : FILLING_TERM;
  const holds = holding.full.includes(own.index);
  if (!holds && hasSource(state, holding) && own.score - fetching >= score)
    changes.push(change('hold-video', 'Or store the whole video there.'));
  return changes;
}

function expectedOf({ network, priors }: Question, { index }: RankedSite): number {
  const measured = network.measured.find(each => each.index === index);
  return expectedLog(priors.expected[index] as number, network.accessLinkLogBps, measured);
}

/** The expected throughput with which this site would have that score. */
function expectedAt(question: Question, pick: RankedSite, score: number): number {
  const sufficient = sufficientLog(question.bitrateBps);
  const utility = utilityOf(expectedOf(question, pick), sufficient);
  return expectedForUtility(utility + (score - pick.score), sufficient);
}

const change = (code: RankChange['code'], text: string, figures?: Figures): RankChange => ({
  code,
  text,
  ...(figures ? { figures } : {}),
});
/** Rounds to three digits, in the direction in which the change is certain to have happened. */
function roundTo3(value: number, towards: (value: number) => number): number {
  if (!(value > 0)) return 0;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((towards(value / unit) * unit).toPrecision(3));
}
const megabits = (bps: number): string => `${Number((bps / 1e6).toPrecision(3))} Mbit/s`;

/** What would change a decision: for each site, what would bring it to the first place, or take it from there. Pure. */
import type { Figures, RankChange } from '../../protocol/tracker.ts';
import {
  enoughOf,
  expectedFor,
  expectedLog,
  FAILING_TERM,
  FILLING_TERM,
  hasSource,
  isUp,
  leastBefore,
  PARTIAL_TERM,
  type Pick,
  type Question,
  useful,
  type World,
} from './choose.ts';
import { DRAINED_TERM, FULL_TERM, PROVING_TERM } from './sites.ts';

/** A change by more than this is none that will happen. */
const MOST_TIMES = 100;
const LEAST_BPS = 1_000;

export function whatWouldChange(
  world: World,
  question: Question,
  ranking: readonly Pick[],
  index: number,
): readonly RankChange[] {
  const own = ranking.find(pick => pick.index === index);
  const [first, second] = ranking;
  if (!world.table.facts[index]?.active) return [change('join', 'It would have to join.')];
  if (!own)
    return isUp(world, index) ? [] : [change('respond-to-probes', 'It would have to answer the probes.')];
  if (!first) return [];
  return own === first ? [whatEnds(world, question, first, second)] : whatBrings(world, question, own, first);
}

/** What would take the first place from it. */
function whatEnds(world: World, question: Question, first: Pick, second: Pick | undefined): RankChange {
  if (!second) return change('only-failure', 'Nothing but its own failure: no other site is offered.');
  const name = world.table.facts[second.index]?.name ?? '';
  const now = expectedOf(question, first);
  // Just below the lowest score that still keeps it there.
  const score = leastBefore(world, question, first.index, second);
  const needed = expectedAt(question, first, score);
  const figures = { expectedBps: Math.exp(now), neededBps: roundTo3(Math.exp(needed), Math.floor), name };
  if (world.policy === 'nearest' || figures.neededBps < LEAST_BPS) {
    return change('falls-never', 'It stays first as long as it answers and has room, whatever it gives.');
  }
  return change(
    'falls',
    `It stays first until what is expected of it falls from ${megabits(figures.expectedBps)} to about ${megabits(figures.neededBps)} (then first: ${name}).`,
    figures,
  );
}

/** What would give it the first place. */
function whatBrings(world: World, question: Question, own: Pick, first: Pick): readonly RankChange[] {
  const { policy } = world;
  const gap = first.score - own.score;
  if (gap > -PROVING_TERM * 0.75) return [change('stay-up', 'It would have to stay up for a while.')];
  if (gap > -DRAINED_TERM / 2) return [change('end-drain', 'It would have to be drained no more.')];
  if (gap > -FULL_TERM / 2)
    return [change('headroom', 'It would need room: less traffic, or a higher limit.')];
  if (gap > -FAILING_TERM / 2 && policy !== 'nearest')
    return [change('succeed', 'Viewers of this network would have to succeed there.')];
  if (policy === 'nearest') {
    const text = 'It would have to be nearer than the site before it, or its zone hold the viewer.';
    return [change('nearer', text)];
  }
  const changes: RankChange[] = [];
  const score = leastBefore(world, question, own.index, first);
  const now = expectedOf(question, own);
  const needed = expectedAt(question, own, score);
  const name = world.table.facts[first.index]?.name ?? '';
  const figures = { expectedBps: Math.exp(now), neededBps: roundTo3(Math.exp(needed), Math.ceil), name };
  if (needed - now < Math.log(MOST_TIMES)) {
    const text = `It comes first when what is expected of it rises from ${megabits(figures.expectedBps)} to about ${megabits(figures.neededBps)} (now first: ${name}).`;
    changes.push(change('rises', text, figures));
  } else {
    const text = `However much is expected of it, ${name} stays first: that gives what the video needs several times over.`;
    changes.push(change('rises-never', text, { name }));
  }
  const times = roundTo3(Math.exp(score - own.score), Math.ceil);
  if (times < MOST_TIMES)
    changes.push(
      change('raise-weight', `Or when its weight is ${times} times what it is.`, { weight: times }),
    );
  const { holding } = question;
  const fetching = holding.partial.includes(own.index) ? PARTIAL_TERM : FILLING_TERM;
  const holds = holding.full.includes(own.index);
  if (!holds && hasSource(world, holding) && own.score - fetching >= score)
    changes.push(change('hold-video', 'Or when it holds the whole video.'));
  return changes;
}

function expectedOf({ network, priors }: Question, { index }: Pick): number {
  const measured = network.measured.find(each => each.index === index);
  return expectedLog(priors.expected[index] as number, network.lineLogBps, measured);
}

/** What would have to be expected of this site for it to have that score. */
function expectedAt(question: Question, pick: Pick, score: number): number {
  const enough = enoughOf(question.bitrateBps);
  const use = useful(expectedOf(question, pick), enough);
  return expectedFor(use + (score - pick.score), enough);
}

const change = (code: RankChange['code'], text: string, figures?: Figures): RankChange => ({
  code,
  text,
  ...(figures ? { figures } : {}),
});
/** Three digits, towards where the change is certain to have happened. */
function roundTo3(value: number, towards: (value: number) => number): number {
  if (!(value > 0)) return 0;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((towards(value / unit) * unit).toPrecision(3));
}
const megabits = (bps: number): string => `${Number((bps / 1e6).toPrecision(3))} Mbit/s`;

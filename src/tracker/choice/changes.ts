/** What would change a decision: for each site, what would bring it to the first place, or take it from there. Pure. */
import {
  expectedLog,
  FAILING_TERM,
  FILLING_TERM,
  isUp,
  type Pick,
  type Question,
  type World,
} from './choose.ts';
import { DRAINED_TERM, FULL_TERM } from './sites.ts';

/** A change by more than this is none that will happen. */
const MOST_TIMES = 100;

export function whatWouldChange(
  world: World,
  question: Question,
  ranking: readonly Pick[],
  index: number,
): readonly string[] {
  const { table, policy } = world;
  const facts = table.facts[index];
  const [first, second] = ranking;
  const own = ranking.find(pick => pick.index === index);
  if (!facts?.active) return ['It would have to join.'];
  if (!own) return isUp(world, index) ? [] : ['It would have to answer the probes.'];
  if (own === first) {
    if (!second) return ['Nothing but its own failure: no other site is offered.'];
    return [`It stays first until ${gapText(world, question, first, second, 'falls')}.`];
  }
  if (!first) return [];
  const gap = first.score - own.score;
  if (gap > -DRAINED_TERM / 2) return ['It would have to be drained no more.'];
  if (gap > -FULL_TERM / 2) return ['It would need room: less traffic, or a higher limit.'];
  if (gap > -FAILING_TERM / 2 && policy !== 'nearest')
    return ['Viewers of this network would have to succeed there.'];
  if (policy === 'nearest')
    return ['It would have to be nearer than the site before it, or its zone hold the viewer.'];
  const changes = [`It comes first when ${gapText(world, question, own, first, 'rises')}.`];
  if (Math.exp(gap) < MOST_TIMES) changes.push(`Or when its weight is ${times(gap)} times what it is.`);
  if (!question.holding.full.includes(index) && gap < -FILLING_TERM)
    changes.push('Or when it holds the whole video.');
  return changes;
}

/** The throughput at which this site would stand where the other one stands. */
function gapText(world: World, question: Question, pick: Pick, other: Pick, how: 'rises' | 'falls'): string {
  const { network, priors } = question;
  const measured = network.measured.find(each => each.index === pick.index);
  const now = expectedLog(priors.expected[pick.index] as number, network.lineLogBps, measured);
  const needed = Math.exp(now + (other.score - pick.score));
  const name = world.table.facts[other.index]?.name ?? '';
  return how === 'rises'
    ? `what is expected of it rises from ${megabits(Math.exp(now))} to about ${megabits(needed)} (now first: ${name})`
    : `what is expected of it falls from ${megabits(Math.exp(now))} to about ${megabits(needed)} (then first: ${name})`;
}

const times = (gap: number): string => String(Number(Math.exp(gap).toPrecision(2)));
const megabits = (bps: number): string => `${Number((bps / 1e6).toPrecision(2))} Mbit/s`;

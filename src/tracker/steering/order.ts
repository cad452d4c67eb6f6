/** The order of now for one session: what is offered, as its player is to see it, and what the session remembers of it. */
import type { SiteId } from '../../protocol/ids.ts';
import { measuredOf } from '../choice/choose.ts';
import { UNSEEN_STATE } from '../choice/sites.ts';
import type { Session } from '../client/sessions.ts';
import type { Decision } from '../play/decide.ts';
import { findHome, orderPathways, type Standing } from './manifest.ts';

/** Since when a site has been up, milliseconds. */
export type UpMsOf = (site: string, nowMs: number) => number;

/** What of a session an order depends on, and is noted in. */
export type Steered = Pick<Session, 'luck' | 'home' | 'departures' | 'told' | 'refusals' | 'movedAtMs'>;

export const standingsOf = (
  { world, question, picks }: Decision,
  nowMs: number,
  upMsOf: UpMsOf,
): readonly Standing[] =>
  picks.map(({ index, score }) => {
    const { degraded, proving = false, failureShare } = world.states.states[index] ?? UNSEEN_STATE;
    const { failing = false } = measuredOf(question.network, index) ?? {};
    const id = world.table.facts[index]?.id ?? '';
    return {
      id,
      score,
      isDoubtful: degraded || proving || failing || failureShare > 0,
      upMs: upMsOf(id, nowMs),
    };
  });

/** The order for this session, which takes note of what it is told. */
export function orderFor(
  session: Steered,
  standings: readonly Standing[],
  sites: readonly SiteId[],
  current: SiteId | undefined,
  nowMs: number,
): readonly string[] {
  const { luck: patience, home, departures } = session;
  const movedMsAgo = nowMs - session.movedAtMs;
  const order = orderPathways(standings, sites, { current, patience, movedMsAgo, home, departures });
  const [first] = order;
  const told = sites.find(site => site === first);
  if (told !== session.told) session.refusals = 0;
  // It is sent away from where it should be well: not a reason to hurry back.
  const isHomeWell = standings.some(({ id, isDoubtful }) => id === home && !isDoubtful);
  if (told !== home && session.told === home && isHomeWell) session.departures++;
  session.told = told;
  const homeNow = findHome(standings, current, home, movedMsAgo);
  session.home = sites.find(site => site === homeNow) ?? home;
  return order;
}

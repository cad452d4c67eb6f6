/** Orders the offered sites for one session and updates the session's steering state. Pure except for that update. */
import type { SiteId } from '../../protocol/base/ids.ts';
import { type Decision, measuredOf } from '../choice/choose.ts';
import { findPrimary, orderPathways, type RankedPathway } from './manifest.ts';
import type { Compliance } from './pathways.ts';

/** Time since a site came up, milliseconds. */
export type UpMsOf = (site: string, nowMs: number) => number;

/** The part of a session on which the order depends and which it updates. */
export interface SteeringState extends Compliance {
  /** 0–1, constant for the session. */
  readonly sessionRandom: number;
  /** The site that serves the session best, or did until it failed. */
  primary: SiteId | undefined;
  /** How often steering moved the session away from a healthy primary site. */
  switches: number;
  /** Time of the last switch, epoch milliseconds. */
  switchedAtMs: number;
  /** The sites that the player's browser does not let it connect to: the last resort. */
  readonly blocked: readonly SiteId[];
}

export const rankingOf = (
  { state, question, picks }: Decision,
  nowMs: number,
  upMsOf: UpMsOf,
): readonly RankedPathway[] =>
  picks.map(({ index, score }) => {
    const { degraded, recovering = false, failureShare } = state.states.of(index);
    const { failing = false } = measuredOf(question.network, index) ?? {};
    const id = state.table.facts[index]?.id ?? '';
    return {
      id,
      score,
      isDegraded: degraded || recovering || failing || failureShare > 0,
      upMs: upMsOf(id, nowMs),
    };
  });

export interface SessionOrder {
  readonly ranking: readonly RankedPathway[];
  /** The sites of the session's playlist. */
  readonly sites: readonly SiteId[];
  /** The site that the player uses. */
  readonly current: SiteId | undefined;
}

/** The order for this session. Updates its steering state. */
export function orderForSession(
  session: SteeringState,
  { ranking, sites, current }: SessionOrder,
  nowMs: number,
): readonly string[] {
  const { sessionRandom, primary, switches } = session;
  const sinceSwitchMs = nowMs - session.switchedAtMs;
  const ranked = orderPathways(ranking, sites, { current, sessionRandom, sinceSwitchMs, primary, switches });
  const isBlocked = (site: string): boolean => session.blocked.some(blocked => blocked === site);
  const order =
    session.blocked.length === 0
      ? ranked
      : [...ranked.filter(site => !isBlocked(site)), ...ranked.filter(isBlocked)];
  const [first] = order;
  const preferred = sites.find(site => site === first);
  if (preferred !== session.preferred) session.refusals = 0;
  // The session is moved away from a healthy primary site, so it should not return soon.
  const isPrimaryHealthy = ranking.some(({ id, isDegraded }) => id === primary && !isDegraded);
  if (preferred !== primary && session.preferred === primary && isPrimaryHealthy) session.switches++;
  session.preferred = preferred;
  const next = findPrimary(ranking, current, primary, sinceSwitchMs);
  session.primary = sites.find(site => site === next) ?? primary;
  return order;
}

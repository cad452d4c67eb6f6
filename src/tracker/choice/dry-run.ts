/**
 * Simulates a planned change for the viewers of the last hour and computes which share of them would be sent where.
 * Pure.
 */
import type { SiteId } from '../../protocol/base/ids.ts';
import type { DryRun } from '../../protocol/tracker.ts';
import { choose, type Question, type RankingState } from './choose.ts';

/** The viewers of one network, and the question for them before and after the change. */
export interface Audience {
  readonly viewers: number;
  readonly before: Question;
  readonly after: Question;
}

export function dryRun(before: RankingState, after: RankingState, audiences: readonly Audience[]): DryRun {
  const total = audiences.reduce((sum, { viewers }) => sum + viewers, 0);
  const shares = new Map<SiteId, { before: number; after: number }>();
  const moves = new Map<string, { from: SiteId | null; to: SiteId | null; share: number }>();
  const add = (site: SiteId | null, when: 'before' | 'after', share: number): void => {
    if (site === null) return;
    const entry = shares.get(site) ?? { before: 0, after: 0 };
    entry[when] += share;
    shares.set(site, entry);
  };
  for (const audience of audiences) {
    const share = total > 0 ? audience.viewers / total : 0;
    const from = firstOf(before, audience.before);
    const to = firstOf(after, audience.after);
    add(from, 'before', share);
    add(to, 'after', share);
    if (from === to) continue;
    const key = `${from} ${to}`;
    const move = moves.get(key) ?? { from, to, share: 0 };
    move.share += share;
    moves.set(key, move);
  }
  const movedShare = [...moves.values()].reduce((sum, { share }) => sum + share, 0);
  return {
    networks: audiences.length,
    viewers: Math.round(total * 10) / 10,
    movedShare: round(movedShare),
    sites: [...shares]
      .map(([site, each]) => ({
        site,
        name: before.table.facts[before.table.indexOf.get(site) ?? -1]?.name ?? '',
        before: round(each.before),
        after: round(each.after),
      }))
      .sort((a, b) => b.before - a.before || b.after - a.after),
    moves: [...moves.values()]
      .map(move => ({ ...move, share: round(move.share) }))
      .sort((a, b) => b.share - a.share),
  };
}

function firstOf(state: RankingState, question: Question): SiteId | null {
  // Two, because the last entry may have been replaced by a holder.
  const [first] = choose(state, question, 2);
  return first ? (state.table.facts[first.index]?.id ?? null) : null;
}

const round = (share: number): number => Math.round(share * 10_000) / 10_000;

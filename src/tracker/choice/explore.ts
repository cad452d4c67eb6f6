/**
 * Exploration: a small share of new viewers is sent to a site that may have improved, because nobody would notice
 * otherwise. Pure; `sessionRandom` is a number of the session.
 */
import type { Question, RankedSite } from './choose.ts';

/** Share of sessions that explore, if there are measurements to compare with. */
const EXPLORING_SHARE = 0.03;
/** A site with a newer measurement than this needs no exploration. */
const KNOWN_MS = 300_000;
/** A site that is expected to be worse by more than this is not explored. */
const MAX_LOSS = Math.log(1.4);

/** The site to explore first, if this session explores. */
export function findExploration(
  picks: readonly RankedSite[],
  question: Question,
  sessionRandom: number,
): RankedSite | undefined {
  const [best] = picks;
  const { measured } = question.network;
  if (!best || sessionRandom >= EXPLORING_SHARE || question.client.fillingSite !== undefined)
    return undefined;
  if (!measured.some(({ index }) => index === best.index)) return undefined;
  const candidates = picks.filter(({ index, score }) => {
    if (index === best.index || best.score - score > MAX_LOSS) return false;
    const found = measured.find(each => each.index === index);
    return !found || (found.ageMs > KNOWN_MS && !found.failing);
  });
  // The same random number selects the candidate.
  return candidates[Math.floor((sessionRandom / EXPLORING_SHARE) * candidates.length)];
}

/** Moves `explored` to the front; the others keep their order. */
export const withExploration = (
  picks: readonly RankedSite[],
  explored: RankedSite | undefined,
): readonly RankedSite[] => (explored ? [explored, ...picks.filter(pick => pick !== explored)] : picks);

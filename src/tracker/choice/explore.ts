/**
 * A little exploration: now and then a viewer who begins is sent to a site that may have become better, because nobody would
 * find out otherwise. Pure; `luck` is the session's own number.
 */
import type { Pick, Question } from './choose.ts';

/** One session in so many, where something is known to compare with. */
const EXPLORING_SHARE = 0.03;
/** What was measured so recently is known. */
const KNOWN_MS = 300_000;
/** A site that is expected to be worse by more than this is not worth a viewer's time. */
const MOST_LOSS = Math.log(1.4);

/** The site to try first, if this session is one that tries. */
export function findExploration(picks: readonly Pick[], question: Question, luck: number): Pick | undefined {
  const [best] = picks;
  const { measured } = question.network;
  if (!best || luck >= EXPLORING_SHARE || question.viewer.fillingSite !== undefined) return undefined;
  if (!measured.some(({ index }) => index === best.index)) return undefined;
  const candidates = picks.filter(({ index, score }) => {
    if (index === best.index || best.score - score > MOST_LOSS) return false;
    const found = measured.find(each => each.index === index);
    return !found || (found.ageMs > KNOWN_MS && !found.failing);
  });
  // Which of them, the same luck says.
  return candidates[Math.floor((luck / EXPLORING_SHARE) * candidates.length)];
}

/** That site first, the others as they were. */
export const exploring = (picks: readonly Pick[], tried: Pick | undefined): readonly Pick[] =>
  tried ? [tried, ...picks.filter(pick => pick !== tried)] : picks;

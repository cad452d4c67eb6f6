/** The reasons why a site must or must not hold a copy: a stable code, and a sentence. Pure. */
import type { PlacementReasonCode } from '../../protocol/copies.ts';

export interface Why {
  readonly code: PlacementReasonCode;
  readonly text: string;
}

/** Parses a stored reason, which is the JSON of a `Why`. */
export const parseReason = (json: string): Why => JSON.parse(json);

const formatPlays = (plays: number): string => `${Math.round(plays * 10) / 10} plays a day`;
const formatHolders = (count: number, regions: boolean): string =>
  `${count} ${regions ? 'region' : 'site'}${count === 1 ? '' : 's'}`;

export const byHand = (): Why => ({ code: 'by-hand', text: 'An operator pinned it there.' });
export const atLeast = (copies: number, regions: boolean): Why => ({
  code: 'at-least',
  text: `A rule requires it at ${formatHolders(copies, regions)} or more.`,
});
export const hot = (plays: number): Why => ({
  code: 'hot',
  text: `It is one of the most played videos (${formatPlays(plays)}).`,
});
export const promoted = (): Why => ({
  code: 'promoted',
  text: 'Its site is lost, so this copy takes over as the original.',
});
export const notWanted = (): Why => ({ code: 'not-wanted', text: 'No rule requires it there any more.' });

export const stays = (site: string): Why => ({
  code: 'stays',
  text: `Videos of ${site} must not be copied to other sites.`,
});
export const overLimit = (limitBytes: number): Why => ({
  code: 'over-limit',
  text: `It would exceed the limit of ${Math.round(limitBytes / 1e6)} MB for copies there.`,
});
export const siteUnavailable = (): Why => ({
  code: 'site-unavailable',
  text: 'The site is revoked or lost.',
});
export const siteDown = (): Why => ({
  code: 'site-down',
  text: 'The site is down or has just come back. It gets no new copies now.',
});
export const noSpace = (freeBytes: number): Why => ({
  code: 'no-space',
  text: `It would not fit: the site has ${Math.round(freeBytes / 1e6)} MB left for copies.`,
});
export const uploadsOnly = (): Why => ({
  code: 'uploads-only',
  text: 'The site serves no viewers, so a copy there would not help them.',
});
export const tooFew = (possible: number, wanted: number, regions: boolean): Why => ({
  code: 'too-few',
  text: `A rule requires it at ${formatHolders(wanted, regions)}, but it fits at only ${possible}.`,
});

export const evictedNext = (cause: 'by-hand' | 'at-least' | 'hot', plays: number): Why => ({
  code: cause,
  text:
    cause === 'hot'
      ? `Kept because it is popular, but less than the others (${formatPlays(plays)}).`
      : cause === 'at-least'
        ? `Kept for redundancy; ${formatPlays(plays)}.`
        : `Pinned by an operator; ${formatPlays(plays)}.`,
});

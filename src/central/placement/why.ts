/** Why a copy is to stand, or not to: a stable code, and a sentence. Pure. */

export interface Why {
  readonly code: string;
  readonly text: string;
}

const times = (plays: number): string => `${Math.round(plays * 10) / 10} plays a day`;
const places = (regions: boolean): string => (regions ? 'regions' : 'sites');

export const byHand = (): Why => ({ code: 'by-hand', text: 'An operator put it there.' });
export const atLeast = (copies: number, regions: boolean): Why => ({
  code: 'at-least',
  text: `It is to stand at ${copies} ${places(regions)} at least.`,
});
export const hot = (plays: number): Why => ({
  code: 'hot',
  text: `It is among the most played ones (${times(plays)}).`,
});
export const promoted = (): Why => ({
  code: 'promoted',
  text: 'Its site is lost: the copy becomes the video.',
});
export const notWanted = (): Why => ({ code: 'not-wanted', text: 'No rule wants it there any more.' });

export const stays = (site: string): Why => ({
  code: 'stays',
  text: `Nothing of ${site} is to be copied to other sites.`,
});
export const overLimit = (limitBytes: number): Why => ({
  code: 'no-room',
  text: `Copies may take ${Math.round(limitBytes / 1e6)} MB there, and it would be more.`,
});
export const siteUnavailable = (): Why => ({ code: 'site-away', text: 'The site was revoked, or is lost.' });
export const tooFew = (stands: number, wanted: number, regions: boolean): Why => ({
  code: 'too-few',
  text: `It is to stand at ${wanted} ${places(regions)}, and there is room at ${stands} alone.`,
});

export const evictedNext = (cause: 'by-hand' | 'at-least' | 'hot', plays: number): Why => ({
  code: cause,
  text:
    cause === 'hot'
      ? `Held because it is played (${times(plays)}), and less than the others.`
      : cause === 'at-least'
        ? `Held for the sake of its safety; ${times(plays)}.`
        : `Put there by an operator; ${times(plays)}.`,
});

/** A ranking reason in a few words. Pure. */
import type { Reason } from '../../protocol/tracker.ts';
import type { Format } from '../i18n/format.ts';
import type { Texts } from '../i18n/texts.ts';

export function formatReasonLabel(
  { code, figures }: Reason,
  texts: Pick<Texts['watch'], 'reasons' | 'distance' | 'noHolderUp'>,
  format: Pick<Format, 'number'>,
): string {
  // The site cannot fetch anything now.
  if (code === 'fills-from-holder' && figures?.holders === 0) return texts.noHolderUp;
  const km = code === 'distance' ? figures?.km : undefined;
  return km === undefined ? texts.reasons[code] : texts.distance(format.number(km));
}

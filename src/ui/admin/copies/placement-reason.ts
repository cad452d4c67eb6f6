/** The reason of a placement in the language of the page. Pure. */
import type { Texts } from '../../i18n/texts.ts';

interface PlacementReason {
  readonly code: string;
  /** English; shown if this page does not know the code. */
  readonly text: string;
}
type Reasons = Texts['copies']['reasons'];

const isKnown = (code: string, reasons: Reasons): code is keyof Reasons & string =>
  Object.hasOwn(reasons, code);

export const formatPlacementReason = (
  { code, text }: PlacementReason,
  { copies }: Pick<Texts, 'copies'>,
): string => (isKnown(code, copies.reasons) ? copies.reasons[code] : text);

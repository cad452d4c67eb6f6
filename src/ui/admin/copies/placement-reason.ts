/** Why, in the reader's language: by the code where it is known, else as the centre says it. */
import type { Texts } from '../../i18n/texts.ts';

export const sayWhy = ({ code, text }: { readonly code: string; readonly text: string }, t: Texts): string =>
  Object.hasOwn(t.copies.reasons, code) ? t.copies.reasons[code as keyof Texts['copies']['reasons']] : text;

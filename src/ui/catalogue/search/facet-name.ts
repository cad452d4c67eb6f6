/** What people read for a value of a facet. Pure. */
import type { Facet } from '../../../protocol/catalogue/search.ts';
import type { Format } from '../../i18n/format.ts';
import type { Language } from '../../i18n/language.ts';
import { formatLanguageName } from '../../i18n/language-name.ts';
import type { Texts } from '../../i18n/texts.ts';

export interface Wording {
  readonly t: Texts;
  readonly format: Format;
  readonly language: Language;
}

/** @param name the name that the server sent; undefined if it sent none */
export function nameFacetValue(
  facet: Facet,
  { value, name }: { readonly value: string; readonly name: string | undefined },
  { t, format, language }: Wording,
): string {
  if (facet === 'language') return formatLanguageName(value, language) ?? value;
  if (facet === 'captions') return value === 'true' ? t.search.withCaptions : t.search.withoutCaptions;
  if (facet !== 'length') return name ?? value;
  const [min = '', max = ''] = value.split('-');
  const from = format.duration(Number(min) * 1_000);
  if (max === '') return t.search.atLeast(from);
  // The upper limit is included: 299 s is "under 5 min".
  const to = format.duration((Number(max) + 1) * 1_000);
  return Number(min) === 0 ? t.search.under(to) : t.search.between(from, to);
}

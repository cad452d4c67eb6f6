/** The languages of the pages, and which of them a page is shown in. Pure. */
export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each language's name in that language, and its `lang` attribute. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };
export const LANGUAGE_TAGS: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-Hans' };

const parseLanguage = (tag: string | null): Language | undefined =>
  LANGUAGES.find(language => tag?.toLowerCase().split(/[-_]/)[0] === language);

/** `?lang=` in the address wins over the stored choice, which wins over the browser's preferences. */
export function chooseLanguage(
  search: string,
  stored: string | null,
  preferred: readonly string[],
): Language {
  const requested = parseLanguage(new URLSearchParams(search).get('lang'));
  return requested ?? parseLanguage(stored) ?? preferred.map(parseLanguage).find(Boolean) ?? 'en';
}

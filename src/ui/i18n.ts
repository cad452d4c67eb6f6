/** Which language the pages speak. The texts are typed dictionaries: one that lacks a key of the other does not compile. */
import { en, type Texts } from './texts/en.ts';
import { zh } from './texts/zh.ts';
import { zhProblems } from './texts/zh-problems.ts';

export type { Texts } from './texts/en.ts';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };
/** Servers write English sentences; what stands before them in another language. */
export const PROBLEMS: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: {},
  zh: zhProblems,
};
/** How each language names itself, and its `lang` attribute. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };
export const LANGUAGE_TAGS: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-Hans' };

const parseLanguage = (tag: string | null): Language | undefined =>
  LANGUAGES.find(language => tag?.toLowerCase().split(/[-_]/)[0] === language);

/** The address says it first, then what was chosen before, then what the browser prefers. */
export function chooseLanguage(
  search: string,
  stored: string | null,
  preferred: readonly string[],
): Language {
  const asked = parseLanguage(new URLSearchParams(search).get('lang'));
  return asked ?? parseLanguage(stored) ?? preferred.map(parseLanguage).find(Boolean) ?? 'en';
}

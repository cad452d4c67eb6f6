/** The texts of every language. A language that lacks a key does not compile. */
import type { Language } from './language.ts';
import { en, type Texts } from './texts/en.ts';
import { zh } from './texts/zh.ts';
import { zhProblems } from './texts/zh-problems.ts';

export type { Texts } from './texts/en.ts';

export const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };
/** Servers write English sentences. In another language, the page's own sentence precedes them. */
export const PROBLEMS: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: {},
  zh: zhProblems,
};

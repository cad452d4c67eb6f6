/** The texts of every language. A language that lacks a key does not compile. */
import type { Language } from './language.ts';
import { en, type Texts } from './texts/en.ts';
import { zh } from './texts/zh.ts';

export type { Texts } from './texts/en.ts';

export const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };

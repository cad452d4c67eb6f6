/** Loads the texts of one language. A page never loads those of the others. */
import type { Language } from './language.ts';
import type { Texts } from './texts.ts';

const LOADERS: Readonly<Record<Language, () => Promise<Texts>>> = {
  en: async () => (await import('./texts/en.ts')).en,
  zh: async () => (await import('./texts/zh.ts')).zh,
};

export const loadTexts = (language: Language): Promise<Texts> => LOADERS[language]();

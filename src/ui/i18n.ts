/** The language of the pages: `?lang=`, then what was chosen before, then the browser's. A missing text is a type error. */
import { en, type TextKey, type Texts } from './texts/en.ts';
import { zh } from './texts/zh.ts';

export type Language = 'en' | 'zh';
export type { TextKey } from './texts/en.ts';

export const texts: Readonly<Record<Language, Texts>> = { en, zh };

const STORAGE_KEY = 'tributary-language';

export function chooseLanguage(search: string, stored: string | null, preferred: string): Language {
  const asked = new URLSearchParams(search).get('lang') ?? stored ?? preferred;
  return asked.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

const inBrowser = typeof document !== 'undefined';

export const language: Language = inBrowser
  ? chooseLanguage(location.search, localStorage.getItem(STORAGE_KEY), navigator.language)
  : 'en';
if (inBrowser) document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';

/** Remembers the other language and shows the page in it. */
export function switchLanguage(): void {
  localStorage.setItem(STORAGE_KEY, language === 'zh' ? 'en' : 'zh');
  const url = new URL(location.href);
  url.searchParams.delete('lang');
  if (url.href === location.href) location.reload();
  else location.replace(url);
}

type Values = Readonly<Record<string, string | number>>;

export const fill = (text: string, values: Values): string =>
  text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));

/** The text of this key in the page's language. */
export const t = (key: TextKey, values: Values = {}): string => fill(texts[language][key], values);

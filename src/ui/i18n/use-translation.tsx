/** Gives every component the language of the page, with its texts and formats. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { readItem, writeItem } from '../browser/storage.ts';
import { createFormat, type Format } from './format.ts';
import { chooseLanguage, LANGUAGE_TAGS, type Language } from './language.ts';
import { TEXTS, type Texts } from './texts.ts';

const STORAGE_KEY = 'tributary.language';

interface Translation {
  readonly language: Language;
  readonly t: Texts;
  readonly format: Format;
  /** Remembers the language for later visits. */
  readonly setLanguage: (language: Language) => void;
}

const TranslationContext = createContext<Translation | undefined>(undefined);

export function LanguageProvider({ children }: { readonly children: ComponentChildren }) {
  const [language, setLanguage] = useState(() =>
    chooseLanguage(location.search, readItem(localStorage, STORAGE_KEY), navigator.languages),
  );
  useEffect(() => {
    document.documentElement.lang = LANGUAGE_TAGS[language];
  }, [language]);
  const translation = useMemo<Translation>(
    () => ({
      language,
      t: TEXTS[language],
      format: createFormat(language),
      setLanguage(next) {
        writeItem(localStorage, STORAGE_KEY, next);
        const url = new URL(location.href);
        if (url.searchParams.has('lang')) {
          url.searchParams.set('lang', next);
          history.replaceState(history.state, '', url);
        }
        setLanguage(next);
      },
    }),
    [language],
  );
  return <TranslationContext.Provider value={translation}>{children}</TranslationContext.Provider>;
}

export function useTranslation(): Translation {
  const translation = useContext(TranslationContext);
  if (!translation) throw new Error('useTranslation was called outside of LanguageProvider');
  return translation;
}

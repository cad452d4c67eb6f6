/** Gives every component the language of the page, with its texts and formats. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { readItem, writeItem } from '../browser/storage.ts';
import { createFormat, type Format } from './format.ts';
import { chooseLanguage, LANGUAGE_TAGS, type Language } from './language.ts';
import { loadTexts } from './load-texts.ts';
import type { Texts } from './texts.ts';

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
  const [wanted, setLanguage] = useState(() =>
    chooseLanguage(location.search, readItem('localStorage', STORAGE_KEY), navigator.languages),
  );
  /** The page stays in its language until it has the texts of the next one. */
  const [loaded, setLoaded] = useState<{ readonly language: Language; readonly t: Texts }>();
  useEffect(() => {
    let isLatest = true;
    loadTexts(wanted).then(t => {
      if (isLatest) setLoaded({ language: wanted, t });
    }, reportError);
    return () => {
      isLatest = false;
    };
  }, [wanted]);
  const translation = useMemo<Translation | undefined>(() => {
    if (!loaded) return undefined;
    const { language, t } = loaded;
    return {
      language,
      t,
      format: createFormat(language),
      setLanguage(next) {
        writeItem('localStorage', STORAGE_KEY, next);
        const url = new URL(location.href);
        if (url.searchParams.has('lang')) {
          url.searchParams.set('lang', next);
          history.replaceState(history.state, '', url);
        }
        setLanguage(next);
      },
    };
  }, [loaded]);
  useEffect(() => {
    if (loaded) document.documentElement.lang = LANGUAGE_TAGS[loaded.language];
  }, [loaded]);
  if (!translation) return null;
  return <TranslationContext.Provider value={translation}>{children}</TranslationContext.Provider>;
}

export function useTranslation(): Translation {
  const translation = useContext(TranslationContext);
  if (!translation) throw new Error('useTranslation was called outside of LanguageProvider');
  return translation;
}

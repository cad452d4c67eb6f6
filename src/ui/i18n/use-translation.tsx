/** Gives every part of a page its texts and formats, and lets the person change the language. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { readStored, writeStored } from '../components/browser-storage.ts';
import { createFormat, type Format } from './format.ts';
import { chooseLanguage, LANGUAGE_NAMES, LANGUAGE_TAGS, LANGUAGES, type Language } from './language.ts';
import { TEXTS, type Texts } from './texts.ts';

const STORAGE_KEY = 'tributary.language';

interface Speech {
  readonly language: Language;
  readonly t: Texts;
  readonly format: Format;
  readonly change: (language: Language) => void;
}

const SpeechContext = createContext<Speech | undefined>(undefined);

export function LanguageProvider({ children }: { readonly children: ComponentChildren }) {
  const [language, setLanguage] = useState(() =>
    chooseLanguage(location.search, readStored(localStorage, STORAGE_KEY), navigator.languages),
  );
  useEffect(() => {
    document.documentElement.lang = LANGUAGE_TAGS[language];
  }, [language]);
  const speech = useMemo<Speech>(
    () => ({
      language,
      t: TEXTS[language],
      format: createFormat(language),
      change(next) {
        writeStored(localStorage, STORAGE_KEY, next);
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
  return <SpeechContext.Provider value={speech}>{children}</SpeechContext.Provider>;
}

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext);
  if (!speech) throw new Error('useSpeech outside of LanguageProvider');
  return speech;
}

export function LanguageSwitch() {
  const { language, t, change } = useSpeech();
  return (
    <fieldset class="languages">
      <legend class="hidden-text">{t.common.language}</legend>
      {LANGUAGES.map(each => (
        <button
          type="button"
          class="language"
          key={each}
          lang={LANGUAGE_TAGS[each]}
          aria-pressed={each === language}
          data-testid={`language-${each}`}
          onClick={() => change(each)}
        >
          {LANGUAGE_NAMES[each]}
        </button>
      ))}
    </fieldset>
  );
}

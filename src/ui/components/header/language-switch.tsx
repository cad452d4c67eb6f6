/** Changes the language of the page. */
import { LANGUAGE_NAMES, LANGUAGE_TAGS, LANGUAGES } from '../../i18n/language.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';

export function LanguageSwitch() {
  const { language, t, setLanguage } = useTranslation();
  return (
    <fieldset class="languages">
      <legend class="visually-hidden">{t.common.language}</legend>
      {LANGUAGES.map(each => (
        <button
          type="button"
          class="language"
          key={each}
          lang={LANGUAGE_TAGS[each]}
          aria-pressed={each === language}
          data-testid={`language-${each}`}
          onClick={() => setLanguage(each)}
        >
          {LANGUAGE_NAMES[each]}
        </button>
      ))}
    </fieldset>
  );
}

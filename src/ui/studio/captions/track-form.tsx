/** The language and the name of a caption track. */
import { useId, useState } from 'preact/hooks';
import type { CaptionTrack } from '../../../protocol/captions.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';

interface LanguageFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

const COMMON_LANGUAGES = [
  ...['en', 'zh-Hans', 'zh-Hant', 'yue', 'ja', 'ko', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'pl', 'ru'],
  ...['uk', 'ar', 'he', 'fa', 'hi', 'bn', 'th', 'vi', 'id', 'tr', 'el', 'cs', 'sv'],
] as const;

/** A BCP 47 tag, with suggestions by name. */
export function LanguageField({ label, value, onInput }: LanguageFieldProps) {
  const { t, language } = useTranslation();
  const id = useId();
  const names = new Intl.DisplayNames([language], { type: 'language' });
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name="language"
        required
        maxLength={35}
        pattern="[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}"
        list={`${id}-languages`}
        value={value}
        aria-describedby={`${id}-hint`}
        onInput={event => onInput(event.currentTarget.value)}
      />
      <datalist id={`${id}-languages`}>
        {COMMON_LANGUAGES.map(tag => (
          <option key={tag} value={tag}>
            {names.of(tag)}
          </option>
        ))}
      </datalist>
      <small id={`${id}-hint`} class="quiet">
        {t.studio.captions.languageHint}
      </small>
    </div>
  );
}

interface NameFieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
}

/** What distinguishes tracks of one language. */
export function NameField({ value, onInput }: NameFieldProps) {
  const texts = useTranslation().t.studio.captions;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{texts.name}</label>
      <input
        id={id}
        dir="auto"
        maxLength={60}
        value={value}
        placeholder={texts.namePlaceholder}
        onInput={event => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

interface TrackFormProps {
  readonly track: CaptionTrack;
  readonly isRunning: boolean;
  readonly onSave: (about: { readonly language: string; readonly name: string | null }) => void;
}

export function TrackForm({ track, isRunning, onSave }: TrackFormProps) {
  const { t } = useTranslation();
  const [language, setLanguage] = useState(track.language ?? '');
  const [name, setName] = useState(track.name ?? '');
  return (
    <form
      class="form"
      onSubmit={event => {
        event.preventDefault();
        onSave({ language: language.trim(), name: name.trim() || null });
      }}
    >
      <LanguageField label={t.studio.captions.trackLanguage} value={language} onInput={setLanguage} />
      <NameField value={name} onInput={setName} />
      <div class="actions">
        <button type="submit" class="small primary" disabled={isRunning}>
          {t.common.save}
        </button>
      </div>
    </form>
  );
}

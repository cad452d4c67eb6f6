/** Adds a caption track: from a file, or empty to be written in the editor. */
import { useId, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { NewTrackFile } from './captions-calls.ts';
import { LanguageField, NameField } from './track-form.tsx';

interface AddCaptionsProps {
  /** The first value of the field. */
  readonly language: string;
  readonly isRunning: boolean;
  /** Resolves to true if the track was added. */
  readonly onAdd: (track: NewTrackFile) => Promise<boolean>;
}

export function AddCaptions({ language: first, isRunning, onAdd }: AddCaptionsProps) {
  const texts = useTranslation().t.studio.captions;
  const id = useId();
  const [language, setLanguage] = useState(first);
  const [name, setName] = useState('');
  const [file, setFile] = useState<File>();
  const [isDraft, setDraft] = useState(false);
  const add = async (form: HTMLFormElement, chosen: File | undefined): Promise<void> => {
    if (!form.reportValidity()) return;
    const track = { language: language.trim(), name: name.trim(), file: chosen, isDraft: isDraft || !chosen };
    if (!(await onAdd(track))) return;
    form.reset();
    setFile(undefined);
    setName('');
  };
  return (
    <form
      class="form"
      onSubmit={event => {
        event.preventDefault();
        if (file) void add(event.currentTarget, file);
      }}
    >
      <LanguageField label={texts.language} value={language} onInput={setLanguage} />
      <NameField value={name} onInput={setName} />
      <div class="field full-width">
        <label for={`${id}-file`}>{texts.file}</label>
        <input
          id={`${id}-file`}
          type="file"
          accept=".vtt,.srt,.ass,.ssa,text/vtt"
          onChange={event => setFile(event.currentTarget.files?.[0])}
        />
      </div>
      <label class="check full-width">
        <input type="checkbox" checked={isDraft} onChange={event => setDraft(event.currentTarget.checked)} />
        {texts.asDraft}
      </label>
      <div class="actions full-width">
        <button type="submit" class="primary small" disabled={isRunning || !file}>
          {isRunning ? texts.adding : texts.add}
        </button>
        <button
          type="button"
          class="small"
          disabled={isRunning}
          onClick={event => {
            const { form } = event.currentTarget;
            if (form) void add(form, undefined);
          }}
          data-testid="write-captions"
        >
          {texts.write}
        </button>
      </div>
    </form>
  );
}

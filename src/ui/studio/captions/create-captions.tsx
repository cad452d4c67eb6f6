/** Runs the speech program of the site, and shows how far it is. Its captions are a draft. */
import { useState } from 'preact/hooks';
import type { CaptionList } from '../../../protocol/captions.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { CaptionsCalls } from './captions-calls.ts';
import { LanguageField } from './track-form.tsx';

interface CreateCaptionsProps {
  readonly list: CaptionList;
  /** The first value of the field. */
  readonly language: string;
  readonly calls: CaptionsCalls;
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function CreateCaptions({
  list: { canCreate, job },
  language: first,
  calls,
  run,
}: CreateCaptionsProps) {
  const { t, format } = useTranslation();
  const texts = t.studio.captions;
  const [language, setLanguage] = useState(first);
  if (job && (job.state === 'waiting' || job.state === 'running')) {
    return (
      <div class="stack" data-testid="captions-job">
        <p role="status">{texts.creating(format.percent(job.progress))}</p>
        <progress value={job.progress} aria-label={texts.creatingLabel} />
        <div class="actions">
          <button type="button" class="small" onClick={() => void run(() => calls.cancel(job.id))}>
            {t.common.cancel}
          </button>
        </div>
      </div>
    );
  }
  if (!canCreate) return null;
  return (
    <form
      class="form"
      onSubmit={event => {
        event.preventDefault();
        void run(() => calls.create(language.trim()));
      }}
    >
      {job?.state === 'set-aside' && (
        <p class="bad full-width" role="alert" data-testid="captions-failed">
          {texts.createFailed} <span lang="en">{job.error}</span>
        </p>
      )}
      <LanguageField label={texts.spokenLanguage} value={language} onInput={setLanguage} />
      <div class="actions">
        <button type="submit" class="small" data-testid="create-captions">
          {texts.create}
        </button>
      </div>
      <p class="quiet full-width">{texts.createHint}</p>
    </form>
  );
}

/** The captions of a video: list, remove, add. */
import { useId, useState } from 'preact/hooks';
import type { SiteCaptions } from '../../protocol/captions.ts';
import type { SiteVideo } from '../../protocol/site.ts';
import { useAction } from '../api/use-action.ts';
import { ErrorText } from '../components/notice.tsx';
import { formatLanguageName } from '../i18n/language-name.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

export interface CaptionsCalls {
  readonly add: (language: string, file: File) => Promise<void>;
  readonly remove: (captions: string) => Promise<void>;
}

interface CaptionsPanelProps {
  readonly video: SiteVideo;
  readonly calls: CaptionsCalls;
  readonly onClose: () => void;
}

export function CaptionsPanel({ video, calls, onClose }: CaptionsPanelProps) {
  const { t, language: pageLanguage } = useTranslation();
  const texts = t.studio.captions;
  const id = useId();
  const [language, setLanguage] = useState(video.language ?? pageLanguage);
  const [file, setFile] = useState<File>();
  const { isRunning, error, run } = useAction();
  return (
    <section class="stack" data-testid="captions" aria-label={texts.heading}>
      <h4>{texts.heading}</h4>
      {video.captions.length === 0 && <p class="quiet">{texts.none}</p>}
      {video.captions.length > 0 && (
        <ul class="stack">
          {video.captions.map(track => (
            <li key={track.id} class="row" data-captions={track.id}>
              <span>{formatCaptionsName(track, pageLanguage)}</span>
              {track.from === 'source' && <span class="quiet">{texts.fromSource}</span>}
              <button
                type="button"
                class="plain small"
                disabled={isRunning}
                aria-label={texts.remove(formatCaptionsName(track, pageLanguage))}
                onClick={() => void run(() => calls.remove(track.id))}
              >
                ✕
              </button>
            </li>
          ))}
        </ul>
      )}
      <form
        class="stack"
        onSubmit={event => {
          event.preventDefault();
          if (file) void run(() => calls.add(language.trim(), file));
        }}
      >
        <div class="field">
          <label for={`${id}-language`}>{texts.language}</label>
          <input
            id={`${id}-language`}
            name="language"
            required
            maxLength={35}
            value={language}
            aria-describedby={`${id}-hint`}
            onInput={event => setLanguage(event.currentTarget.value)}
          />
          <small id={`${id}-hint`} class="quiet">
            {texts.languageHint}
          </small>
        </div>
        <div class="field">
          <label for={`${id}-file`}>{texts.file}</label>
          <input
            id={`${id}-file`}
            type="file"
            required
            accept=".vtt,.srt,text/vtt"
            onChange={event => setFile(event.currentTarget.files?.[0])}
          />
        </div>
        <ErrorText error={error} />
        <div class="actions">
          <button type="submit" class="primary small" disabled={isRunning || !file}>
            {isRunning ? texts.adding : texts.add}
          </button>
          <button type="button" class="plain small" onClick={onClose} aria-label={texts.close}>
            {t.common.close}
          </button>
        </div>
      </form>
    </section>
  );
}

function formatCaptionsName({ language, name, id }: SiteCaptions, pageLanguage: string): string {
  const languageName = language && formatLanguageName(language, pageLanguage);
  return [languageName ?? id, name].filter(Boolean).join(' · ');
}

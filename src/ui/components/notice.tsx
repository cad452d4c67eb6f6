/** A sentence for the person, with what they can do about it. */
import type { ComponentChildren } from 'preact';
import { ApiError, sentenceOf } from '../api/call.ts';
import { PROBLEMS } from '../i18n/texts.ts';
import { useSpeech } from '../i18n/use-translation.tsx';

interface NoticeProps {
  readonly kind: 'error' | 'hint' | 'good';
  readonly children: ComponentChildren;
  readonly testId?: string;
  /** What a button brought about: it stays in sight until it is closed. */
  readonly onClose?: () => void;
}

export function Notice({ kind, children, testId, onClose }: NoticeProps) {
  const { t } = useSpeech();
  return (
    <div
      class={`notice notice-${kind} ${onClose ? 'outcome' : ''}`}
      role={kind === 'error' ? 'alert' : 'status'}
      data-testid={testId}
    >
      {children}
      {onClose && (
        <button type="button" class="small" onClick={onClose}>
          {t.common.close}
        </button>
      )}
    </div>
  );
}

/** A sentence of a server's, which is English; in another language what its code means stands before it. */
export function ServerSentence({ code, text }: { readonly code: string | undefined; readonly text: string }) {
  const { language } = useSpeech();
  const problems = PROBLEMS[language];
  const own = code !== undefined && Object.hasOwn(problems, code) ? problems[code] : undefined;
  return own ? (
    <>
      {own}{' '}
      <span class="quiet" lang="en">
        {text}
      </span>
    </>
  ) : (
    <span lang="en">{text}</span>
  );
}

function Sentence({ error }: { readonly error: unknown }) {
  const { t } = useSpeech();
  const text = sentenceOf(error, t.errors);
  const isServers = error instanceof ApiError && text === error.message;
  return isServers ? <ServerSentence code={error.code} text={text} /> : <span>{text}</span>;
}

export function ErrorNotice({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const { t } = useSpeech();
  return (
    <Notice kind="error" testId="error">
      <p>
        <Sentence error={error} />
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          {t.common.retry}
        </button>
      )}
    </Notice>
  );
}

/** Beside what was refused, in a form or a row; nothing where there is no error. */
export function Refusal({ error, isWhole }: { readonly error: unknown; readonly isWhole?: boolean }) {
  if (error === undefined) return null;
  return (
    <p class={isWhole ? 'bad whole' : 'bad'} role="alert">
      <Sentence error={error} />
    </p>
  );
}

/** Announced to screen readers, not shown. */
export function Announcement({ text }: { readonly text: string }) {
  return (
    <div class="hidden-text" role="status" aria-live="polite" data-testid="announcement">
      {text}
    </div>
  );
}

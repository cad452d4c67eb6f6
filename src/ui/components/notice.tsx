/** Notices and error texts, in the language of the page. */
import type { ComponentChildren } from 'preact';
import {
  type ErrorText as Description,
  describeError,
  describeProblem,
  type FieldLabels,
} from '../i18n/error-text.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

interface NoticeProps {
  readonly kind: 'error' | 'hint' | 'good';
  readonly children: ComponentChildren;
  readonly testId?: string;
  /** For the outcome of an action: the notice stays in view until it is closed. */
  readonly onClose?: () => void;
}

export function Notice({ kind, children, testId, onClose }: NoticeProps) {
  const { t } = useTranslation();
  return (
    <div
      class={`notice notice-${kind} ${onClose ? 'notice-outcome' : ''}`}
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

function Sentences({ text, detail }: Description) {
  return (
    <>
      {text && <span>{text}</span>}
      {text && detail && ' '}
      {detail && (
        <span class={text ? 'quiet' : ''} lang="en">
          {detail}
        </span>
      )}
    </>
  );
}

/** A problem that a server has stored with a video, a signal or a site. */
export function ProblemText({
  code,
  detail,
}: {
  readonly code: string | undefined;
  readonly detail: string;
}) {
  const { t, language } = useTranslation();
  return <Sentences {...describeProblem(code, detail, language, t.problems)} />;
}

export function ErrorNotice({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const { t, language } = useTranslation();
  return (
    <Notice kind="error" testId="error">
      <p>
        <Sentences {...describeError(error, language, t)} />
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          {t.common.retry}
        </button>
      )}
    </Notice>
  );
}

interface ErrorTextProps {
  readonly error: unknown;
  readonly isWide?: boolean;
  readonly labels?: FieldLabels;
}

/** The error of a form or a row; nothing if there is no error. */
export function ErrorText({ error, isWide, labels }: ErrorTextProps) {
  const { t, language } = useTranslation();
  if (error === undefined) return null;
  return (
    <p class={isWide ? 'bad full-width' : 'bad'} role="alert">
      <Sentences {...describeError(error, language, t, labels)} />
    </p>
  );
}

/** Announced to screen readers, not shown. */
export function Announcement({ text }: { readonly text: string }) {
  return (
    <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
      {text}
    </div>
  );
}

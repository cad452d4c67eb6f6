/** A sentence for the person, with what they can do about it. */
import type { ComponentChildren } from 'preact';
import { sentenceOf } from '../api.ts';
import { useSpeech } from './language.tsx';

interface NoticeProps {
  readonly kind: 'error' | 'hint' | 'good';
  readonly children: ComponentChildren;
  readonly testId?: string;
}

export function Notice({ kind, children, testId }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role={kind === 'error' ? 'alert' : 'status'} data-testid={testId}>
      {children}
    </div>
  );
}

export function ErrorNotice({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const { t } = useSpeech();
  return (
    <Notice kind="error" testId="error">
      <p>{sentenceOf(error, t.errors)}</p>
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
  const { t } = useSpeech();
  if (error === undefined) return null;
  return (
    <p class={isWhole ? 'bad whole' : 'bad'} role="alert">
      {sentenceOf(error, t.errors)}
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

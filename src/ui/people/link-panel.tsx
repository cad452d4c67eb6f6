/** A one-time link, which is shown once, or the reason why none is needed. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Copyable } from '../components/copyable.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

interface LinkPanelProps {
  readonly heading: string;
  readonly text: string;
  readonly link?: string | undefined;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

/** It takes the focus, because it may be far from the button that requested it. */
export function LinkPanel({ heading, text, link, onClose, children }: LinkPanelProps) {
  const { t } = useTranslation();
  const ref = useRef<HTMLElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <section
      ref={ref}
      tabIndex={-1}
      class="panel notice-good"
      aria-labelledby="one-time-link"
      data-testid="one-time-link"
    >
      <h2 id="one-time-link">{heading}</h2>
      <p>{text}</p>
      {link !== undefined && <Copyable text={link} testId="link" />}
      <div class="actions">
        {children}
        <button type="button" onClick={onClose}>
          {t.common.close}
        </button>
      </div>
    </section>
  );
}

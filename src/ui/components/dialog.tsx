/** A modal dialog, on the browser's own element with its focus trap and Escape key. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
  /** Fills the window. */
  readonly full?: boolean;
  readonly testId?: string;
}

export function Dialog({ title, onClose, children, wide, full, testId }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    // Preact removes the element before it closes, so the browser does not restore the focus.
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={full ? 'dialog-full' : wide ? 'dialog-wide' : ''}
      aria-labelledby={heading}
      data-testid={testId}
      onCancel={event => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly no: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
  /** Default: true. */
  readonly isDangerous?: boolean;
}

export function Confirm({ title, text, yes, no, onYes, onNo, isDangerous = true }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onNo} testId="confirm">
      <p>{text}</p>
      <div class="actions actions-end">
        <button type="button" onClick={onNo} data-testid="confirm-no">
          {no}
        </button>
        <button
          type="button"
          class={isDangerous ? 'danger' : 'primary'}
          onClick={onYes}
          data-testid="confirm-yes"
        >
          {yes}
        </button>
      </div>
    </Dialog>
  );
}

/** The end of a dialog that only informs. */
export function CloseButton({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <div class="actions actions-end">
      <button type="button" onClick={onClose}>
        {t.common.close}
      </button>
    </div>
  );
}

/** The e-mail address with which a person signs in: the user name for password managers. */
import { useId } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';

interface EmailFieldProps {
  readonly email: string;
  /** Absent: the address is shown, and cannot be changed. */
  readonly onInput?: (email: string) => void;
}

export function EmailField({ email, onInput }: EmailFieldProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{t.signInPage.email}</label>
      <input
        id={id}
        name="username"
        type="email"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        maxLength={254}
        readOnly={onInput === undefined}
        value={email}
        onInput={event => onInput?.(event.currentTarget.value)}
      />
    </div>
  );
}

/** A field for a password, which people can show, paste into and fill from a password manager. */
import { useId, useState } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';
import { MIN_PASSWORD_CHARACTERS, ratePassword, strengthValue } from './password-strength.ts';

interface PasswordFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  /** `new`: with its strength; `personal` are the name and the e-mail address of the person. */
  readonly kind: 'current' | 'new';
  readonly personal?: readonly string[];
  readonly isInvalid?: boolean;
}

const MAX_CHARACTERS = 200;
const SHOWN = { type: 'text' } as const;
const HIDDEN = { type: 'password' } as const;

export function PasswordField({ label, value, onInput, kind, personal = [], isInvalid }: PasswordFieldProps) {
  const { t } = useTranslation();
  const id = useId();
  const [isShown, setShown] = useState(false);
  const [isCapsLocked, setCapsLocked] = useState(false);
  const onKey = (event: KeyboardEvent): void => setCapsLocked(event.getModifierState?.('CapsLock') ?? false);
  const isNew = kind === 'new';
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="password">
        <input
          id={id}
          {...(isShown ? SHOWN : HIDDEN)}
          name={isNew ? 'new-password' : 'password'}
          autocomplete={isNew ? 'new-password' : 'current-password'}
          autocapitalize="none"
          spellcheck={false}
          required
          maxLength={MAX_CHARACTERS}
          {...(isNew ? { minLength: MIN_PASSWORD_CHARACTERS } : {})}
          aria-invalid={isInvalid ? 'true' : undefined}
          aria-describedby={`${id}-notes`}
          value={value}
          onInput={event => onInput(event.currentTarget.value)}
          onKeyDown={onKey}
          onKeyUp={onKey}
        />
        <button
          type="button"
          class="plain small"
          aria-pressed={isShown}
          aria-label={t.passwordField.showLabel}
          onClick={() => setShown(!isShown)}
        >
          {isShown ? t.passwordField.hide : t.passwordField.show}
        </button>
      </div>
      <div id={`${id}-notes`}>
        {isCapsLocked && <p class="warn">{t.passwordField.capsLock}</p>}
        {isNew && <p class="quiet">{t.passwordField.hint}</p>}
      </div>
      {isNew && value !== '' && <StrengthMeter password={value} personal={personal} />}
    </div>
  );
}

interface StrengthMeterProps {
  readonly password: string;
  readonly personal: readonly string[];
}

function StrengthMeter({ password, personal }: StrengthMeterProps) {
  const { t } = useTranslation();
  const strength = ratePassword(password, personal);
  return (
    <p class="strength" data-strength={strength}>
      <meter
        min={0}
        max={4}
        low={2}
        high={3}
        optimum={4}
        value={strengthValue(strength)}
        aria-hidden="true"
      />
      <span role="status">
        {t.passwordField.strength}: {t.passwordField.strengths[strength]}
      </span>
    </p>
  );
}

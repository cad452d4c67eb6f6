/** The form for the operator token: the way in when no person can sign in. */
import { useEffect, useId, useState } from 'preact/hooks';
import { isWrongCredential } from '../api/api-error.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';

/**
 * Forgets the token when the server refuses it, so that the page shows what everyone may see.
 *
 * @returns true once a token was refused
 */
export function useForgetRefused(error: unknown): boolean {
  const { token, wasTokenRefused, forgetRefusedToken } = useMe();
  const isRefused = token !== undefined && isWrongCredential(error);
  useEffect(() => {
    if (isRefused) forgetRefusedToken();
  }, [isRefused, forgetRefusedToken]);
  return wasTokenRefused;
}

interface SignInFormProps {
  /** The part whose operator token is needed. */
  readonly part: 'central' | 'site';
  readonly isRefused: boolean;
  readonly onToken: (token: string) => void;
}

export function SignInForm({ part, isRefused, onToken }: SignInFormProps) {
  const { t } = useTranslation();
  const id = useId();
  const [text, setText] = useState('');
  return (
    <form
      class="panel token-form"
      data-testid="token-form"
      onSubmit={event => {
        event.preventDefault();
        if (text.trim()) onToken(text.trim());
      }}
    >
      <h2>{t.signIn.heading}</h2>
      <p class="quiet">
        {t.signIn.explain[part]
          .split('`')
          .map((text, index) => (index % 2 === 1 ? <code key={text}>{text}</code> : text))}
      </p>
      {isRefused && (
        <p class="bad" role="alert">
          {t.signIn.refused}
        </p>
      )}
      <label for={id}>{t.signIn.label}</label>
      <input
        id={id}
        name="token"
        type="password"
        autocomplete="off"
        required
        value={text}
        onInput={event => setText(event.currentTarget.value)}
      />
      <button type="submit" class="primary">
        {t.signIn.submit}
      </button>
    </form>
  );
}

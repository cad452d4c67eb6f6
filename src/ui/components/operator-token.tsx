/** The operator token comes from `#token=` or the sign-in form. It is kept for this tab, and removed from the address. */
import { useCallback, useEffect, useId, useState } from 'preact/hooks';
import { isWrongCredential } from '../api/api-error.ts';
import { readItem, writeItem } from '../browser/storage.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

const STORAGE_KEY = 'tributary.token';

/** Returns the token in the fragment of the address, and removes it from there. */
function claimTokenFromAddress(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return undefined;
  fragment.delete('token');
  const rest = fragment.toString();
  history.replaceState(history.state, '', location.pathname + location.search + (rest && `#${rest}`));
  return token;
}

interface TokenState {
  readonly token: string | undefined;
  readonly setToken: (token: string | undefined) => void;
}

export function useOperatorToken(): TokenState {
  const [token, set] = useState<string | undefined>(() => {
    const given = claimTokenFromAddress();
    if (given) writeItem(sessionStorage, STORAGE_KEY, given);
    return given || readItem(sessionStorage, STORAGE_KEY) || undefined;
  });
  const setToken = useCallback((next: string | undefined) => {
    writeItem(sessionStorage, STORAGE_KEY, next);
    set(next);
  }, []);
  return { token, setToken };
}

/**
 * Forgets the token when the server refuses it, so that the page shows what everyone may see.
 *
 * @returns true once a token was refused
 */
export function useForgetRefused(error: unknown, { token, setToken }: TokenState): boolean {
  const [wasRefused, setWasRefused] = useState(false);
  const isRefused = token !== undefined && isWrongCredential(error);
  useEffect(() => {
    if (!isRefused) return;
    setWasRefused(true);
    setToken(undefined);
  }, [isRefused, setToken]);
  return wasRefused;
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

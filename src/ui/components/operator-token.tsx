/** The operator's token: taken from `#token=` or a form, kept for this tab, never in the address bar. */
import { useCallback, useId, useState } from 'preact/hooks';
import { useSpeech } from '../i18n/use-translation.tsx';
import { readStored, writeStored } from './browser-storage.ts';

const STORAGE_KEY = 'tributary.token';

/** Reads a token out of the address and removes it from there. */
function takeTokenFromAddress(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return undefined;
  fragment.delete('token');
  const rest = fragment.toString();
  history.replaceState(history.state, '', location.pathname + location.search + (rest && `#${rest}`));
  return token;
}

export interface TokenState {
  readonly token: string | undefined;
  readonly setToken: (token: string | undefined) => void;
}

export function useToken(): TokenState {
  const [token, set] = useState<string | undefined>(() => {
    const given = takeTokenFromAddress();
    if (given) writeStored(sessionStorage, STORAGE_KEY, given);
    return given || readStored(sessionStorage, STORAGE_KEY) || undefined;
  });
  const setToken = useCallback((next: string | undefined) => {
    writeStored(sessionStorage, STORAGE_KEY, next);
    set(next);
  }, []);
  return { token, setToken };
}

interface TokenFormProps {
  readonly refused: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ refused, onToken }: TokenFormProps) {
  const { t } = useSpeech();
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
        {t.signIn.explain
          .split('`')
          .map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part))}
      </p>
      {refused && (
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

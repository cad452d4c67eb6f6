/** The operator token: out of the address (`#token=`, then removed) or typed in; kept for this tab alone. */
import { useState } from 'preact/hooks';
import { t } from './i18n.ts';

const STORAGE_KEY = 'tributary-token';

export function readToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(STORAGE_KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(STORAGE_KEY) ?? undefined;
}

export function TokenForm({ onToken }: { readonly onToken: (token: string) => void }) {
  const [value, setValue] = useState('');
  return (
    <form
      class="panel"
      onSubmit={event => {
        event.preventDefault();
        sessionStorage.setItem(STORAGE_KEY, value.trim());
        onToken(value.trim());
      }}
    >
      <p>{t('tokenNeeded')}</p>
      <div class="form">
        <label>
          {t('token')}
          <input
            type="password"
            autocomplete="current-password"
            required
            value={value}
            onInput={event => setValue(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="main">
          {t('signIn')}
        </button>
      </div>
    </form>
  );
}

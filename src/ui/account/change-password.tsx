/** Changes the password of the person who uses the page. */
import { useState } from 'preact/hooks';
import type { Person } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { Notice } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { PasswordField } from '../person/password-field.tsx';
import { SignInError } from '../person/sign-in-error.tsx';

export function ChangePassword({ person }: { readonly person: Person }) {
  const { t, format } = useTranslation();
  const { token } = useMe();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [isChanged, setChanged] = useState(false);
  const action = useAction();
  const change = async (): Promise<void> => {
    setChanged(false);
    const url = `/api/people/${person.id}/password`;
    if (!(await action.run(() => call(url, { method: 'POST', token, body: { current, password } })))) return;
    setChanged(true);
    setCurrent('');
    setPassword('');
  };
  return (
    <section class="panel" aria-labelledby="password" data-testid="password">
      <h2 id="password">{t.account.password.heading}</h2>
      {isChanged && <Notice kind="good">{t.account.password.changed}</Notice>}
      {person.hasPassword ? (
        <details open={isChanged ? false : undefined}>
          <summary>{t.account.password.change}</summary>
          <form
            class="stack narrow-form"
            onSubmit={event => {
              event.preventDefault();
              void change();
            }}
          >
            {/* Password managers store the new password under this name. */}
            <input
              class="visually-hidden"
              name="username"
              autocomplete="username"
              tabIndex={-1}
              aria-hidden="true"
              readOnly
              value={person.email ?? person.name}
            />
            <PasswordField
              label={t.account.password.current}
              kind="current"
              value={current}
              onInput={setCurrent}
            />
            <PasswordField
              label={t.account.password.new}
              kind="new"
              personal={[person.name, person.email ?? '']}
              value={password}
              onInput={setPassword}
            />
            <SignInError error={action.error} />
            <div class="actions">
              <button type="submit" class="primary" disabled={action.isRunning}>
                {t.account.password.change}
              </button>
            </div>
          </form>
        </details>
      ) : (
        <p class="quiet">{t.account.password.none(format.list(person.providers))}</p>
      )}
    </section>
  );
}

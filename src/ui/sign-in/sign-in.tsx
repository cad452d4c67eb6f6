/** Signing in at central: with a provider, with an e-mail address and a password, or as one of the people of the demo. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { signInOptionsSchema } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { usePoll } from '../api/use-poll.ts';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { BreakGlass } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { parseContinue } from '../me/sign-in-address.ts';
import { useMe } from '../me/use-me.tsx';
import { EmailField } from '../person/email-field.tsx';
import { InsecureNotice } from '../person/insecure-notice.tsx';
import { PasswordField } from '../person/password-field.tsx';
import { signInWith } from '../person/sign-in-call.ts';
import { ReturnNotice, SignInError } from '../person/sign-in-error.tsx';

type SignInOptions = z.infer<typeof signInOptionsSchema>;

const REFRESH_MS = 60_000;

export function SignIn() {
  const { t } = useTranslation();
  const { me } = useMe();
  const next = parseContinue(location.search);
  return (
    <Page title={t.signInPage.title} home="/" links={useCentralNavigation()}>
      <div class="sign-in-page">
        <h1>{t.signInPage.heading}</h1>
        <ReturnNotice code={new URLSearchParams(location.search).get('error')} />
        {me?.person && <SignedIn name={me.person.name} next={next} />}
        {window.isSecureContext ? <SignInPanel next={next} /> : <InsecureNotice />}
        <BreakGlass next={next === '/' ? '/admin' : next} />
      </div>
    </Page>
  );
}

function SignedIn({ name, next }: { readonly name: string; readonly next: string }) {
  const { t } = useTranslation();
  return (
    <Notice kind="good" testId="signed-in">
      <span>{t.signInPage.signedIn(name)}</span>
      <a class="button primary" href={next}>
        {t.signInPage.continue}
      </a>
    </Notice>
  );
}

function SignInPanel({ next }: { readonly next: string }) {
  const { t } = useTranslation();
  const options = usePoll(
    'options',
    abort => call<SignInOptions>('/api/sign-in', { abort }),
    () => REFRESH_MS,
  );
  const { value, error } = options;
  if (!value) {
    return error === undefined ? (
      <p class="quiet">{t.common.loading}</p>
    ) : (
      <ErrorNotice error={error} retry={options.refresh} />
    );
  }
  const { providers, localAccounts, demoPeople } = value;
  const hasDemo = demoPeople.length > 0;
  if (providers.length === 0 && !localAccounts && !hasDemo) {
    return (
      <Notice kind="hint" testId="no-sign-in">
        <div>
          <strong>{t.signInPage.none}</strong>
          <p>{t.signInPage.noneHint}</p>
        </div>
      </Notice>
    );
  }
  return (
    <>
      {hasDemo && <DemoPeople people={demoPeople} next={next} />}
      {(providers.length > 0 || localAccounts) && (
        <section class="panel" aria-label={t.signInPage.title}>
          {providers.map(({ id, name }) => (
            <a
              key={id}
              class="button"
              data-testid="provider"
              href={`/sign-in/provider/${encodeURIComponent(id)}?${new URLSearchParams({ continue: next })}`}
            >
              {t.signInPage.provider(name)}
            </a>
          ))}
          {providers.length > 0 && localAccounts && <p class="or">{t.signInPage.or}</p>}
          {localAccounts && <PasswordForm next={next} />}
        </section>
      )}
    </>
  );
}

function PasswordForm({ next }: { readonly next: string }) {
  const { t } = useTranslation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const action = useAction();
  const submit = async (): Promise<void> => {
    const isDone = await action.run(() => signInWith('/api/sign-in', { email: email.trim(), password }));
    if (isDone) location.assign(next);
  };
  return (
    <form
      class="stack"
      data-testid="password-form"
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      <EmailField email={email} onInput={setEmail} />
      <PasswordField
        label={t.signInPage.password}
        kind="current"
        value={password}
        onInput={setPassword}
        isInvalid={action.error !== undefined}
      />
      <SignInError error={action.error} />
      <button type="submit" class="primary" disabled={action.isRunning}>
        {action.isRunning ? t.signInPage.submitting : t.signInPage.submit}
      </button>
      <p class="quiet">{t.signInPage.forgotten}</p>
    </form>
  );
}

interface DemoPeopleProps {
  readonly people: SignInOptions['demoPeople'];
  readonly next: string;
}

function DemoPeople({ people, next }: DemoPeopleProps) {
  const { t } = useTranslation();
  const action = useAction();
  const signInAs = async (person: string): Promise<void> => {
    if (await action.run(() => signInWith('/api/sign-in/demo', { person }))) location.assign(next);
  };
  return (
    <section class="panel" aria-labelledby="demo-people">
      <h2 id="demo-people">{t.signInPage.demoHeading}</h2>
      <p class="quiet">{t.signInPage.demoHint}</p>
      <ul class="demo-people" data-testid="demo-people">
        {people.map(({ id, name, role }) => (
          <li key={id}>
            <button type="button" disabled={action.isRunning} onClick={() => void signInAs(id)}>
              <span class="initial" aria-hidden="true">
                {[...name][0]}
              </span>
              <span class="demo-person">
                <strong>{name}</strong>
                <span class="quiet">{role}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <SignInError error={action.error} />
    </section>
  );
}

/** A one-time link: an invitation or a new password (`/invitation#LINK`), or a link that signs in once. */
import { useEffect, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { linkInfoSchema, signInOptionsSchema } from '../../protocol/people/people.ts';
import { ApiError } from '../api/api-error.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { usePoll } from '../api/use-poll.ts';
import { Field } from '../components/field.tsx';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { EmailField } from '../person/email-field.tsx';
import { InsecureNotice } from '../person/insecure-notice.tsx';
import { PasswordField } from '../person/password-field.tsx';
import { signInWith } from '../person/sign-in-call.ts';
import { SignInError } from '../person/sign-in-error.tsx';

type LinkInfo = z.infer<typeof linkInfoSchema>;
type SignInOptions = z.infer<typeof signInOptionsSchema>;

const REFRESH_MS = 3_600_000;
const readLink = (): string => decodeURIComponent(location.hash.slice(1)).trim();

/** A pasted link differs only in the fragment, so the browser does not load the page again. */
function useLink(): string {
  const [link, setLink] = useState(readLink);
  useEffect(() => {
    const onChange = (): void => setLink(readLink());
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return link;
}

export function Invitation() {
  const { t } = useTranslation();
  const link = useLink();
  return (
    <Page title={t.invitation.title} home="/" links={useCentralNavigation()}>
      <div class="sign-in-page">
        {link === '' ? <InvalidLink isMissing /> : <Link key={link} link={link} />}
      </div>
    </Page>
  );
}

const isUsed = (error: unknown): boolean => error instanceof ApiError && error.code === 'link-invalid';
/** A link that was cut off does not have the form of a link. */
const isInvalid = (error: unknown): boolean =>
  isUsed(error) || (error instanceof ApiError && error.code === 'request-invalid');

function Link({ link }: { readonly link: string }) {
  const { t } = useTranslation();
  const { me } = useMe();
  const { value, error, refresh } = usePoll(
    link,
    abort => call<LinkInfo>('/api/sign-in/link/inspect', { method: 'POST', body: { link }, abort }),
    () => REFRESH_MS,
  );
  if (!value) {
    if (isInvalid(error)) return <InvalidLink />;
    if (error !== undefined) return <ErrorNotice error={error} retry={refresh} />;
    return <p class="quiet">{t.common.loading}</p>;
  }
  const name = value.name ?? value.email ?? '';
  const heading = {
    password: t.invitation.passwordHeading(name),
    'sign-in': t.invitation.signInHeading(name),
    administrator: t.invitation.administratorHeading,
  };
  return (
    <>
      <h1>{heading[value.kind]}</h1>
      {me?.person && me.person.email !== value.email && (
        <Notice kind="hint" testId="other-person">
          {t.invitation.otherPerson(me.person.name)}
        </Notice>
      )}
      {window.isSecureContext ? <LinkForm link={link} info={value} /> : <InsecureNotice />}
    </>
  );
}

/** Everything except `link`, as far as the kind of the link needs it. */
interface LinkFields {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

function LinkForm({ link, info }: { readonly link: string; readonly info: LinkInfo }) {
  const { t } = useTranslation();
  const [fields, setFields] = useState<LinkFields>({ name: '', email: info.email ?? '', password: '' });
  const set = (part: Partial<LinkFields>): void => setFields({ ...fields, ...part });
  const action = useAction();
  const isAdministrator = info.kind === 'administrator';
  const hasPassword = useLocalAccounts(isAdministrator) && info.kind !== 'sign-in';
  const submit = async (): Promise<void> => {
    const { name, email, password } = fields;
    const body = {
      link,
      ...(isAdministrator ? { name: name.trim(), email: email.trim() } : {}),
      ...(hasPassword ? { password } : {}),
    };
    // The used link does not stay in the history of the browser.
    const next = isAdministrator ? '/admin' : '/';
    if (await action.run(() => signInWith('/api/sign-in/link', body))) location.replace(next);
  };
  if (isUsed(action.error)) return <InvalidLink />;
  return (
    <form
      class="panel"
      data-testid="link-form"
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      <p>{t.invitation.texts[info.kind]}</p>
      {isAdministrator && (
        <Field
          spec={{ key: 'name', label: t.account.name, required: true, autocomplete: 'name' }}
          value={fields.name}
          onInput={name => set({ name })}
        />
      )}
      {(isAdministrator || info.email) && (
        <EmailField
          email={fields.email}
          {...(isAdministrator ? { onInput: (email: string) => set({ email }) } : {})}
        />
      )}
      {hasPassword && (
        <PasswordField
          label={t.invitation.newPassword}
          kind="new"
          personal={[info.name ?? fields.name, fields.email]}
          value={fields.password}
          onInput={password => set({ password })}
        />
      )}
      <SignInError error={action.error} />
      <button type="submit" class="primary" disabled={action.isRunning}>
        {action.isRunning ? t.signInPage.submitting : t.invitation.buttons[info.kind]}
      </button>
    </form>
  );
}

/** The first administrator gets a password only if local accounts are allowed; other links say so by their kind. */
function useLocalAccounts(isNeeded: boolean): boolean {
  const { value } = usePoll(
    String(isNeeded),
    async abort => (isNeeded ? (await call<SignInOptions>('/api/sign-in', { abort })).localAccounts : true),
    () => REFRESH_MS,
  );
  return value ?? true;
}

function InvalidLink({ isMissing }: { readonly isMissing?: boolean }) {
  const { t } = useTranslation();
  return (
    <section class="empty" data-testid="link-invalid">
      <strong>{t.invitation.invalidHeading}</strong>
      <p>{isMissing ? t.invitation.missing : t.invitation.invalidText}</p>
      <a class="button primary" href="/sign-in">
        {t.invitation.open}
      </a>
    </section>
  );
}

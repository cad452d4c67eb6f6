/** The account of the person who uses the page: details, password, sessions and API tokens. */
import type { Person } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { RoleChips, type SiteNames, useSiteNames } from '../person/roles.tsx';
import { Sessions } from '../person/sessions.tsx';
import { Tokens } from '../person/tokens.tsx';
import { ChangePassword } from './change-password.tsx';

const REFRESH_MS = 30_000;

export function Account() {
  const { t } = useTranslation();
  return (
    <Page title={t.account.title} home="/" links={useCentralNavigation()}>
      <h1>{t.account.title}</h1>
      <RequirePermission>
        <OwnAccount />
      </RequirePermission>
    </Page>
  );
}

function OwnAccount() {
  const { t } = useTranslation();
  const { me, token } = useMe();
  const names = useSiteNames();
  const id = me?.person?.id;
  const own = usePoll(
    `${id ?? ''} ${token ?? ''}`,
    async abort => (id ? call<Person>(`/api/people/${id}`, { token, abort }) : undefined),
    () => REFRESH_MS,
  );
  if (!me) return <p class="quiet">{t.common.loading}</p>;
  if (!me.person) {
    return (
      <Notice kind="hint" testId="no-account">
        {t.account.operatorToken}
      </Notice>
    );
  }
  return (
    <>
      {own.error !== undefined && <ErrorNotice error={own.error} retry={own.refresh} />}
      {own.value && (
        <>
          <Details person={own.value} names={names} />
          <ChangePassword person={own.value} />
        </>
      )}
      <Sessions person={me.person} isSelf />
      <Tokens person={me.person} isSelf names={names} />
    </>
  );
}

function Details({ person, names }: { readonly person: Person; readonly names: SiteNames }) {
  const { t, format } = useTranslation();
  const ways = [...(person.hasPassword ? [t.account.localPassword] : []), ...person.providers];
  return (
    <section class="panel" aria-labelledby="details" data-testid="details">
      <h2 id="details">{t.account.details}</h2>
      <dl class="facts">
        <div>
          <dt>{t.account.name}</dt>
          <dd>{person.name}</dd>
        </div>
        <div>
          <dt>{t.account.email}</dt>
          <dd>{person.email ?? t.account.noEmail}</dd>
        </div>
        <div>
          <dt>{t.account.signInWith}</dt>
          <dd>{ways.length > 0 ? format.list(ways) : t.common.none}</dd>
        </div>
        {person.groups.length > 0 && (
          <div>
            <dt>{t.account.groups}</dt>
            <dd>{format.list(person.groups.map(group => group.name))}</dd>
          </div>
        )}
        <div class="full-width">
          <dt>{t.account.roles}</dt>
          <dd>
            <RoleChips roles={person.roles} names={names} />
          </dd>
        </div>
      </dl>
      <p class="quiet">{t.account.changes}</p>
    </section>
  );
}

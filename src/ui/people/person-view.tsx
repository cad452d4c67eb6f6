/** One person: details, roles, groups, access, sessions and tokens, as far as the caller may change them. */
import { useState } from 'preact/hooks';
import type { Person } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { usePoll } from '../api/use-poll.ts';
import { QueryLink } from '../browser/use-address.tsx';
import { Field } from '../components/field.tsx';
import { ErrorNotice, ErrorText } from '../components/notice.tsx';
import { OutcomeNotice, useOutcome } from '../components/use-outcome.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { type SiteNames, useSiteNames } from '../person/roles.tsx';
import { Sessions } from '../person/sessions.tsx';
import { Tokens } from '../person/tokens.tsx';
import { mayChangeAccount } from './assignable.ts';
import { PersonAccess } from './person-access.tsx';
import { PersonGroups } from './person-groups.tsx';
import { PersonStatus } from './person-status.tsx';
import { RolesSection } from './roles-section.tsx';

const REFRESH_MS = 10_000;

export function PersonView({ id }: { readonly id: string }) {
  const { t } = useTranslation();
  const { token } = useMe();
  const names = useSiteNames();
  const person = usePoll(
    `${token ?? ''} ${id}`,
    abort => call<Person>(`/api/people/${encodeURIComponent(id)}`, { token, abort }),
    () => REFRESH_MS,
  );
  return (
    <>
      <p>
        <QueryLink search="">← {t.people.back}</QueryLink>
      </p>
      {person.error !== undefined && <ErrorNotice error={person.error} retry={person.refresh} />}
      {!person.value && person.error === undefined && <p class="quiet">{t.common.loading}</p>}
      {person.value && <KnownPerson person={person.value} names={names} onChanged={person.refresh} />}
    </>
  );
}

interface KnownPersonProps {
  readonly person: Person;
  readonly names: SiteNames;
  readonly onChanged: () => void;
}

function KnownPerson({ person, names, onChanged }: KnownPersonProps) {
  const { t } = useTranslation();
  const { me, token } = useMe();
  const outcome = useOutcome(onChanged);
  const isSelf = me?.person?.id === person.id;
  const mayChange = mayChangeAccount({ permissions: me?.permissions ?? [] }, person);
  /** @throws ApiError */
  const edit = async (body: object, text: string): Promise<void> => {
    await call(`/api/people/${person.id}`, { method: 'PATCH', token, body });
    outcome.report(text);
    onChanged();
  };
  return (
    <>
      <header class="person-heading">
        <h1>{person.name}</h1>
        <p class="row">
          {person.email && <span class="quiet">{person.email}</span>}
          <PersonStatus person={person} />
          {isSelf && <span class="quiet">{t.people.details.self}</span>}
        </p>
      </header>
      <OutcomeNotice outcome={outcome.outcome} onClose={outcome.close} testId="outcome" />
      {!mayChange && <p class="quiet">{t.people.details.notYours}</p>}
      {mayChange && <Details person={person} onSave={name => edit({ name }, t.people.details.saved)} />}
      <RolesSection
        roles={person.roles}
        names={names}
        none={t.people.roles.none}
        onChange={(roles, text) => edit({ roles }, text)}
      />
      <PersonGroups person={person} names={names} onChanged={onChanged} />
      {isSelf ? (
        <p>
          {t.people.details.ownAccount} <a href="/account">{t.me.account}</a>
        </p>
      ) : (
        mayChange && (
          <>
            <PersonAccess person={person} onEdit={edit} />
            <Sessions person={person} isSelf={false} />
            <Tokens person={person} isSelf={false} names={names} />
          </>
        )
      )}
    </>
  );
}

interface DetailsProps {
  readonly person: Person;
  readonly onSave: (name: string) => Promise<void>;
}

function Details({ person, onSave }: DetailsProps) {
  const { t, format } = useTranslation();
  const [edited, setEdited] = useState<string>();
  const action = useAction();
  const name = edited ?? person.name;
  const ways = [...(person.hasPassword ? [t.account.localPassword] : []), ...person.providers];
  const save = async (): Promise<void> => {
    if (await action.run(() => onSave(name.trim()))) setEdited(undefined);
  };
  return (
    <section class="panel" aria-labelledby="details" data-testid="details">
      <h2 id="details">{t.people.details.heading}</h2>
      <dl class="facts">
        {/* The address of a person of other sites is not shown to a site manager. */}
        {person.email === undefined && person.mayChange === false ? null : (
          <div>
            <dt>{t.account.email}</dt>
            <dd>{person.email ?? t.account.noEmail}</dd>
          </div>
        )}
        <div>
          <dt>{t.account.signInWith}</dt>
          <dd>{ways.length > 0 ? format.list(ways) : t.common.none}</dd>
        </div>
        <div>
          <dt>{t.people.columns.signedIn}</dt>
          <dd>{person.signedInAt ? format.dateTime(person.signedInAt) : t.admin.never}</dd>
        </div>
        <div>
          <dt>{t.people.details.created}</dt>
          <dd>{format.date(person.createdAt)}</dd>
        </div>
      </dl>
      <form
        class="inline-form"
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        <Field
          spec={{ key: 'name', label: t.account.name, required: true, autocomplete: 'off' }}
          value={name}
          onInput={setEdited}
        />
        <button type="submit" disabled={action.isRunning || name.trim() === person.name}>
          {t.people.details.save}
        </button>
      </form>
      <ErrorText error={action.error} labels={{ name: t.account.name }} />
    </section>
  );
}

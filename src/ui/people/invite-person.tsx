/** Invites a person. The link with which they set a password is shown once; without local accounts there is none. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Assignment } from '../../protocol/people/decide.ts';
import type { newPersonResponseSchema, signInOptionsSchema } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { QueryLink } from '../browser/use-address.tsx';
import { Field } from '../components/field.tsx';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import type { SiteNames } from '../person/roles.tsx';
import { LinkPanel } from './link-panel.tsx';
import { firstChoice, RolePicker, useAssignable } from './role-picker.tsx';

interface Invited {
  readonly person: z.infer<typeof newPersonResponseSchema>['person'];
  readonly email: string;
  /** Undefined without local accounts: the person signs in with a provider. */
  readonly link: string | undefined;
}

interface InvitePersonProps {
  readonly names: SiteNames;
  readonly onInvited: () => void;
}

export function InvitePerson({ names, onInvited }: InvitePersonProps) {
  const { t } = useTranslation();
  const { token } = useMe();
  const assignable = useAssignable(names);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [chosen, setChosen] = useState<Assignment>();
  const [invited, setInvited] = useState<Invited>();
  const action = useAction();
  const role = chosen ?? firstChoice(assignable);
  if (!role) return null;
  const invite = async (): Promise<void> => {
    await action.run(async () => {
      const body = { name: name.trim(), email: email.trim(), roles: [role] };
      const { localAccounts } = await call<z.infer<typeof signInOptionsSchema>>('/api/sign-in');
      const { person, invitation } = await call<z.infer<typeof newPersonResponseSchema>>('/api/people', {
        method: 'POST',
        token,
        body,
      });
      setInvited({ person, email: body.email, link: localAccounts ? invitation : undefined });
      setName('');
      setEmail('');
    });
    onInvited();
  };
  if (invited) return <InvitationLink invited={invited} onClose={() => setInvited(undefined)} />;
  const texts = t.people.invite;
  return (
    <section class="panel" aria-label={texts.open}>
      <details data-testid="invite-person">
        <summary>{texts.open}</summary>
        <form
          class="form"
          onSubmit={event => {
            event.preventDefault();
            void invite();
          }}
        >
          <Field
            spec={{ key: 'name', label: texts.name, required: true, autocomplete: 'off' }}
            value={name}
            onInput={setName}
          />
          <Field
            spec={{ key: 'email', label: texts.email, kind: 'email', required: true, autocomplete: 'off' }}
            value={email}
            onInput={setEmail}
          />
          <RolePicker assignable={assignable} value={role} onChoose={setChosen} names={names} />
          <ErrorText error={action.error} isWide labels={{ name: texts.name, email: texts.email }} />
          <div class="actions full-width">
            <button type="submit" class="primary" disabled={action.isRunning}>
              {texts.submit}
            </button>
          </div>
        </form>
      </details>
    </section>
  );
}

function InvitationLink({ invited, onClose }: { readonly invited: Invited; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const texts = t.people.invite;
  const { person, email, link } = invited;
  return (
    <LinkPanel
      heading={texts.done(person.name)}
      text={link === undefined ? texts.byProvider(email) : texts.link(person.name)}
      link={link}
      onClose={onClose}
    >
      <QueryLink search={`?person=${person.id}`}>{texts.show}</QueryLink>
    </LinkPanel>
  );
}

/** One group: name, roles and members. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Group, groupListSchema } from '../../../protocol/people/people.ts';
import { ApiError } from '../../api/api-error.ts';
import { call } from '../../api/call.ts';
import { useAction } from '../../api/use-action.ts';
import { usePoll } from '../../api/use-poll.ts';
import { navigate, QueryLink } from '../../browser/use-address.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { ErrorNotice, ErrorText } from '../../components/notice.tsx';
import { OutcomeNotice, useOutcome } from '../../components/use-outcome.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useMe } from '../../me/use-me.tsx';
import { type SiteNames, useSiteNames } from '../../person/roles.tsx';
import { isAssignable } from '../assignable.ts';
import { RolesSection } from '../roles-section.tsx';
import { GroupMembers } from './group-members.tsx';

const REFRESH_MS = 10_000;

export function GroupView({ id }: { readonly id: string }) {
  const { t } = useTranslation();
  const { token } = useMe();
  const names = useSiteNames();
  const found = usePoll(
    `${token ?? ''} ${id}`,
    async abort => {
      const { groups } = await call<z.infer<typeof groupListSchema>>('/api/groups', { token, abort });
      const group = groups.find(each => each.id === id);
      if (!group) throw new ApiError(404, 'group-unknown', '');
      return group;
    },
    () => REFRESH_MS,
  );
  return (
    <>
      <p>
        <QueryLink search="?view=groups">← {t.people.group.back}</QueryLink>
      </p>
      {found.error !== undefined && <ErrorNotice error={found.error} retry={found.refresh} />}
      {!found.value && found.error === undefined && <p class="quiet">{t.common.loading}</p>}
      {found.value && <KnownGroup group={found.value} names={names} onChanged={found.refresh} />}
    </>
  );
}

interface KnownGroupProps {
  readonly group: Group;
  readonly names: SiteNames;
  readonly onChanged: () => void;
}

function KnownGroup({ group, names, onChanged }: KnownGroupProps) {
  const { t } = useTranslation();
  const { me, token, isAllowed } = useMe();
  const outcome = useOutcome(onChanged);
  const holder = { permissions: me?.permissions ?? [] };
  const mayChange = isAllowed('manage-people', {}) && group.roles.every(role => isAssignable(holder, role));
  /** @throws ApiError */
  const edit = async (body: object, text: string): Promise<void> => {
    await call(`/api/groups/${group.id}`, { method: 'PATCH', token, body });
    outcome.report(text);
    onChanged();
  };
  return (
    <>
      <header class="person-heading">
        <h1>{group.name}</h1>
        <p class="quiet">{t.people.group.memberCount(group.members)}</p>
        {group.source === 'provider' && <p class="quiet">{t.people.group.providerHint}</p>}
      </header>
      <OutcomeNotice outcome={outcome.outcome} onClose={outcome.close} testId="outcome" />
      <RolesSection
        roles={group.roles}
        names={names}
        none={t.people.roles.noneGroup}
        onChange={(roles, text) => edit({ roles }, text)}
      />
      <GroupMembers group={group} mayChange={mayChange} onChanged={onChanged} />
      {mayChange && <GroupSettings group={group} onRename={name => edit({ name }, t.people.group.renamed)} />}
    </>
  );
}

interface GroupSettingsProps {
  readonly group: Group;
  readonly onRename: (name: string) => Promise<void>;
}

function GroupSettings({ group, onRename }: GroupSettingsProps) {
  const { t } = useTranslation();
  const { token } = useMe();
  const [edited, setEdited] = useState<string>();
  const [isDeleting, setDeleting] = useState(false);
  const action = useAction();
  const texts = t.people.group;
  const name = edited ?? group.name;
  const rename = async (): Promise<void> => {
    if (await action.run(() => onRename(name.trim()))) setEdited(undefined);
  };
  const remove = (): Promise<boolean> =>
    action.run(async () => {
      await call(`/api/groups/${group.id}`, { method: 'DELETE', token });
      navigate('?view=groups');
    });
  return (
    <section class="panel" aria-labelledby="settings">
      <h2 id="settings">{t.people.details.heading}</h2>
      {group.source === 'local' && (
        <form
          class="inline-form"
          onSubmit={event => {
            event.preventDefault();
            void rename();
          }}
        >
          <Field
            spec={{ key: 'name', label: texts.name, required: true, autocomplete: 'off' }}
            value={name}
            onInput={setEdited}
          />
          <button type="submit" disabled={action.isRunning || name.trim() === group.name}>
            {texts.rename}
          </button>
        </form>
      )}
      <ErrorText error={action.error} labels={{ name: texts.name }} />
      <div class="actions">
        <button
          type="button"
          disabled={action.isRunning}
          onClick={() => setDeleting(true)}
          data-testid="delete-group"
        >
          {texts.delete}
        </button>
      </div>
      {isDeleting && (
        <Confirm
          title={texts.deleteTitle(group.name)}
          text={texts.deleteText(texts.memberCount(group.members))}
          yes={texts.delete}
          no={t.common.cancel}
          onYes={() => {
            setDeleting(false);
            void remove();
          }}
          onNo={() => setDeleting(false)}
        />
      )}
    </section>
  );
}

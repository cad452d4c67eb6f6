/** The groups of a person, with the roles that come from them. */
import { useId, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { groupListSchema, Person } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { usePoll } from '../api/use-poll.ts';
import { QueryLink } from '../browser/use-address.tsx';
import { Announcement, ErrorNotice, ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { RoleChips, type SiteNames } from '../person/roles.tsx';
import { isAssignable } from './assignable.ts';

const REFRESH_MS = 15_000;

interface PersonGroupsProps {
  readonly person: Person;
  readonly names: SiteNames;
  readonly onChanged: () => void;
}

export function PersonGroups({ person, names, onChanged }: PersonGroupsProps) {
  const { t } = useTranslation();
  const { me, token, isAllowed } = useMe();
  const id = useId();
  const [chosen, setChosen] = useState('');
  const [announcement, setAnnouncement] = useState('');
  const action = useAction();
  const texts = t.people.membership;
  const list = usePoll(
    `groups ${token ?? ''}`,
    abort => call<z.infer<typeof groupListSchema>>('/api/groups', { token, abort }),
    () => REFRESH_MS,
  );
  const groups = new Map(list.value?.groups.map(group => [group.id, group]));
  const holder = { permissions: me?.permissions ?? [] };
  /** Nobody adds to a group, or removes from it, without having its roles. */
  const mayChange = (group: string): boolean =>
    isAllowed('manage-people', {}) &&
    (groups.get(group)?.roles.every(role => isAssignable(holder, role)) ?? false);
  const change = async (method: 'PUT' | 'DELETE', group: string, text: string): Promise<void> => {
    await action.run(async () => {
      await call(`/api/groups/${group}/members/${person.id}`, { method, token });
      setAnnouncement(text);
      setChosen('');
    });
    list.refresh();
    onChanged();
  };
  const others = [...groups.values()].filter(
    group => mayChange(group.id) && !person.groups.some(each => each.id === group.id),
  );
  return (
    <section class="panel" aria-labelledby="groups" data-testid="groups">
      <h2 id="groups">{texts.heading}</h2>
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      {person.groups.length === 0 && <p class="quiet">{texts.none}</p>}
      <ul class="role-list">
        {person.groups.map(group => (
          <li key={group.id} class="role-row">
            <div class="row">
              <QueryLink search={`?group=${group.id}`}>{group.name}</QueryLink>
              <RoleChips roles={groups.get(group.id)?.roles ?? []} names={names} />
            </div>
            {mayChange(group.id) && (
              <button
                type="button"
                class="small"
                disabled={action.isRunning}
                aria-label={texts.remove(group.name)}
                onClick={() => void change('DELETE', group.id, texts.removed(group.name))}
              >
                {t.people.group.remove}
              </button>
            )}
          </li>
        ))}
      </ul>
      <ErrorText error={action.error} />
      <Announcement text={announcement} />
      {others.length > 0 && (
        <form
          class="inline-form"
          onSubmit={event => {
            event.preventDefault();
            const group = groups.get(chosen);
            if (group) void change('PUT', group.id, texts.added(group.name));
          }}
        >
          <div class="field">
            <label for={id}>{texts.choose}</label>
            <select id={id} required value={chosen} onChange={event => setChosen(event.currentTarget.value)}>
              <option value="" />
              {others.map(group => (
                <option key={group.id} value={group.id}>
                  {group.name}
                </option>
              ))}
            </select>
          </div>
          <button type="submit" disabled={action.isRunning || chosen === ''}>
            {texts.add}
          </button>
        </form>
      )}
    </section>
  );
}

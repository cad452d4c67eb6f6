/** The groups, and the form that creates one. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Group, groupListSchema } from '../../../protocol/people/people.ts';
import { call } from '../../api/call.ts';
import { useAction } from '../../api/use-action.ts';
import { usePoll } from '../../api/use-poll.ts';
import { navigate, QueryLink } from '../../browser/use-address.tsx';
import { Field } from '../../components/field.tsx';
import { ErrorNotice, ErrorText } from '../../components/notice.tsx';
import { Table } from '../../components/table.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useMe } from '../../me/use-me.tsx';
import { RoleChips, useSiteNames } from '../../person/roles.tsx';

const REFRESH_MS = 10_000;

export function GroupList() {
  const { t, format } = useTranslation();
  const { token, isAllowed } = useMe();
  const names = useSiteNames();
  const list = usePoll(
    token ?? '',
    abort => call<z.infer<typeof groupListSchema>>('/api/groups', { token, abort }),
    () => REFRESH_MS,
  );
  const groups = list.value?.groups;
  const { columns } = t.people;
  return (
    <>
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      <section class="panel" aria-label={t.people.groups}>
        {!groups && list.error === undefined && <p class="quiet">{t.common.loading}</p>}
        {groups?.length === 0 && (
          <div class="empty" data-testid="no-groups">
            <strong>{t.people.group.none}</strong>
            <p>{t.people.group.noneHint}</p>
          </div>
        )}
        {groups && groups.length > 0 && (
          <Table
            testId="group-table"
            label={t.people.groups}
            columns={[columns.name, columns.roles, columns.members, columns.source]}
          >
            {groups.map(group => (
              <tr key={group.id} data-group={group.id}>
                <th scope="row">
                  <QueryLink search={`?group=${group.id}`}>{group.name}</QueryLink>
                </th>
                <td>
                  <RoleChips roles={group.roles} names={names} />
                </td>
                <td class="number">{format.number(group.members)}</td>
                <td>{t.people.group.sources[group.source]}</td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      {isAllowed('manage-people', {}) && <NewGroup />}
    </>
  );
}

function NewGroup() {
  const { t } = useTranslation();
  const { token } = useMe();
  const [name, setName] = useState('');
  const action = useAction();
  const create = (): Promise<boolean> =>
    action.run(async () => {
      const body = { name: name.trim() };
      const group = await call<Group>('/api/groups', { method: 'POST', token, body });
      navigate(`?group=${group.id}`);
    });
  return (
    <section class="panel" aria-label={t.people.group.open}>
      <details data-testid="new-group">
        <summary>{t.people.group.open}</summary>
        <form
          class="inline-form"
          onSubmit={event => {
            event.preventDefault();
            void create();
          }}
        >
          <Field
            spec={{ key: 'name', label: t.people.group.name, required: true, autocomplete: 'off' }}
            value={name}
            onInput={setName}
          />
          <button type="submit" class="primary" disabled={action.isRunning}>
            {t.people.group.create}
          </button>
        </form>
        <ErrorText error={action.error} labels={{ name: t.people.group.name }} />
      </details>
    </section>
  );
}

/** The members of a group, with a search that adds people. */
import { useId, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Group, Person, personListSchema } from '../../../protocol/people/people.ts';
import { call } from '../../api/call.ts';
import { useAction } from '../../api/use-action.ts';
import { usePoll } from '../../api/use-poll.ts';
import { QueryLink } from '../../browser/use-address.tsx';
import { useSearchQuery } from '../../browser/use-search-query.ts';
import { Announcement, ErrorNotice, ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useMe } from '../../me/use-me.tsx';

type PersonPage = z.infer<typeof personListSchema>;

const REFRESH_MS = 10_000;
const MAX_FOUND = 8;

interface GroupMembersProps {
  readonly group: Group;
  readonly mayChange: boolean;
  readonly onChanged: () => void;
}

export function GroupMembers({ group, mayChange, onChanged }: GroupMembersProps) {
  const { t } = useTranslation();
  const { token } = useMe();
  const [announcement, setAnnouncement] = useState('');
  const [pages, setPages] = useState(1);
  const action = useAction();
  const texts = t.people.group;
  const list = usePoll(
    `${token ?? ''} ${group.id} ${pages}`,
    abort => fetchMembers(group.id, pages, { token, abort }),
    () => REFRESH_MS,
  );
  const members = list.value?.people ?? [];
  const change = async (method: 'PUT' | 'DELETE', person: Person, text: string): Promise<void> => {
    await action.run(async () => {
      await call(`/api/groups/${group.id}/members/${person.id}`, { method, token });
      setAnnouncement(text);
    });
    list.refresh();
    onChanged();
  };
  return (
    <section class="panel" aria-labelledby="members" data-testid="members">
      <h2 id="members">{texts.members}</h2>
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      {list.value && members.length === 0 && <p class="quiet">{texts.noMembers}</p>}
      <ul class="role-list">
        {members.map(person => (
          <li key={person.id} class="role-row" data-person={person.id}>
            <div>
              <QueryLink search={`?person=${person.id}`}>{person.name}</QueryLink>
              {person.email && <p class="quiet">{person.email}</p>}
            </div>
            {mayChange && (
              <button
                type="button"
                class="small"
                disabled={action.isRunning}
                aria-label={texts.removePerson(person.name)}
                onClick={() => void change('DELETE', person, texts.removed(person.name))}
              >
                {texts.remove}
              </button>
            )}
          </li>
        ))}
      </ul>
      {list.value?.next !== undefined && (
        <div class="actions">
          <button type="button" class="small" onClick={() => setPages(pages + 1)}>
            {t.catalogue.more}
          </button>
        </div>
      )}
      <ErrorText error={action.error} />
      <Announcement text={announcement} />
      {mayChange && (
        <AddMember
          members={members}
          isBusy={action.isRunning}
          onAdd={person => change('PUT', person, texts.added(person.name))}
        />
      )}
    </section>
  );
}

/** The first pages of the members, by name. */
async function fetchMembers(
  group: string,
  pages: number,
  options: { readonly token: string | undefined; readonly abort: AbortSignal },
): Promise<PersonPage> {
  const people: Person[] = [];
  let next: string | undefined;
  for (let page = 0; page < pages && (page === 0 || next !== undefined); page++) {
    const query = new URLSearchParams({ group, ...(next === undefined ? {} : { cursor: next }) });
    const found: PersonPage = await call(`/api/people?${query}`, options);
    people.push(...found.people);
    next = found.next;
  }
  return { people, ...(next === undefined ? {} : { next }) };
}

interface AddMemberProps {
  readonly members: readonly Person[];
  readonly isBusy: boolean;
  readonly onAdd: (person: Person) => Promise<void>;
}

function AddMember({ members, isBusy, onAdd }: AddMemberProps) {
  const { t } = useTranslation();
  const { token } = useMe();
  const id = useId();
  const search = useSearchQuery('');
  const { query } = search;
  const texts = t.people.group;
  const found = usePoll(
    `${token ?? ''} ${query}`,
    async abort =>
      query === ''
        ? []
        : (await call<PersonPage>(`/api/people?${new URLSearchParams({ q: query })}`, { token, abort }))
            .people,
    () => REFRESH_MS,
  );
  const candidates = (found.value ?? []).filter(person => !members.some(each => each.id === person.id));
  return (
    <div class="field add-member">
      <label for={id}>{texts.add}</label>
      <input
        id={id}
        type="search"
        autocomplete="off"
        placeholder={t.people.searchPlaceholder}
        aria-describedby={`${id}-hint`}
        value={search.typed}
        onInput={event => search.setTyped(event.currentTarget.value)}
      />
      <p class="quiet" id={`${id}-hint`} role="status">
        {query !== '' && found.value && candidates.length === 0 ? t.people.nothingFound : texts.addHint}
      </p>
      <ul class="role-list" data-testid="candidates">
        {candidates.slice(0, MAX_FOUND).map(person => (
          <li key={person.id} class="role-row">
            <div>
              {person.name}
              {person.email && <p class="quiet">{person.email}</p>}
            </div>
            <button
              type="button"
              class="small"
              disabled={isBusy}
              onClick={() => void onAdd(person).then(() => search.setTyped(''))}
            >
              {texts.addPerson(person.name)}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The people, with a search, the filter by site, and the form that invites someone. */
import { useEffect, useId, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Person, personListSchema, siteRolesSchema } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { listUnique } from '../api/pages.ts';
import { usePages } from '../api/use-pages.ts';
import { usePoll } from '../api/use-poll.ts';
import { QueryLink } from '../browser/use-address.tsx';
import { useSharedSearchQuery } from '../browser/use-search-query.ts';
import { SelectOptions } from '../components/field.tsx';
import { ErrorNotice } from '../components/notice.tsx';
import { Table, TimeCell } from '../components/table.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { RoleChips, type SiteNames, useSiteNames } from '../person/roles.tsx';
import { InvitePerson } from './invite-person.tsx';
import { PersonStatus } from './person-status.tsx';

const REFRESH_MS = 10_000;

type PersonPage = z.infer<typeof personListSchema>;

export function PeopleList() {
  const { t } = useTranslation();
  const { token, isAllowed } = useMe();
  const names = useSiteNames();
  const search = useSharedSearchQuery();
  const [site, setSite] = useSiteFilter();
  const { query } = search;
  const { first, pages, hasMore, loadMore, error, refresh } = usePages<PersonPage>(
    `${token ?? ''} ${site} ${query}`,
    (cursor, abort) =>
      call<PersonPage>(`/api/people${formatPeopleQuery({ q: query, site, cursor })}`, { token, abort }),
    REFRESH_MS,
  );
  const people = listUnique(
    pages.flatMap(page => page.people),
    ({ id }) => id,
  );
  const isFiltered = query !== '' || site !== '';
  return (
    <>
      <Filters search={search} site={site} onSite={setSite} names={names} />
      {!isAllowed('manage-people', {}) && <p class="quiet">{t.people.searchHint}</p>}
      {site !== '' && <GroupsOfSite site={site} names={names} />}
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      <section class="panel" aria-labelledby="people">
        <h2 id="people">{site === '' ? t.people.people : t.people.peopleAtSite(nameOfSite(site, names))}</h2>
        {!first && error === undefined && <p class="quiet">{t.common.loading}</p>}
        {first && people.length === 0 && (
          <div class="empty" data-testid="no-people">
            <strong>{isFiltered ? t.people.nothingFound : t.people.noPeople}</strong>
            <p>{isFiltered ? t.people.nothingFoundHint : t.people.noPeopleHint}</p>
            {isFiltered && (
              <button
                type="button"
                onClick={() => {
                  search.setTyped('');
                  setSite('');
                }}
              >
                {t.people.clear}
              </button>
            )}
          </div>
        )}
        {people.length > 0 && <PeopleTable people={people} names={names} />}
        {hasMore && (
          <div class="actions">
            <button type="button" onClick={() => void loadMore()} data-testid="more">
              {t.catalogue.more}
            </button>
          </div>
        )}
      </section>
      <InvitePerson names={names} onInvited={refresh} />
    </>
  );
}

const formatPeopleQuery = (values: Readonly<Record<string, string | undefined>>): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, value);
  return query.size === 0 ? '' : `?${query}`;
};

/** `site` comes from the address. */
const nameOfSite = (site: string, names: SiteNames): string =>
  [...names].find(([id]) => id === site)?.[1] ?? site;

/** A person who was renamed between two pages is on both. */
/** The filter is in the address, so that the administration of a site can link to it. */
function useSiteFilter(): readonly [string, (site: string) => void] {
  const [site, setSite] = useState(() => new URLSearchParams(location.search).get('site') ?? '');
  useEffect(() => {
    const url = new URL(location.href);
    if (site) url.searchParams.set('site', site);
    else url.searchParams.delete('site');
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  }, [site]);
  return [site, setSite];
}

interface FiltersProps {
  readonly search: ReturnType<typeof useSharedSearchQuery>;
  readonly site: string;
  readonly onSite: (site: string) => void;
  readonly names: SiteNames;
}

function Filters({ search, site, onSite, names }: FiltersProps) {
  const { t } = useTranslation();
  const { isAllowed } = useMe();
  const id = useId();
  const managed = [...names].filter(([each]) => isAllowed('manage-people', { site: each }));
  return (
    <search class="filters">
      <div class="field search">
        <label for={`${id}-search`}>{t.people.search}</label>
        <input
          id={`${id}-search`}
          type="search"
          autocomplete="off"
          placeholder={t.people.searchPlaceholder}
          value={search.typed}
          onInput={event => search.setTyped(event.currentTarget.value)}
        />
      </div>
      {managed.length > 0 && (
        <div class="field">
          <label for={`${id}-site`}>{t.people.site}</label>
          <select id={`${id}-site`} value={site} onChange={event => onSite(event.currentTarget.value)}>
            <option value="">{t.people.anySite}</option>
            <SelectOptions options={managed} />
          </select>
        </div>
      )}
    </search>
  );
}

function PeopleTable({ people, names }: { readonly people: readonly Person[]; readonly names: SiteNames }) {
  const { t, format } = useTranslation();
  const { columns } = t.people;
  return (
    <Table
      testId="people-table"
      label={t.people.people}
      columns={[columns.name, columns.roles, columns.groups, columns.status, columns.signedIn]}
    >
      {people.map(person => (
        <tr key={person.id} data-person={person.id}>
          <th scope="row">
            <QueryLink search={`?person=${person.id}`}>{person.name}</QueryLink>
            {person.email && <div class="quiet">{person.email}</div>}
          </th>
          <td>
            <RoleChips roles={person.roles} names={names} />
          </td>
          <td>
            {person.groups.length === 0 ? t.common.none : format.list(person.groups.map(group => group.name))}
          </td>
          <td>
            <PersonStatus person={person} />
          </td>
          <TimeCell time={person.signedInAt} />
        </tr>
      ))}
    </Table>
  );
}

function GroupsOfSite({ site, names }: { readonly site: string; readonly names: SiteNames }) {
  const { t } = useTranslation();
  const { token } = useMe();
  const roles = usePoll(
    `${token ?? ''} ${site}`,
    abort =>
      call<z.infer<typeof siteRolesSchema>>(`/api/sites/${encodeURIComponent(site)}/roles`, { token, abort }),
    () => REFRESH_MS,
  );
  const groups = roles.value?.groups ?? [];
  if (roles.error !== undefined) return <ErrorNotice error={roles.error} retry={roles.refresh} />;
  if (groups.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="groups-of-site" data-testid="groups-of-site">
      <h2 id="groups-of-site">{t.people.groupsAtSite(nameOfSite(site, names))}</h2>
      <ul class="stack">
        {groups.map(group => (
          <li key={group.id} class="row">
            <QueryLink search={`?group=${group.id}`}>{group.name}</QueryLink>
            <RoleChips roles={group.roles} names={names} />
          </li>
        ))}
      </ul>
    </section>
  );
}

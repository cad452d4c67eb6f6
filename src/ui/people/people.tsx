/** The administration of people and groups: lists, and one person or group. The address says which. */
import { useEffect, useRef } from 'preact/hooks';
import { QueryLink, useAddressQuery } from '../browser/use-address.tsx';
import { AdminNavigation } from '../components/admin-navigation.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { GroupView } from './groups/group-view.tsx';
import { GroupList } from './groups/groups.tsx';
import { PeopleList } from './people-list.tsx';
import { PersonView } from './person-view.tsx';

export function People() {
  const { t } = useTranslation();
  return (
    <Page title={t.people.title} home="/" links={useCentralNavigation('admin')}>
      <AdminNavigation />
      <RequirePermission anyOf={['manage-people']}>
        <View />
      </RequirePermission>
    </Page>
  );
}

function View() {
  const query = useAddressQuery();
  const person = query.get('person');
  const group = query.get('group');
  const view = person ?? group ?? query.get('view') ?? '';
  const ref = useRef<HTMLDivElement>(null);
  const shown = useRef(view);
  // Like a new page, another view begins at its top, also for the keyboard and screen readers.
  useEffect(() => {
    if (shown.current === view) return;
    shown.current = view;
    ref.current?.focus();
    scrollTo(0, 0);
  }, [view]);
  return (
    <div ref={ref} tabIndex={-1} class="view" key={view}>
      {person !== null ? (
        <PersonView key={person} id={person} />
      ) : group !== null ? (
        <GroupView key={group} id={group} />
      ) : (
        <Lists isGroups={query.get('view') === 'groups'} />
      )}
    </div>
  );
}

function Lists({ isGroups }: { readonly isGroups: boolean }) {
  const { t } = useTranslation();
  return (
    <>
      <div class="list-heading">
        <h1>{isGroups ? t.people.groups : t.people.people}</h1>
        <nav class="tabs" aria-label={t.people.title}>
          <QueryLink search="" current={!isGroups}>
            {t.people.people}
          </QueryLink>
          <QueryLink search="?view=groups" current={isGroups} testId="groups-tab">
            {t.people.groups}
          </QueryLink>
        </nav>
      </div>
      {isGroups ? <GroupList /> : <PeopleList />}
    </>
  );
}

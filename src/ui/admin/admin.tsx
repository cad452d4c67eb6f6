/** The administration page: sites, trackers, copies and the signal log, as far as the person may see them. */
import { AdminNavigation } from '../components/admin-navigation.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { FleetOverview } from './fleet-overview.tsx';

export function Admin() {
  const { t } = useTranslation();
  const navigation = useCentralNavigation('admin');
  return (
    <Page title={t.admin.title} home="/" links={navigation}>
      <AdminNavigation />
      <h1>{t.admin.heading}</h1>
      <RequirePermission anyOf={['manage-site']}>
        <FleetOverview />
      </RequirePermission>
    </Page>
  );
}

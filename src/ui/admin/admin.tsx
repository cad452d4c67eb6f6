/** The administration page: sites, trackers, copies and the signal log, for an operator. */
import { SignInForm, useOperatorToken } from '../components/operator-token.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { FleetOverview } from './fleet-overview.tsx';

export function Admin() {
  const { t } = useTranslation();
  const navigation = useCentralNavigation('admin');
  const { token, setToken } = useOperatorToken();
  return (
    <Page title={t.admin.title} home="/" links={navigation}>
      <h1>{t.admin.heading}</h1>
      {token === undefined ? (
        <SignInForm part="central" isRefused={false} onToken={setToken} />
      ) : (
        <FleetOverview token={token} onToken={setToken} />
      )}
    </Page>
  );
}

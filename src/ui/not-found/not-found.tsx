/** The page for an address without content. */

import { Page } from '../components/page.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Page title={t.notFound.heading} home="/" links={[{ href: '/', text: t.notFound.home }]}>
      <h1>{t.notFound.heading}</h1>
      <p>{t.notFound.text}</p>
      <p>
        <a href="/">{t.notFound.home}</a>
      </p>
    </Page>
  );
}

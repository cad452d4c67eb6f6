/** What a person finds at an address where there is nothing. */

import { Page } from '../components/page.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';

export function Lost() {
  const { t } = useSpeech();
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

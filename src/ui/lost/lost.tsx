/** What a person finds at an address where there is nothing. */
import { useSpeech } from '../parts/language.tsx';
import { Page } from '../parts/page.tsx';

export function Lost() {
  const { t } = useSpeech();
  return (
    <Page title={t.lost.heading} home="/" links={[{ href: '/', text: t.lost.home }]}>
      <h1>{t.lost.heading}</h1>
      <p>{t.lost.text}</p>
      <p>
        <a href="/">{t.lost.home}</a>
      </p>
    </Page>
  );
}

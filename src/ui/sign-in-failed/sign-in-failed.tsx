/** Why signing in at this site failed, and what works nevertheless. */
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { BreakGlass } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { formatSignInAddress, parseReturn } from '../me/sign-in-address.ts';
import { ReturnNotice } from '../person/sign-in-error.tsx';

export function SignInFailed() {
  const { t } = useTranslation();
  const query = new URLSearchParams(location.search);
  const next = parseReturn(location.search);
  const code = query.get('code') ?? '';
  const isOffline = code === 'central-unreachable';
  const title = isOffline ? t.signInFailed.unavailable : t.signInFailed.title;
  return (
    <Page title={title} home="/" links={[{ href: '/library', text: t.library.title }]}>
      <div class="sign-in-page">
        <h1>{title}</h1>
        {window.isSecureContext ? (
          <ReturnNotice code={code} />
        ) : (
          <Notice kind="error" testId="sign-in-error">
            {t.signInFailed.insecure(location.origin)}
          </Notice>
        )}
        {isOffline && <p>{t.signInFailed.offline}</p>}
        <p class="row">
          <a class="button primary" href={formatSignInAddress('site', next)}>
            {t.signInFailed.retry}
          </a>
          {isOffline && <a href="/library">{t.library.title}</a>}
        </p>
        <BreakGlass next={next} />
      </div>
    </Page>
  );
}

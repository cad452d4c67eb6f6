/** Says why nobody can sign in on a page that was opened without HTTPS. */
import { Notice } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

export function InsecureNotice() {
  const { t } = useTranslation();
  return (
    <Notice kind="error" testId="insecure">
      <div>
        <strong>{t.signInPage.insecure}</strong>
        <p>{t.signInPage.insecureHint(location.origin)}</p>
      </div>
    </Notice>
  );
}

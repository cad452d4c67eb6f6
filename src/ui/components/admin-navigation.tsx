/** The links between the pages of the administration, of which a person sees those that they may use. */
import type { Action } from '../../protocol/people/decide.ts';
import type { Texts } from '../i18n/texts.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';

interface AdminPage {
  readonly href: string;
  readonly text: keyof Texts['adminPages'];
  readonly anyOf: readonly Action[];
}

const PAGES: readonly AdminPage[] = [
  { href: '/admin', text: 'fleet', anyOf: ['manage-site', 'manage-copies'] },
  { href: '/admin/people', text: 'people', anyOf: ['manage-people'] },
  { href: '/admin/audit', text: 'audit', anyOf: ['read-audit'] },
  { href: '/admin/explain', text: 'explain', anyOf: ['manage-site'] },
];

/** The first page of the administration that the person may use. */
export function useFirstAdminPage(): string | undefined {
  const { isAllowedSomewhere } = useMe();
  return PAGES.find(page => page.anyOf.some(isAllowedSomewhere))?.href;
}

export function AdminNavigation() {
  const { t } = useTranslation();
  const { isAllowedSomewhere } = useMe();
  const pages = PAGES.filter(page => page.anyOf.some(isAllowedSomewhere));
  if (pages.length < 2) return null;
  return (
    <nav class="tabs" aria-label={t.common.administration} data-testid="admin-pages">
      {pages.map(({ href, text }) => (
        <a key={href} href={href} aria-current={location.pathname === href ? 'page' : undefined}>
          {t.adminPages[text]}
        </a>
      ))}
    </nav>
  );
}

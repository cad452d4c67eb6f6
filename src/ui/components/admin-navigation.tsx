/** The links between the pages of the administration, of which a person sees those that they may use. */
import type { Action } from '../../protocol/people/decide.ts';
import type { Texts } from '../i18n/texts.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';

interface AdminPage {
  readonly href: string;
  readonly text: keyof Texts['adminPages'];
  readonly action: Action;
  /** The permission for a site or series does not suffice. */
  readonly isForEverything?: true;
}

const PAGES: readonly AdminPage[] = [
  { href: '/admin', text: 'fleet', action: 'manage-site' },
  { href: '/admin/people', text: 'people', action: 'manage-people' },
  { href: '/admin/audit', text: 'audit', action: 'read-audit', isForEverything: true },
  { href: '/admin/explain', text: 'explain', action: 'manage-site', isForEverything: true },
];

function useAdminPages(): readonly AdminPage[] {
  const { isAllowed, isAllowedSomewhere } = useMe();
  return PAGES.filter(({ action, isForEverything }) =>
    isForEverything ? isAllowed(action, {}) : isAllowedSomewhere(action),
  );
}

/** The first page of the administration that the person may use. */
export const useFirstAdminPage = (): string | undefined => useAdminPages()[0]?.href;

export function AdminNavigation() {
  const { t } = useTranslation();
  const pages = useAdminPages();
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

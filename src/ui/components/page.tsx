/** The frame of every page: skip link, header, main part, footer. */
import { type ComponentChildren, type FunctionComponent, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { LanguageProvider, useTranslation } from '../i18n/use-translation.tsx';
import type { Part } from '../me/sign-in-address.ts';
import { MeProvider } from '../me/use-me.tsx';
import { useFirstAdminPage } from './admin-navigation.tsx';
import { LanguageSwitch } from './header/language-switch.tsx';
import { PersonMenu } from './header/person-menu.tsx';
import { Wordmark } from './wordmark.tsx';

/** @param part undefined for a page that every part serves: it does not show who is signed in */
export function mountPage(Content: FunctionComponent, part: Part | undefined): void {
  const root = document.getElementById('app');
  if (!root) throw new Error('the page has no #app');
  render(
    <LanguageProvider>
      {part ? (
        <MeProvider part={part}>
          <Content />
        </MeProvider>
      ) : (
        <Content />
      )}
    </LanguageProvider>,
    root,
  );
}

interface PageLink {
  readonly href: string;
  readonly text: string;
  readonly current?: boolean;
}

interface PageProps {
  readonly title: string;
  readonly home: string;
  readonly links: readonly PageLink[];
  /** The address of the account page at central. Default: `/account` at central, and none at a site. */
  readonly account?: string | undefined;
  /** A search box for the header. */
  readonly search?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, home, links, account, search, children }: PageProps) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${title} · Tributary`;
  }, [title]);
  return (
    <>
      <a class="skip" href="#main">
        {t.common.skip}
      </a>
      <header class="top">
        <div class="wide top-row">
          <Wordmark href={home} />
          <nav aria-label={t.common.navigation}>
            {links.map(link => (
              <a key={link.href} href={link.href} aria-current={link.current ? 'page' : undefined}>
                {link.text}
              </a>
            ))}
          </nav>
          {search}
          <LanguageSwitch />
          <PersonMenu account={account} />
        </div>
      </header>
      <main id="main" class="wide" tabIndex={-1}>
        {children}
      </main>
      <footer class="wide">
        <p>{t.common.tagline}</p>
      </footer>
    </>
  );
}

/** The navigation of central's pages. */
export function useCentralNavigation(current?: 'catalogue' | 'admin'): readonly PageLink[] {
  const { t } = useTranslation();
  const admin = useFirstAdminPage() ?? (current === 'admin' ? '/admin' : undefined);
  return [
    { href: '/', text: t.common.catalogue, current: current === 'catalogue' },
    ...(admin === undefined
      ? []
      : [{ href: admin, text: t.common.administration, current: current === 'admin' }]),
  ];
}

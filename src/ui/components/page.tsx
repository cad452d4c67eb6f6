/** The frame of every page: skip link, header, main part, footer. */
import { type ComponentChildren, type FunctionComponent, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { LanguageProvider, useTranslation } from '../i18n/use-translation.tsx';
import { LanguageSwitch } from './language-switch.tsx';
import { Wordmark } from './wordmark.tsx';

export function mountPage(Content: FunctionComponent): void {
  const root = document.getElementById('app');
  if (!root) throw new Error('the page has no #app');
  render(
    <LanguageProvider>
      <Content />
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
  readonly children: ComponentChildren;
}

export function Page({ title, home, links, children }: PageProps) {
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
          <LanguageSwitch />
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
  return [
    { href: '/', text: t.common.catalogue, current: current === 'catalogue' },
    { href: '/admin', text: t.common.administration, current: current === 'admin' },
  ];
}

/** What every page has around its content, and how a page asks again and again. */
import { type ComponentChildren, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { switchLanguage, t } from './i18n.ts';

const Mark = () => (
  <svg viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="#087e8b" />
    <path
      d="M6 8c6 0 8 8 20 8M6 16h20M6 24c6 0 8-8 20-8"
      fill="none"
      stroke="#fff"
      stroke-width="2.6"
      stroke-linecap="round"
    />
  </svg>
);

export interface ShellProps {
  readonly title: string;
  readonly links: readonly { readonly href: string; readonly text: string; readonly current?: boolean }[];
  readonly children: ComponentChildren;
}

export function Shell({ title, links, children }: ShellProps) {
  useEffect(() => {
    document.title = `${title} · Tributary`;
  }, [title]);
  return (
    <>
      <a class="skip" href="#content">
        {t('skip')}
      </a>
      <header class="bar">
        <a class="brand" href={links[0]?.href ?? '/'}>
          <Mark />
          Tributary
        </a>
        <nav>
          {links.map(link => (
            <a
              key={link.href}
              href={link.href}
              {...(link.current ? { 'aria-current': 'page' as const } : {})}
            >
              {link.text}
            </a>
          ))}
        </nav>
        <button
          type="button"
          class="plain push"
          onClick={switchLanguage}
          lang={t('otherLanguage') === 'English' ? 'en' : 'zh-Hans'}
        >
          {t('otherLanguage')}
        </button>
      </header>
      <main id="content">{children}</main>
    </>
  );
}

export function mount(page: ComponentChildren): void {
  const place = document.getElementById('app');
  if (place) render(page, place);
}

/** Runs `work` now and again after the delay that it answers with, while the page is visible. */
export function useRepeating(work: () => Promise<number>, dependencies: readonly unknown[]): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const run = async (): Promise<void> => {
      const delayMs = document.hidden ? 1_000 : await latest.current();
      if (!ended) timer = setTimeout(run, delayMs);
    };
    void run();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, dependencies);
}

export const Failure = ({
  text,
  onRetry,
}: {
  readonly text: string;
  readonly onRetry?: (() => void) | undefined;
}) => (
  <div class="panel" role="alert">
    <p class="bad">{text}</p>
    {onRetry && (
      <div>
        <button type="button" onClick={onRetry}>
          {t('retry')}
        </button>
      </div>
    )}
  </div>
);

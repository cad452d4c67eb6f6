/** The frame of every view: header with the search box, title, and what the person must know of the collection. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { usePlace } from '../browser/place.ts';
import { Notice } from '../components/notice.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useCollection } from './data/collection.tsx';
import { SearchBox } from './header/search-box.tsx';

interface FrameProps {
  readonly title: string;
  /** The words in the search box. */
  readonly q?: string | undefined;
  /** At a site: false if it cannot reach central. */
  readonly isConnected?: boolean;
  readonly children: ComponentChildren;
}

export function Frame(props: FrameProps) {
  const { part } = useCollection();
  return part === 'central' ? <CentralFrame {...props} /> : <SiteFrame {...props} />;
}

function CentralFrame({ title, q = '', children }: FrameProps) {
  const { path } = usePlace();
  const navigation = useCentralNavigation(path === '/' ? 'catalogue' : undefined);
  return (
    <Page title={title} home="/" links={navigation} search={<SearchBox q={q} />}>
      <Offline />
      {children}
    </Page>
  );
}

function SiteFrame({ title, q = '', isConnected = true, children }: FrameProps) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  const { path } = usePlace();
  const links = [
    { href: '/', text: t.library.studio },
    { href: addresses.front, text: t.library.title, current: path === addresses.front },
  ];
  return (
    <Page title={title} home={addresses.front} links={links} search={<SearchBox q={q} />}>
      {!isConnected && (
        <Notice kind="hint" testId="offline">
          {t.library.offline}
        </Notice>
      )}
      <Offline />
      {children}
    </Page>
  );
}

/** This device has no network. */
function Offline() {
  const { t } = useTranslation();
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = (): void => setOnline(navigator.onLine);
    addEventListener('online', update);
    addEventListener('offline', update);
    return () => {
      removeEventListener('online', update);
      removeEventListener('offline', update);
    };
  }, []);
  return (
    <div role="status" class={isOnline ? 'visually-hidden' : ''}>
      {!isOnline && (
        <Notice kind="hint" testId="no-network">
          {t.search.noNetwork}
        </Notice>
      )}
    </div>
  );
}

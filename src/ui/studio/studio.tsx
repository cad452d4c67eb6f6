/** The studio of a site: upload, follow every step until a video is registered, describe, find, edit and withdraw videos. */
import type { SiteInfo } from '../../protocol/site.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { Page } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { JoinNotice, SiteStatus } from './site-status.tsx';
import { Videos } from './videos.tsx';

/** Until everything is published, its state changes soon. */
const BUSY_INTERVAL_MS = 2_000;
const IDLE_INTERVAL_MS = 20_000;

export function Studio() {
  const { t, language } = useTranslation();
  const { token } = useMe();
  const site = usePoll(
    `site ${token ?? ''}`,
    abort => call<SiteInfo>('/api/site', { token, abort }),
    info =>
      info.central?.connected && info.signal === 'sent' && info.unpublished === 0
        ? IDLE_INTERVAL_MS
        : BUSY_INTERVAL_MS,
  );
  const links = [
    { href: '/', text: t.studio.title, current: true },
    { href: '/library', text: t.library.title },
    ...(site.value?.centralUrl
      ? [{ href: `${site.value.centralUrl}/?lang=${language}`, text: t.common.catalogue }]
      : []),
  ];
  const title = site.value ? t.studio.heading(site.value.name) : t.studio.title;
  const account = site.value?.centralUrl && `${site.value.centralUrl}/account`;
  return (
    <Page title={title} home="/" links={links} account={account}>
      <div class="stack">
        <h1>{title}</h1>
        <SiteStatus site={site.value} isUnreachable={site.error !== undefined} />
        {site.value && <JoinNotice joinProblem={site.value.joinProblem} />}
      </div>
      <RequirePermission anyOf={['upload', 'edit', 'publish']}>
        {site.value && <Videos site={site.value} onChange={site.refresh} />}
      </RequirePermission>
    </Page>
  );
}

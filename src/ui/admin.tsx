/** Administration: sites, trackers, and every signal. */
import { useState } from 'preact/hooks';
import type { Signal, Site } from '../protocol/central.ts';
import { AddSite, AddTracker } from './admin-forms.tsx';
import { ApiError, call, messageOf } from './api.ts';
import { formatLag, formatTime } from './format.ts';
import { type TextKey, t } from './i18n.ts';
import { Failure, mount, Shell, useRepeating } from './shell.tsx';
import { SiteMap } from './site-map.tsx';
import { readToken, TokenForm } from './token.tsx';

const REFRESH_MS = 2_000;

interface Tracker {
  readonly id: string;
  readonly name: string;
  readonly baseUrl: string;
  readonly joinedAt?: string;
  readonly lastSeenAt?: string;
  readonly position: number;
}
interface Everything {
  readonly sites: readonly Site[];
  readonly trackers: readonly Tracker[];
  readonly signals: readonly Signal[];
}

const STATES: Readonly<Record<Site['state'], readonly [TextKey, string]>> = {
  up: ['stateUp', 'good'],
  down: ['stateDown', 'bad'],
  invited: ['stateInvited', 'warn'],
  unknown: ['stateUnknown', 'quiet'],
  revoked: ['stateRevoked', 'quiet'],
};

function Admin() {
  const [token, setToken] = useState(readToken);
  const [data, setData] = useState<Everything>();
  const [failure, setFailure] = useState<string>();
  const [refused, setRefused] = useState(false);
  const [round, setRound] = useState(0);
  const again = (): void => setRound(number => number + 1);

  useRepeating(async () => {
    if (!token) return REFRESH_MS;
    try {
      const [sites, trackers, signals] = await Promise.all([
        call<Pick<Everything, 'sites'>>('/api/sites', { token }),
        call<Pick<Everything, 'trackers'>>('/api/trackers', { token }),
        call<Pick<Everything, 'signals'>>('/api/signals?limit=50', { token }),
      ]);
      setData({ ...sites, ...trackers, ...signals });
      setFailure(undefined);
      setRefused(false);
    } catch (error) {
      setRefused(error instanceof ApiError && error.status === 401);
      setFailure(messageOf(error));
    }
    return REFRESH_MS;
  }, [token, round]);

  const act = async (path: string, method: 'POST' | 'DELETE'): Promise<void> => {
    try {
      await call(path, { method, token });
    } catch (error) {
      setFailure(messageOf(error));
    }
    again();
  };

  return (
    <Shell
      title={t('admin')}
      links={[
        { href: '/', text: t('catalogue') },
        { href: '/admin', text: t('admin'), current: true },
      ]}
    >
      <h1>{t('admin')}</h1>
      {failure && <Failure text={failure} />}
      {(!token || refused) && <TokenForm onToken={setToken} />}
      {data && token && !refused && (
        <>
          <section class="panel">
            <h2>{t('sites')}</h2>
            <SiteMap sites={data.sites} />
            <SitesTable
              sites={data.sites}
              onCollect={site => act(`/api/sites/${site.id}/collect`, 'POST')}
              onRevoke={site => act(`/api/sites/${site.id}`, 'DELETE')}
            />
            <AddSite token={token} onAdded={again} />
          </section>
          <section class="panel">
            <h2>{t('trackers')}</h2>
            <TrackersTable trackers={data.trackers} />
            <AddTracker token={token} onAdded={again} />
          </section>
          <section class="panel">
            <h2>{t('signals')}</h2>
            <SignalsTable signals={data.signals} />
          </section>
        </>
      )}
    </Shell>
  );
}

interface SitesTableProps {
  readonly sites: readonly Site[];
  readonly onCollect: (site: Site) => void;
  readonly onRevoke: (site: Site) => void;
}

const Head = ({ keys }: { readonly keys: readonly TextKey[] }) => (
  <thead>
    <tr>
      {keys.map(key => (
        <th key={key} scope="col">
          {t(key)}
        </th>
      ))}
    </tr>
  </thead>
);

const SitesTable = ({ sites, onCollect, onRevoke }: SitesTableProps) => (
  <div class="scroll">
    <table data-testid="sites">
      <Head keys={['name', 'state', 'address', 'videos', 'pending', 'lag', 'lastSignal', 'lastError']} />
      <tbody>
        {sites.map(site => {
          const [text, colour] = STATES[site.state];
          return (
            <tr key={site.id}>
              <th scope="row">
                {site.name}
                <div class="row">
                  <button type="button" class="plain" onClick={() => onCollect(site)}>
                    {t('collectNow')}
                  </button>
                  <button
                    type="button"
                    class="plain"
                    onClick={() => {
                      if (confirm(t('confirmRevoke', { name: site.name }))) onRevoke(site);
                    }}
                  >
                    {t('revoke')}
                  </button>
                </div>
              </th>
              <td>
                <span class={`state ${colour}`}>{t(text)}</span>
              </td>
              <td>
                <a href={site.baseUrl}>{site.baseUrl}</a>
                <div class="quiet">{site.zone.join(', ')}</div>
              </td>
              <td>{site.videos}</td>
              <td>{site.pendingSignals}</td>
              <td>{formatLag(site.lagMs)}</td>
              <td>{formatTime(site.lastSignalAt)}</td>
              <td class="bad">{site.lastError ?? ''}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  </div>
);

const TrackersTable = ({ trackers }: { readonly trackers: readonly Tracker[] }) => (
  <div class="scroll">
    <table>
      <Head keys={['name', 'address', 'position', 'received']} />
      <tbody>
        {trackers.map(tracker => (
          <tr key={tracker.id}>
            <th scope="row">{tracker.name}</th>
            <td>{tracker.baseUrl}</td>
            <td>{tracker.position}</td>
            <td>{formatTime(tracker.lastSeenAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const SignalsTable = ({ signals }: { readonly signals: readonly Signal[] }) => (
  <div class="scroll">
    <table data-testid="signals">
      <Head keys={['site', 'received', 'handled', 'attempts', 'records', 'lastError']} />
      <tbody>
        {signals.map(signal => (
          <tr key={signal.id}>
            <th scope="row">{signal.site.name}</th>
            <td>{formatTime(signal.receivedAt)}</td>
            <td>{formatTime(signal.handledAt)}</td>
            <td>{signal.attempts}</td>
            <td>{signal.records ?? '–'}</td>
            <td class="bad">{signal.lastError ?? ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

mount(<Admin />);

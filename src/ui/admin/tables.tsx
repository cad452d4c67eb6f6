/** What the centre knows of its sites, trackers and signals, as tables. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Signal, Site, trackerSchema } from '../../protocol/central.ts';
import type { Texts } from '../i18n.ts';
import { Confirm } from '../parts/dialog.tsx';
import { useSpeech } from '../parts/language.tsx';
import { STATE_COLOURS } from './site-map.tsx';

export type Tracker = z.infer<typeof trackerSchema>;

interface TableProps {
  readonly testId: string;
  readonly label: string;
  readonly columns: readonly (keyof Texts['admin']['columns'])[];
  readonly children: ComponentChildren;
}

/** A wide table scrolls by itself, with the keyboard too. */
function Table({ testId, label, columns, children }: TableProps) {
  const { t } = useSpeech();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable with the keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table data-testid={testId}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {t.admin.columns[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

function When({ time, never }: { readonly time: string | undefined; readonly never?: string }) {
  const { t, format } = useSpeech();
  return (
    <td class="time">
      {time === undefined ? (
        <span class="quiet">{never ?? t.admin.never}</span>
      ) : (
        <time dateTime={time} title={format.dateTime(time)}>
          {format.ago(time, Date.now())}
        </time>
      )}
    </td>
  );
}

interface SitesTableProps {
  readonly sites: readonly Site[];
  readonly onCollect: (site: Site) => void;
  readonly onInvite: (site: Site) => void;
  readonly onRevoke: (site: Site) => void;
  /** Drains it, or takes that back. */
  readonly onDrain: (site: Site, drained: boolean) => void;
}

export function SitesTable({ sites, onCollect, onInvite, onRevoke, onDrain }: SitesTableProps) {
  const { t, format } = useSpeech();
  const [revoking, setRevoking] = useState<Site>();
  if (sites.length === 0) return <p class="quiet">{t.admin.noSites}</p>;
  return (
    <>
      <Table
        testId="sites"
        label={t.admin.sites}
        columns={[
          'name',
          'state',
          'videos',
          'pending',
          'lag',
          'lastSignal',
          'baseUrl',
          'lastError',
          'actions',
        ]}
      >
        {sites.map(site => (
          <tr key={site.id} data-site={site.id} data-state={site.state}>
            <th scope="row">{site.name}</th>
            <td>
              <span class={`state ${STATE_COLOURS[site.state]}`}>{t.admin.states[site.state]}</span>
              {site.policy.drained && <div class="warn">{t.admin.drained}</div>}
            </td>
            <td class="number">{format.number(site.videos)}</td>
            <td class="number">{format.number(site.pendingSignals)}</td>
            <td class="number">{site.lagMs === 0 ? t.common.none : format.duration(site.lagMs)}</td>
            <When time={site.lastSignalAt} />
            <td>
              <a href={site.baseUrl}>{site.baseUrl}</a>
              <div class="quiet">{site.zone.join(', ')}</div>
            </td>
            <td class={site.lastError ? 'bad' : 'quiet'}>{site.lastError ?? t.common.none}</td>
            <td>
              {site.state !== 'revoked' && (
                <div class="actions">
                  <button type="button" class="small" onClick={() => onCollect(site)} data-testid="collect">
                    {t.admin.collect}
                  </button>
                  <button type="button" class="small" onClick={() => onInvite(site)} data-testid="invite">
                    {t.admin.invite}
                  </button>
                  <button
                    type="button"
                    class="small"
                    onClick={() => onDrain(site, !site.policy.drained)}
                    data-testid="drain"
                  >
                    {site.policy.drained ? t.admin.undrain : t.admin.drain}
                  </button>
                  <button
                    type="button"
                    class="plain small"
                    onClick={() => setRevoking(site)}
                    data-testid="revoke"
                  >
                    {t.admin.revoke}
                  </button>
                </div>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {revoking && (
        <Confirm
          title={t.admin.revokeTitle(revoking.name)}
          text={t.admin.revokeText}
          yes={t.admin.revoke}
          no={t.common.cancel}
          onYes={() => {
            onRevoke(revoking);
            setRevoking(undefined);
          }}
          onNo={() => setRevoking(undefined)}
        />
      )}
    </>
  );
}

export function TrackersTable({ trackers }: { readonly trackers: readonly Tracker[] }) {
  const { t, format } = useSpeech();
  if (trackers.length === 0) return <p class="quiet">{t.admin.noTrackers}</p>;
  return (
    <Table
      testId="trackers"
      label={t.admin.trackers}
      columns={['name', 'baseUrl', 'joined', 'lastSeen', 'position']}
    >
      {trackers.map(tracker => (
        <tr key={tracker.id}>
          <th scope="row">{tracker.name}</th>
          <td>{tracker.baseUrl}</td>
          <When time={tracker.joinedAt} never={t.watch.notYet} />
          <When time={tracker.lastSeenAt} />
          <td class="number">{format.number(tracker.position)}</td>
        </tr>
      ))}
    </Table>
  );
}

export function SignalsTable({ signals }: { readonly signals: readonly Signal[] }) {
  const { t, format } = useSpeech();
  if (signals.length === 0) return <p class="quiet">{t.admin.noSignals}</p>;
  return (
    <Table
      testId="signals"
      label={t.admin.signals}
      columns={['site', 'received', 'handled', 'attempts', 'records', 'lastError']}
    >
      {signals.map(signal => (
        <tr key={signal.id}>
          <th scope="row">{signal.site.name}</th>
          <When time={signal.receivedAt} />
          <When time={signal.handledAt} never={t.admin.pending} />
          <td class="number">{format.number(signal.attempts)}</td>
          <td class="number">
            {signal.records === undefined ? t.common.none : format.number(signal.records)}
          </td>
          <td class={signal.lastError ? 'bad' : 'quiet'}>{signal.lastError ?? t.common.none}</td>
        </tr>
      ))}
    </Table>
  );
}

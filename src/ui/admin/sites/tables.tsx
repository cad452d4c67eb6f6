/** What the centre knows of its sites and trackers, as tables. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Site, trackerSchema } from '../../../protocol/central.ts';
import { Confirm } from '../../components/dialog.tsx';
import { Table, When } from '../../components/table.tsx';
import type { Texts } from '../../i18n/texts.ts';
import { useSpeech } from '../../i18n/use-translation.tsx';
import { STATE_COLOURS } from './site-map.tsx';

export type Tracker = z.infer<typeof trackerSchema>;

/** The headings of a table, in the reader's language. */
function useColumns(): (keys: readonly (keyof Texts['admin']['columns'])[]) => readonly string[] {
  const { t } = useSpeech();
  return keys => keys.map(key => t.admin.columns[key]);
}

interface SitesTableProps {
  readonly sites: readonly Site[];
  readonly onCollect: (site: Site) => void;
  readonly onInvite: (site: Site) => void;
  readonly onRevoke: (site: Site) => void;
  readonly onEdit: (site: Site) => void;
  /** Drains it, or takes that back. */
  readonly onDrain: (site: Site, drained: boolean) => void;
}

export function SitesTable({ sites, onCollect, onInvite, onRevoke, onEdit, onDrain }: SitesTableProps) {
  const { t, format } = useSpeech();
  const named = useColumns();
  const [revoking, setRevoking] = useState<Site>();
  if (sites.length === 0) return <p class="quiet">{t.admin.noSites}</p>;
  return (
    <>
      <Table
        testId="sites"
        label={t.admin.sites}
        columns={named([
          'name',
          'state',
          'videos',
          'pending',
          'lag',
          'lastSignal',
          'baseUrl',
          'lastError',
          'actions',
        ])}
      >
        {sites.map(site => (
          <tr key={site.id} data-site={site.id} data-state={site.state}>
            <th scope="row">{site.name}</th>
            <td>
              <span class={`state ${STATE_COLOURS[site.state]}`}>{t.admin.states[site.state]}</span>
              {site.policy.drained && <div class="warn">{t.admin.drained}</div>}
              <Unsafe conversion={site.conversion} />
            </td>
            <td class="number">{format.number(site.videos)}</td>
            <td class="number">{format.number(site.pendingSignals)}</td>
            <td class="number">{site.lagMs === 0 ? t.common.none : format.duration(site.lagMs)}</td>
            <When time={site.lastSignalAt} />
            <td>
              <a href={site.baseUrl}>{site.baseUrl}</a>
              <div class="quiet">{site.zone.join(', ')}</div>
            </td>
            <td class={site.lastError ? 'bad' : 'quiet nothing'}>{site.lastError ?? t.common.none}</td>
            <td>
              {site.state !== 'revoked' && (
                <div class="actions">
                  <button type="button" class="small" onClick={() => onCollect(site)} data-testid="collect">
                    {t.admin.collect}
                  </button>
                  <button type="button" class="small" onClick={() => onInvite(site)} data-testid="invite">
                    {t.admin.invite}
                  </button>
                  <button type="button" class="small" onClick={() => onEdit(site)} data-testid="edit">
                    {t.admin.edit.open}
                  </button>
                  <button
                    type="button"
                    class="small"
                    onClick={() => onDrain(site, !site.policy.drained)}
                    data-testid="drain"
                  >
                    {site.policy.drained ? t.admin.endDrain : t.admin.drain}
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

/** How strangers' films are read there, where that is not as it should be. */
function Unsafe({ conversion }: Pick<Site, 'conversion'>) {
  const { t } = useSpeech();
  if (!conversion || (conversion.isolation !== 'none' && conversion.hasLimits)) return null;
  const [text, hint] =
    conversion.isolation === 'none'
      ? [t.admin.noSandbox, t.admin.noSandboxHint]
      : [t.admin.noLimits, t.admin.noLimitsHint];
  return (
    <details class="warn" data-testid="unsafe-conversion">
      <summary>{text}</summary>
      <p>{hint}</p>
    </details>
  );
}

export function TrackersTable({ trackers }: { readonly trackers: readonly Tracker[] }) {
  const { t } = useSpeech();
  const named = useColumns();
  if (trackers.length === 0) return <p class="quiet">{t.admin.noTrackers}</p>;
  return (
    <Table
      testId="trackers"
      label={t.admin.trackers}
      columns={named(['name', 'baseUrl', 'joined', 'lastSeen'])}
    >
      {trackers.map(tracker => (
        <tr key={tracker.id}>
          <th scope="row">{tracker.name}</th>
          <td>{tracker.baseUrl}</td>
          <When time={tracker.joinedAt} never={t.watch.notYet} />
          <When time={tracker.lastSeenAt} />
        </tr>
      ))}
    </Table>
  );
}

/** The sites with their state, and the actions on each. */
import { useState } from 'preact/hooks';
import type { Site } from '../../../protocol/central.ts';
import { Confirm } from '../../components/dialog.tsx';
import { Table, TimeCell } from '../../components/table.tsx';
import { lagOf, SITE_COLOURS, type StaleSince, siteHealth } from '../../health/health.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useMe } from '../../me/use-me.tsx';
import { ErrorCell } from '../error-cell.tsx';

export interface SiteActions {
  readonly onCollect: (site: Site) => void;
  readonly onInvite: (site: Site) => void;
  readonly onRevoke: (site: Site) => void;
  readonly onEdit: (site: Site) => void;
  readonly onDrain: (site: Site, drained: boolean) => void;
}

interface SitesTableProps {
  readonly sites: readonly Site[];
  readonly stale: StaleSince;
  readonly actions: SiteActions;
}

export function SitesTable({ sites, stale, actions }: SitesTableProps) {
  const { t, format } = useTranslation();
  const [revoking, setRevoking] = useState<Site>();
  if (sites.length === 0) return <p class="quiet">{t.admin.noSites}</p>;
  const { columns } = t.admin;
  const formatLag = (lagMs: number | undefined): string =>
    lagMs === undefined ? t.signalLog.lagUnknown : lagMs === 0 ? t.common.none : format.duration(lagMs);
  return (
    <>
      <Table
        testId="sites"
        label={t.admin.sites}
        columns={[
          columns.name,
          columns.state,
          columns.videos,
          columns.pending,
          columns.lag,
          columns.lastSignal,
          columns.baseUrl,
          columns.lastError,
          columns.actions,
        ]}
      >
        {sites.map(site => (
          <tr key={site.id} data-site={site.id} data-state={siteHealth(site, stale).state}>
            <th scope="row">{site.name}</th>
            <td>
              <SiteState site={site} stale={stale} />
              {site.policy.drained && <div class="warn">{t.admin.drained}</div>}
              {site.clones?.map(({ address, since }) => (
                <div key={address} class="bad" data-testid="clone">
                  {t.admin.clone(address, format.dateTime(since))}
                </div>
              ))}
              <ConversionWarning conversion={site.conversion} />
            </td>
            <td class="number">{format.number(site.videos)}</td>
            <td class="number">{format.number(site.pendingSignals)}</td>
            <td class="number">{formatLag(lagOf(site, stale))}</td>
            <TimeCell time={site.lastSignalAt} />
            <td>
              <a href={site.baseUrl}>{site.baseUrl}</a>
              <div class="quiet">{site.zone.join(', ')}</div>
            </td>
            <ErrorCell code={site.lastErrorCode} detail={site.lastError} />
            <td>
              {site.state !== 'revoked' && (
                <ActionButtons site={site} actions={actions} onRevoke={() => setRevoking(site)} />
              )}
            </td>
          </tr>
        ))}
      </Table>
      {revoking && (
        <Confirm
          title={t.admin.revokeTitle(revoking.name)}
          text={format.sentences([
            t.admin.revokeCounts(revoking.videos, revoking.copies),
            t.admin.revokeText,
          ])}
          yes={t.admin.revoke}
          no={t.common.cancel}
          onYes={() => {
            actions.onRevoke(revoking);
            setRevoking(undefined);
          }}
          onNo={() => setRevoking(undefined)}
        />
      )}
    </>
  );
}

function SiteState({ site, stale }: { readonly site: Site; readonly stale: StaleSince }) {
  const { t, format } = useTranslation();
  const { state, since } = siteHealth(site, stale);
  return (
    <>
      <span class={`state ${SITE_COLOURS[state]}`}>{t.admin.states[state]}</span>
      {since && <div class="quiet">{t.common.since(format.timeOrDate(since, Date.now()))}</div>}
    </>
  );
}

interface ActionButtonsProps {
  readonly site: Site;
  readonly actions: SiteActions;
  readonly onRevoke: () => void;
}

function ActionButtons({ site, actions, onRevoke }: ActionButtonsProps) {
  const { t } = useTranslation();
  const { isAllowed } = useMe();
  const isDrained = site.policy.drained === true;
  return (
    <div class="actions">
      <button type="button" class="small" onClick={() => actions.onCollect(site)} data-testid="collect">
        {t.admin.collect}
      </button>
      <button type="button" class="small" onClick={() => actions.onInvite(site)} data-testid="invite">
        {t.admin.invite}
      </button>
      <button type="button" class="small" onClick={() => actions.onEdit(site)} data-testid="edit">
        {t.admin.edit.open}
      </button>
      <button
        type="button"
        class="small"
        onClick={() => actions.onDrain(site, !isDrained)}
        data-testid="drain"
      >
        {isDrained ? t.admin.endDrain : t.admin.drain}
      </button>
      {isAllowed('manage-people', { site: site.id }) && (
        <a class="button small" href={`/admin/people?site=${site.id}`} data-testid="site-people">
          {t.adminPages.people}
        </a>
      )}
      {isAllowed('manage-site', {}) && (
        <button type="button" class="plain small" onClick={onRevoke} data-testid="revoke">
          {t.admin.revoke}
        </button>
      )}
    </div>
  );
}

/** Shown if ffmpeg is not sandboxed or not limited at the site. */
function ConversionWarning({ conversion }: Pick<Site, 'conversion'>) {
  const { t } = useTranslation();
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

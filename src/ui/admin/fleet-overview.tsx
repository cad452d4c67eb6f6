/** The sites and trackers with their state, and the actions on them, as far as the person manages them. It reloads every two seconds. */
import { useState } from 'preact/hooks';
import type { Signal, Site } from '../../protocol/central.ts';
import type { Withdrawal } from '../../protocol/publication/withdrawals.ts';
import { call } from '../api/call.ts';
import { type PollResult, usePoll } from '../api/use-poll.ts';
import { ErrorNotice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { OutcomeNotice, useOutcome } from '../components/use-outcome.tsx';
import type { StaleSince } from '../health/health.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { Copies } from './copies/copies.tsx';
import { SignalLog } from './signal-log/signal-log.tsx';
import { AddSite, AddTracker, requestInvitation } from './sites/add-forms.tsx';
import { EditSite } from './sites/edit-site.tsx';
import { type Invitation, InvitationPanel } from './sites/invitation.tsx';
import { SiteMap } from './sites/site-map.tsx';
import { type SiteActions, SitesTable } from './sites/sites-table.tsx';
import { type Tracker, TrackersTable } from './sites/trackers-table.tsx';

const REFRESH_MS = 2_000;

interface Fleet {
  /** Those that the person manages. */
  readonly sites: readonly Site[];
  /** Undefined for someone who manages single sites only. */
  readonly network: Network | undefined;
}

/** The calls that are for everything. */
interface Network {
  readonly trackers: readonly Tracker[];
  readonly signals: readonly Signal[];
  readonly withdrawals: readonly Withdrawal[];
}

async function fetchNetwork(options: CallCredential): Promise<Network> {
  const [{ trackers }, { signals }, { withdrawals }] = await Promise.all([
    call<Pick<Network, 'trackers'>>('/api/trackers', options),
    call<Pick<Network, 'signals'>>('/api/signals?limit=50', options),
    call<Pick<Network, 'withdrawals'>>('/api/withdrawals?limit=20', options),
  ]);
  return { trackers, signals, withdrawals };
}

interface CallCredential {
  readonly token: string | undefined;
  readonly abort: AbortSignal;
}

/** The base URLs of the members with the role of the invited one, without itself. */
function listOthers(fleet: Fleet | undefined, { role, baseUrl }: Invitation): readonly string[] {
  const members = role === 'site' ? fleet?.sites : fleet?.network?.trackers;
  return (members ?? []).map(member => member.baseUrl).filter(url => url !== new URL(baseUrl).origin);
}

function useFleet(): PollResult<Fleet> {
  const { token, isAllowed } = useMe();
  const managesAll = isAllowed('manage-site', {});
  return usePoll<Fleet>(
    `${token ?? ''} ${managesAll}`,
    async abort => {
      const options = { token, abort };
      const [{ sites }, network] = await Promise.all([
        call<Pick<Fleet, 'sites'>>('/api/sites', options),
        managesAll ? fetchNetwork(options) : undefined,
      ]);
      return { sites: sites.filter(site => isAllowed('manage-site', { site: site.id })), network };
    },
    () => REFRESH_MS,
  );
}

export function FleetOverview() {
  const { t } = useTranslation();
  const { token } = useMe();
  const fleet = useFleet();
  const [invitation, setInvitation] = useState<Invitation>();
  const [editing, setEditing] = useState<Site>();
  const { value, error, refresh } = fleet;
  const outcome = useOutcome(refresh);
  useForgetRefused(error);

  const onInvited = (invited: Invitation): void => {
    setInvitation(invited);
    refresh();
  };
  const change = (site: Site, method: 'PATCH' | 'DELETE', body?: object): Promise<void> =>
    outcome.run(async () => {
      await call(`/api/sites/${site.id}`, { method, token, body });
      return undefined;
    });
  const actions: SiteActions = {
    onCollect: site =>
      outcome.run(async () => {
        await call(`/api/sites/${site.id}/collect`, { method: 'POST', token });
        return t.admin.collected(site.name);
      }),
    onInvite: site =>
      outcome.run(async () => {
        const url = `/api/sites/${site.id}/join-token`;
        const { name, baseUrl } = site;
        const member = site.joinedAt === undefined ? 'invited' : 'joined';
        onInvited({ role: 'site', name, baseUrl, member, ...(await requestInvitation(url, token)) });
        return undefined;
      }),
    onEdit: setEditing,
    onDrain: (site, drained) => change(site, 'PATCH', { policy: { drained } }),
    onRevoke: site => change(site, 'DELETE'),
  };
  return (
    <>
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      <OutcomeNotice outcome={outcome.outcome} onClose={outcome.close} testId="outcome" />
      {invitation && (
        <InvitationPanel
          invitation={invitation}
          others={listOthers(value, invitation)}
          onClose={() => setInvitation(undefined)}
        />
      )}
      {editing && (
        <EditSite
          site={editing}
          token={token}
          onSaved={site => {
            setEditing(undefined);
            outcome.report(t.admin.edit.saved(site.name));
            refresh();
          }}
          onClose={() => setEditing(undefined)}
        />
      )}
      {!value && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {value && (
        <FleetPanels fleet={value} stale={fleet.staleSince} actions={actions} onInvited={onInvited} />
      )}
    </>
  );
}

interface FleetPanelsProps {
  readonly fleet: Fleet;
  readonly stale: StaleSince;
  readonly actions: SiteActions;
  readonly onInvited: (invitation: Invitation) => void;
}

function FleetPanels({ fleet, stale, actions, onInvited }: FleetPanelsProps) {
  const { t } = useTranslation();
  const { token, isAllowed } = useMe();
  const managesAll = isAllowed('manage-site', {});
  return (
    <>
      <section class="panel" aria-labelledby="sites">
        <h2 id="sites">{t.admin.sites}</h2>
        {!managesAll && <p class="quiet">{t.adminPages.ownSites}</p>}
        <SiteMap sites={fleet.sites} stale={stale} />
        <SitesTable sites={fleet.sites} stale={stale} actions={actions} />
        {managesAll && <AddSite token={token} onInvited={onInvited} />}
      </section>
      {fleet.network && (
        <section class="panel" aria-labelledby="trackers">
          <h2 id="trackers">{t.admin.trackers}</h2>
          <TrackersTable trackers={fleet.network.trackers} />
          <AddTracker token={token} onInvited={onInvited} />
        </section>
      )}
      {isAllowed('manage-copies', {}) && <Copies token={token} sites={fleet.sites} stale={stale} />}
      {fleet.network && (
        <SignalLog
          sites={fleet.sites}
          signals={fleet.network.signals}
          withdrawals={fleet.network.withdrawals}
          stale={stale}
          onCollect={actions.onCollect}
        />
      )}
    </>
  );
}

/** All sites and trackers with their state, and the actions on them. It reloads every two seconds. */
import { useState } from 'preact/hooks';
import type { Signal, Site } from '../../protocol/central.ts';
import type { Withdrawal } from '../../protocol/publication/withdrawals.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { ErrorNotice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { OutcomeNotice, useOutcome } from '../components/use-outcome.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
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
  readonly sites: readonly Site[];
  readonly trackers: readonly Tracker[];
  readonly signals: readonly Signal[];
  readonly withdrawals: readonly Withdrawal[];
}

async function fetchFleet(token: string | undefined, abort: AbortSignal): Promise<Fleet> {
  const options = { token, abort };
  const [{ sites }, { trackers }, { signals }, { withdrawals }] = await Promise.all([
    call<Pick<Fleet, 'sites'>>('/api/sites', options),
    call<Pick<Fleet, 'trackers'>>('/api/trackers', options),
    call<Pick<Fleet, 'signals'>>('/api/signals?limit=50', options),
    call<Pick<Fleet, 'withdrawals'>>('/api/withdrawals?limit=20', options),
  ]);
  return { sites, trackers, signals, withdrawals };
}

/** The base URLs of the members with the role of the invited one, without itself. */
function listOthers(fleet: Fleet | undefined, { role, baseUrl }: Invitation): readonly string[] {
  const members = role === 'site' ? fleet?.sites : fleet?.trackers;
  return (members ?? []).map(member => member.baseUrl).filter(url => url !== new URL(baseUrl).origin);
}

interface FleetOverviewProps {
  readonly token: string | undefined;
}

export function FleetOverview({ token }: FleetOverviewProps) {
  const { t } = useTranslation();
  const fleet = usePoll(
    token ?? '',
    abort => fetchFleet(token, abort),
    () => REFRESH_MS,
  );
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
        <>
          <section class="panel" aria-labelledby="sites">
            <h2 id="sites">{t.admin.sites}</h2>
            <SiteMap sites={value.sites} stale={fleet.staleSince} />
            <SitesTable sites={value.sites} stale={fleet.staleSince} actions={actions} />
            <AddSite token={token} onInvited={onInvited} />
          </section>
          <section class="panel" aria-labelledby="trackers">
            <h2 id="trackers">{t.admin.trackers}</h2>
            <p>
              <a href="/admin/explain">{t.admin.explain}</a>
            </p>
            <TrackersTable trackers={value.trackers} />
            <AddTracker token={token} onInvited={onInvited} />
          </section>
          <Copies token={token} sites={value.sites} stale={fleet.staleSince} />
          <SignalLog
            sites={value.sites}
            signals={value.signals}
            withdrawals={value.withdrawals}
            stale={fleet.staleSince}
            onCollect={actions.onCollect}
          />
        </>
      )}
    </>
  );
}

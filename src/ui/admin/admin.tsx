/** Administration: the sites, the trackers, and every signal. */
import { useState } from 'preact/hooks';
import type { Signal, Site } from '../../protocol/central.ts';
import type { Withdrawal } from '../../protocol/publication/withdrawals.ts';
import { ApiError, call, sentenceOf } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { TokenForm, useToken } from '../components/operator-token.tsx';
import { Page, useCentralLinks } from '../components/page.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';
import { Copies } from './copies/copies.tsx';
import { Desk } from './signal-log/signal-log.tsx';
import { AddSite, AddTracker } from './sites/add-forms.tsx';
import { EditSite } from './sites/edit-site.tsx';
import { type Invitation, InvitationPanel } from './sites/invitation.tsx';
import { SiteMap } from './sites/site-map.tsx';
import { SitesTable, type Tracker, TrackersTable } from './sites/tables.tsx';

const REFRESH_MS = 2_000;

interface Everything {
  readonly sites: readonly Site[];
  readonly trackers: readonly Tracker[];
  readonly signals: readonly Signal[];
  readonly withdrawals: readonly Withdrawal[];
}

async function fetchEverything(token: string, signal: AbortSignal): Promise<Everything> {
  const options = { token, signal };
  const [{ sites }, { trackers }, { signals }, { withdrawals }] = await Promise.all([
    call<Pick<Everything, 'sites'>>('/api/sites', options),
    call<Pick<Everything, 'trackers'>>('/api/trackers', options),
    call<Pick<Everything, 'signals'>>('/api/signals?limit=50', options),
    call<Pick<Everything, 'withdrawals'>>('/api/withdrawals?limit=20', options),
  ]);
  return { sites, trackers, signals, withdrawals };
}

export function Admin() {
  const { t } = useSpeech();
  const links = useCentralLinks('admin');
  const { token, setToken } = useToken();
  return (
    <Page title={t.admin.title} home="/" links={links}>
      <h1>{t.admin.heading}</h1>
      {token === undefined ? (
        <TokenForm refused={false} onToken={setToken} />
      ) : (
        <Everywhere token={token} onToken={setToken} />
      )}
    </Page>
  );
}

interface EverywhereProps {
  readonly token: string;
  readonly onToken: (token: string | undefined) => void;
}

function Everywhere({ token, onToken }: EverywhereProps) {
  const { t } = useSpeech();
  const everything = usePoll(
    token,
    signal => fetchEverything(token, signal),
    () => REFRESH_MS,
  );
  const [invitation, setInvitation] = useState<Invitation>();
  const [editing, setEditing] = useState<Site>();
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly isError: boolean }>();
  const { value, error, refresh } = everything;
  if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
    return <TokenForm refused onToken={onToken} />;
  }

  const act = async (work: () => Promise<string | undefined>): Promise<void> => {
    try {
      const text = await work();
      setOutcome(text === undefined ? undefined : { text, isError: false });
    } catch (cause) {
      setOutcome({ text: sentenceOf(cause, t.errors), isError: true });
    }
    refresh();
  };
  const collect = (site: Site): Promise<void> =>
    act(async () => {
      await call(`/api/sites/${site.id}/collect`, { method: 'POST', token });
      return t.admin.collected(site.name);
    });
  const onInvited = (invited: Invitation): void => {
    setInvitation(invited);
    refresh();
  };
  return (
    <>
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      {outcome && (
        <Notice
          kind={outcome.isError ? 'error' : 'good'}
          testId="outcome"
          onClose={() => setOutcome(undefined)}
        >
          {outcome.text}
        </Notice>
      )}
      {invitation && <InvitationPanel invitation={invitation} onClose={() => setInvitation(undefined)} />}
      {editing && (
        <EditSite
          site={editing}
          token={token}
          onSaved={site => {
            setEditing(undefined);
            setOutcome({ text: t.admin.edit.saved(site.name), isError: false });
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
            <SiteMap sites={value.sites} />
            <SitesTable
              sites={value.sites}
              onCollect={collect}
              onInvite={site =>
                act(async () => {
                  const { joinToken } = await call<{ joinToken: string }>(
                    `/api/sites/${site.id}/join-token`,
                    { method: 'POST', token },
                  );
                  onInvited({ role: 'site', name: site.name, baseUrl: site.baseUrl, joinToken });
                  return undefined;
                })
              }
              onEdit={setEditing}
              onDrain={(site, drained) =>
                act(async () => {
                  await call(`/api/sites/${site.id}`, {
                    method: 'PATCH',
                    token,
                    body: { policy: { drained } },
                  });
                  return undefined;
                })
              }
              onRevoke={site =>
                act(async () => {
                  await call(`/api/sites/${site.id}`, { method: 'DELETE', token });
                  return undefined;
                })
              }
            />
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
          <Copies token={token} />
          <Desk
            sites={value.sites}
            signals={value.signals}
            withdrawals={value.withdrawals}
            onCollect={collect}
          />
        </>
      )}
      <div class="actions">
        <button type="button" class="plain small" onClick={() => onToken(undefined)}>
          {t.signIn.signOut}
        </button>
      </div>
    </>
  );
}

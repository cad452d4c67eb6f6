/** Explains the ranking for one viewer, and simulates the effect of a change. */
import { useState } from 'preact/hooks';
import type { Site, Video } from '../../protocol/central.ts';
import type { Explanation } from '../../protocol/tracker.ts';
import { call } from '../api/call.ts';
import type { CentralInfo } from '../api/central-info.ts';
import { usePoll } from '../api/use-poll.ts';
import { AdminNavigation } from '../components/admin-navigation.tsx';
import { ErrorNotice, ErrorText } from '../components/notice.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { RankingTable, ViewerFacts } from './ranking.tsx';
import { SimulationPanel } from './simulation.tsx';

const REFRESH_MS = 10_000;

interface ExplainContext {
  readonly trackers: readonly string[];
  readonly videos: readonly Video[];
  readonly sites: readonly Site[];
  readonly viewers: CentralInfo['demoViewers'];
}

async function fetchContext(abort: AbortSignal): Promise<ExplainContext> {
  const [info, { videos }, { sites }] = await Promise.all([
    call<CentralInfo>('/api/info', { abort }),
    call<{ videos: Video[] }>('/api/videos?limit=50', { abort }),
    call<{ sites: Site[] }>('/api/sites', { abort }),
  ]);
  return { trackers: info.trackers, videos, sites, viewers: info.demoViewers };
}

export function Explain() {
  const { t } = useTranslation();
  const links = useCentralNavigation('admin');
  const { token } = useMe();
  const known = usePoll('known', fetchContext, () => REFRESH_MS);
  return (
    <Page title={t.explain.title} home="/" links={links}>
      <AdminNavigation />
      <h1>{t.explain.heading}</h1>
      <p class="quiet">{t.explain.hint}</p>
      {known.error !== undefined && <ErrorNotice error={known.error} retry={known.refresh} />}
      <RequirePermission anyOf={['manage-site']} isForEverything>
        {known.value && <RoutingForms known={known.value} token={token} />}
      </RequirePermission>
    </Page>
  );
}

function RoutingForms({
  known,
  token,
}: {
  readonly known: ExplainContext;
  readonly token: string | undefined;
}) {
  const { t } = useTranslation();
  const given = new URLSearchParams(location.search);
  const [video, setVideo] = useState(given.get('video') ?? known.videos[0]?.id ?? '');
  const [client, setClient] = useState(given.get('client') ?? known.viewers[0]?.address ?? '');
  const [explanation, setExplanation] = useState<Explanation>();
  const [error, setError] = useState<unknown>();
  const explain = async (): Promise<void> => {
    try {
      const query = client.trim() === '' ? '' : `?client=${encodeURIComponent(client.trim())}`;
      setExplanation(
        await call<Explanation>(`/api/explain/${encodeURIComponent(video.trim())}${query}`, { token }),
      );
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  if (known.trackers.length === 0) return <p>{t.errors['no-tracker']}</p>;
  return (
    <>
      <section class="panel" aria-labelledby="viewer-and-video">
        <h2 id="viewer-and-video">{t.explain.form}</h2>
        <form
          class="form"
          onSubmit={event => {
            event.preventDefault();
            void explain();
          }}
        >
          <div class="field">
            <label for="video">{t.explain.video}</label>
            <input
              id="video"
              value={video}
              list="videos"
              required
              onInput={event => setVideo(event.currentTarget.value)}
            />
            <datalist id="videos">
              {known.videos.map(each => (
                <option key={each.id} value={each.id}>
                  {each.name}
                </option>
              ))}
            </datalist>
          </div>
          <div class="field">
            <label for="client">{t.explain.client}</label>
            <input
              id="client"
              value={client}
              list="viewers"
              onInput={event => setClient(event.currentTarget.value)}
            />
            <datalist id="viewers">
              {known.viewers.map(viewer => (
                <option key={viewer.address} value={viewer.address}>
                  {viewer.name}
                </option>
              ))}
            </datalist>
          </div>
          <ErrorText error={error} isWide />
          <div class="full-width">
            <button type="submit" class="primary" data-testid="explain">
              {t.explain.submit}
            </button>
          </div>
        </form>
      </section>
      {explanation && (
        <section class="panel" aria-labelledby="ranking">
          <h2 id="ranking">{t.explain.ranking}</h2>
          <ViewerFacts explanation={explanation} sites={known.sites} />
          <RankingTable explanation={explanation} />
        </section>
      )}
      <SimulationPanel token={token} sites={known.sites} />
    </>
  );
}

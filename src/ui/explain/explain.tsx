/** Why a viewer is sent where it is sent, what would change that, and what a planned change would do. */
import { useState } from 'preact/hooks';
import type { Site, Video } from '../../protocol/central.ts';
import type { Explanation } from '../../protocol/tracker.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { ErrorNotice, Refusal } from '../components/notice.tsx';
import { TokenForm, useToken } from '../components/operator-token.tsx';
import { Page, useCentralLinks } from '../components/page.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';
import type { CentralInfo } from '../watch/play-response.ts';
import { RankingTable, ViewerFacts } from './ranking.tsx';
import { DryRunPanel } from './simulation.tsx';

const REFRESH_MS = 10_000;

interface Known {
  readonly trackers: readonly string[];
  readonly videos: readonly Video[];
  readonly sites: readonly Site[];
  readonly viewers: CentralInfo['demoViewers'];
}

async function fetchKnown(signal: AbortSignal): Promise<Known> {
  const [info, { videos }, { sites }] = await Promise.all([
    call<CentralInfo>('/api/info', { signal }),
    call<{ videos: Video[] }>('/api/videos?limit=50', { signal }),
    call<{ sites: Site[] }>('/api/sites', { signal }),
  ]);
  return { trackers: info.trackers, videos, sites, viewers: info.demoViewers };
}

export function Explain() {
  const { t } = useSpeech();
  const links = useCentralLinks('admin');
  const { token, setToken } = useToken();
  const known = usePoll('known', fetchKnown, () => REFRESH_MS);
  return (
    <Page title={t.explain.title} home="/" links={links}>
      <h1>{t.explain.heading}</h1>
      <p class="quiet">{t.explain.hint}</p>
      {known.error !== undefined && <ErrorNotice error={known.error} retry={known.refresh} />}
      {token === undefined ? (
        <TokenForm refused={false} onToken={setToken} />
      ) : (
        known.value && <Asking known={known.value} token={token} />
      )}
    </Page>
  );
}

function Asking({ known, token }: { readonly known: Known; readonly token: string }) {
  const { t } = useSpeech();
  const given = new URLSearchParams(location.search);
  const [video, setVideo] = useState(given.get('video') ?? known.videos[0]?.id ?? '');
  const [client, setClient] = useState(given.get('client') ?? known.viewers[0]?.address ?? '');
  const [explanation, setExplanation] = useState<Explanation>();
  const [error, setError] = useState<unknown>();
  const [tracker] = known.trackers;
  const ask = async (): Promise<void> => {
    try {
      const query = client.trim() === '' ? '' : `?client=${encodeURIComponent(client.trim())}`;
      setExplanation(
        await call<Explanation>(`${tracker}/explain/${encodeURIComponent(video.trim())}${query}`, { token }),
      );
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  if (!tracker) return <p>{t.watch.noTracker}</p>;
  return (
    <>
      <section class="panel" aria-labelledby="question">
        <h2 id="question">{t.explain.form}</h2>
        <form
          class="form"
          onSubmit={event => {
            event.preventDefault();
            void ask();
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
          <Refusal error={error} isWhole />
          <div class="whole">
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
      <DryRunPanel tracker={tracker} token={token} sites={known.sites} />
    </>
  );
}

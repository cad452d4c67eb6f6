/** The watch page: the picture, and beside it who serves it and why. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import { ApiError, call, sentenceOf } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { useToken } from '../components/operator-token.tsx';
import { Page, useCentralLinks } from '../components/page.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';
import type { PlaybackNumbers } from '../player/playback.ts';
import { Player } from '../player/player.tsx';
import { useBeacon } from './beacon/use-beacon.ts';
import { grant } from './grant.ts';
import { type CentralInfo, fetchPlayAnswer } from './play-response.ts';
import { Grants } from './private-links.tsx';
import { findServing, learnSources, listMoves, NOBODY, noteServed } from './site-switches.ts';
import { Sources } from './sources.tsx';
import { Facts } from './video-facts.tsx';

const REFRESH_RANKING_MS = 5_000;
const REFRESH_VIDEO_MS = 20_000;
const REFRESH_INFO_MS = 60_000;
const RETRY_PLAYING_MS = 3_000;

const videoId = decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1) ?? '');
const client = new URLSearchParams(location.search).get('client') ?? undefined;

const VIEWER = { client, grant };

const isForGood = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 403 || error.status === 404 || error.status === 410);

export function Watch() {
  const { t } = useSpeech();
  const links = useCentralLinks();
  const { token } = useToken();
  const video = usePoll(
    `video ${token ?? ''}`,
    signal => {
      const query = grant === undefined ? '' : `?${new URLSearchParams({ grant })}`;
      return call<Video>(`/api/videos/${encodeURIComponent(videoId)}${query}`, { token, signal });
    },
    found => (found.state === 'registered' ? REFRESH_VIDEO_MS : 1_000),
  );
  const info = usePoll(
    'info',
    signal => call<CentralInfo>('/api/info', { signal }),
    found => (found.trackers.length > 0 ? REFRESH_INFO_MS : RETRY_PLAYING_MS),
  );
  const trackers = info.value?.trackers;
  /** One viewing: asking again is not beginning again. */
  const session = useRef<string | undefined>(undefined);
  /** An operator sees it and has no grant: he makes one first. */
  const needsGrant = video.value?.visibility === 'private' && grant === undefined;
  const answer = usePoll(
    trackers && !needsGrant ? trackers.join(' ') : '',
    async signal => {
      if (!trackers || needsGrant) return undefined;
      const found = await fetchPlayAnswer(
        trackers,
        videoId,
        { client, grant, session: session.current },
        signal,
      );
      session.current = found.session;
      return found;
    },
    () => REFRESH_RANKING_MS,
  );
  const playing = usePlaying(answer.value?.hls);
  const [priority, setPriority] = useState<readonly string[]>();
  const onSegment = useBeacon(answer.value, VIEWER, setPriority);
  const [serving, setServing] = useState(NOBODY);
  const [numbers, setNumbers] = useState<PlaybackNumbers>();
  const sources = answer.value?.sources;
  useEffect(() => {
    if (sources) setServing(before => learnSources(before, sources));
  }, [sources]);
  const onServed = useCallback((host: string) => {
    setServing(before => noteServed(before, host, Date.now()));
  }, []);

  // Kept while the revision is the same: another order of sites is no reason to fetch pictures anew.
  const { revision, sources: offered } = answer.value ?? {};
  const pictured = useRef<{ readonly revision: string; readonly url: string } | undefined>(undefined);
  const [best] = offered ?? [];
  if (best && revision && pictured.current?.revision !== revision)
    pictured.current = { revision, url: new URL('.', best.hls).href };
  const revisionUrl = pictured.current?.url;

  const name = video.value?.name ?? answer.value?.name;
  const now = findServing(serving);
  const error = needsGrant
    ? undefined
    : trouble(video.error, info.error, answer.error, playing.url !== undefined);
  return (
    <Page title={name ?? t.watch.title} home="/" links={links}>
      <h1 dir="auto" lang={video.value?.language}>
        {name ?? t.watch.title}
      </h1>
      {error !== undefined && <Trouble error={error} retry={answer.refresh} />}
      {video.value?.state === 'withdrawn' && <Notice kind="error">{t.errors['video-withdrawn']}</Notice>}
      {playing.failure && <PlayingFailure what={playing.failure} url={answer.value?.hls} />}
      {(!isForGood(error) || playing.url) && (
        <div class={needsGrant ? 'stack' : 'watch'}>
          {needsGrant ? (
            <Notice kind="hint">{t.links.needed}</Notice>
          ) : (
            <>
              <div class="watch-picture">
                <Player
                  url={playing.url}
                  attempt={playing.attempt}
                  sourceCount={sources?.length ?? 1}
                  name={name ?? ''}
                  siteId={now}
                  revisionUrl={revisionUrl}
                  pictures={video.value?.pictures}
                  onServed={onServed}
                  onNative={playing.onNative}
                  onSegment={onSegment}
                  priority={priority}
                  onFatal={playing.onFatal}
                  onNumbers={setNumbers}
                />
              </div>
              <div class="watch-side stack">
                {info.value && info.value.demoViewers.length > 0 && <Viewers info={info.value} />}
                <Sources
                  sources={sources}
                  now={now}
                  isNative={playing.isNative}
                  numbers={playing.url ? numbers : undefined}
                  moves={listMoves(serving)}
                />
              </div>
            </>
          )}
          {video.value?.visibility === 'private' && token !== undefined && (
            <Grants video={videoId} token={token} isWatching={grant !== undefined} />
          )}
          {video.value && <Facts video={video.value} />}
        </div>
      )}
    </Page>
  );
}

/** A picture that plays is not disturbed by a page that cannot ask. */
function trouble(video: unknown, info: unknown, answer: unknown, isPlaying: boolean): unknown {
  if (isForGood(answer)) return answer;
  if (isForGood(video)) return video;
  return isPlaying ? undefined : (answer ?? info ?? video);
}

type Failure = 'no-site' | 'unplayable' | 'unsupported';

/** Plays the first answer's stream for as long as it can. When no site answers, the next answer is tried where it stood. */
function usePlaying(freshUrl: string | undefined) {
  const [url, setUrl] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [failure, setFailure] = useState<Failure>();
  const [isNative, setNative] = useState(false);
  useEffect(() => {
    if (freshUrl) setUrl(before => before ?? freshUrl);
  }, [freshUrl]);
  useEffect(() => {
    if (failure !== 'no-site') return;
    const timer = setTimeout(() => {
      setUrl(before => freshUrl ?? before);
      setAttempt(number => number + 1);
      setFailure(undefined);
    }, RETRY_PLAYING_MS);
    return () => clearTimeout(timer);
  }, [failure, freshUrl]);
  return {
    url,
    attempt,
    failure,
    isNative,
    onFatal: useCallback((what: Failure) => setFailure(what), []),
    onNative: useCallback(() => setNative(true), []),
  };
}

function Trouble({ error, retry }: { readonly error: unknown; readonly retry: () => void }) {
  const { t } = useSpeech();
  if (error instanceof ApiError && error.code === 'no-tracker') {
    return <Notice kind="error">{t.watch.noTracker}</Notice>;
  }
  if (isForGood(error)) {
    return (
      <Notice kind="error" testId="error">
        <p>{sentenceOf(error, t.errors)}</p>
        <a href="/">{t.watch.back}</a>
      </Notice>
    );
  }
  return <ErrorNotice error={error} retry={retry} />;
}

function PlayingFailure({ what, url }: { readonly what: Failure; readonly url: string | undefined }) {
  const { t } = useSpeech();
  if (what === 'no-site') return <Notice kind="hint">{t.watch.interrupted}</Notice>;
  return (
    <Notice kind="error" testId="unplayable">
      <p>{what === 'unsupported' ? t.watch.unsupported : t.watch.unplayable}</p>
      <p>
        {t.watch.unplayableHint} <code>{url}</code>
      </p>
    </Notice>
  );
}

function Viewers({ info }: { readonly info: CentralInfo }) {
  const { t } = useSpeech();
  return (
    <section class="panel">
      <div class="field">
        <label for="viewer">{t.watch.watchAs}</label>
        <select
          id="viewer"
          value={client ?? ''}
          onChange={event => {
            const url = new URL(location.href);
            if (event.currentTarget.value) url.searchParams.set('client', event.currentTarget.value);
            else url.searchParams.delete('client');
            location.assign(url);
          }}
        >
          <option value="">{t.watch.watchAsHere}</option>
          {info.demoViewers.map(viewer => (
            <option key={viewer.address} value={viewer.address}>
              {viewer.name}
            </option>
          ))}
        </select>
      </div>
    </section>
  );
}

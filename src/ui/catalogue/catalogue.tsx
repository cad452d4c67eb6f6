/** The catalogue: what can be watched, newest first, with a search. A new video appears by itself. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { centralInfoSchema, Video } from '../../protocol/central.ts';
import { POSTER } from '../../protocol/media/media-address.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { CardPicture } from '../components/card-image.tsx';
import { Announcement, ErrorNotice } from '../components/notice.tsx';
import { useToken } from '../components/operator-token.tsx';
import { Page, useCentralLinks } from '../components/page.tsx';
import { WordmarkSign } from '../components/wordmark.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';
import { appendPage, listNew, mergeNewest, type VideoPage } from './video-pages.ts';

const TYPING_PAUSE_MS = 250;
const REFRESH_MS = 2_000;
const PAGE_SIZE = 24;
const INFO_EVERY_MS = 30_000;

type CentralInfo = z.infer<typeof centralInfoSchema>;

function fetchPage(
  query: string,
  token: string | undefined,
  cursor?: string,
  signal?: AbortSignal,
): Promise<VideoPage> {
  const search = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (query) search.set('q', query);
  if (cursor) search.set('cursor', cursor);
  return call<VideoPage>(`/api/videos?${search}`, { token, signal });
}

/** What was typed, once the typing has paused. The address follows, so that a search can be shared. */
function useQuery() {
  const [typed, setTyped] = useState(() => new URLSearchParams(location.search).get('q') ?? '');
  const [query, setQuery] = useState(typed.trim());
  useEffect(() => {
    const timer = setTimeout(() => setQuery(typed.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    const url = new URL(location.href);
    if (query) url.searchParams.set('q', query);
    else url.searchParams.delete('q');
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  }, [query]);
  return { typed, setTyped, query };
}

function useVideos(query: string) {
  const { t } = useSpeech();
  // Operators see what is private, too.
  const { token } = useToken();
  const [shown, setShown] = useState<{ query: string; page: VideoPage }>();
  const [news, setNews] = useState('');
  const [moreError, setMoreError] = useState<unknown>();
  const known = useRef<{ query: string; ids: Set<string> } | undefined>(undefined);
  const first = usePoll(
    query,
    signal => fetchPage(query, token, undefined, signal),
    () => REFRESH_MS,
  );
  const fresh = first.value;
  useEffect(() => {
    if (!fresh) return;
    setShown(before => ({
      query,
      page: mergeNewest(before?.query === query ? before.page : undefined, fresh),
    }));
    if (known.current?.query === query) {
      const [newest] = listNew(known.current.ids, fresh);
      if (newest) setNews(t.catalogue.newVideo(newest.name));
    } else {
      known.current = { query, ids: new Set() };
    }
    for (const video of fresh.videos) known.current.ids.add(video.id);
  }, [fresh, query, t]);

  const loadMore = async (): Promise<void> => {
    if (!shown?.page.next) return;
    try {
      const following = await fetchPage(query, token, shown.page.next);
      for (const video of following.videos) known.current?.ids.add(video.id);
      setShown(before =>
        before?.query === query ? { query, page: appendPage(before.page, following) } : before,
      );
      setMoreError(undefined);
    } catch (error) {
      setMoreError(error);
    }
  };
  return {
    // While another search is under way, what was found before stays in sight.
    page: shown?.page,
    settled: shown?.query === query,
    error: first.error ?? moreError,
    retry: first.refresh,
    news,
    loadMore,
  };
}

export function Catalogue() {
  const { t } = useSpeech();
  const links = useCentralLinks('catalogue');
  const { typed, setTyped, query } = useQuery();
  const { page, settled, error, retry, news, loadMore } = useVideos(query);
  const info = usePoll(
    'info',
    signal => call<CentralInfo>('/api/info', { signal }),
    () => INFO_EVERY_MS,
  );
  const isEmpty = settled && page?.videos.length === 0;
  return (
    <Page title={t.catalogue.title} home="/" links={links}>
      <div class="head">
        <div>
          <h1>{t.catalogue.heading}</h1>
          <p class="quiet" aria-live="polite">
            {page && page.videos.length > 0
              ? t.catalogue.results(page.videos.length, page.next !== undefined)
              : '\u00a0'}
          </p>
        </div>
        <search class="search">
          <input
            type="search"
            aria-label={t.catalogue.search}
            placeholder={t.catalogue.searchPlaceholder}
            value={typed}
            onInput={event => setTyped(event.currentTarget.value)}
          />
        </search>
      </div>
      <Announcement text={news} />
      {error !== undefined && <ErrorNotice error={error} retry={retry} />}
      {!page && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {isEmpty && <Nothing query={query} onClear={() => setTyped('')} />}
      <ul class="cards" data-testid="videos">
        {page?.videos.map(video => (
          <Card key={`${video.id} ${video.revision}`} video={video} tracker={info.value?.trackers[0]} />
        ))}
      </ul>
      {settled && page?.next !== undefined && (
        <div class="actions">
          <button type="button" onClick={() => void loadMore()} data-testid="more">
            {t.catalogue.more}
          </button>
        </div>
      )}
    </Page>
  );
}

function Card({ video, tracker }: { readonly video: Video; readonly tracker: string | undefined }) {
  const { t, format } = useSpeech();
  // The tracker sends the browser to the site that serves it best, as it does a player.
  const poster = video.pictures?.poster && tracker ? `${tracker}/go/${video.id}/${POSTER}` : undefined;
  return (
    <li class="card" data-video={video.id} data-state={video.state}>
      <CardPicture video={video.id} poster={poster} durationMs={video.durationMs} />
      <div class="card-words">
        <h2 dir="auto" lang={video.language}>
          <a class="card-link" href={`/watch/${video.id}`}>
            {video.name}
          </a>
        </h2>
        <div>
          <p class="row quiet">
            <span>{video.site.name}</span>
            <span>{format.size(video.sizeBytes)}</span>
            <time dateTime={video.publishedAt}>{format.date(video.publishedAt)}</time>
          </p>
          <p class="row">
            <span class={`state ${video.state === 'registered' ? 'good' : 'warn'}`}>
              {t.catalogue.states[video.state]}
            </span>
            {video.visibility === 'private' && (
              <span class="state warn" data-testid="private">
                {t.catalogue.isPrivate}
              </span>
            )}
            {video.copies.length > 1 && <span class="quiet">{t.catalogue.copies(video.copies.length)}</span>}
          </p>
        </div>
      </div>
    </li>
  );
}

function Nothing({ query, onClear }: { readonly query: string; readonly onClear: () => void }) {
  const { t } = useSpeech();
  return (
    <div class="empty" data-testid="empty">
      <WordmarkSign size={72} />
      <strong>{query ? t.catalogue.nothingFound(query) : t.catalogue.empty}</strong>
      <p>{query ? t.catalogue.nothingFoundHint : t.catalogue.emptyHint}</p>
      {query && (
        <button type="button" onClick={onClear}>
          {t.catalogue.clear}
        </button>
      )}
    </div>
  );
}

/** What can be played at this site, also where it is cut off from all others: listed, searched, and played from here. */
import { useEffect, useState } from 'preact/hooks';
import { MULTIVARIANT_PLAYLIST, mediaPath, POSTER } from '../../protocol/media/media-address.ts';
import type { LibraryPage } from '../../protocol/site.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { CardPicture } from '../components/card-image.tsx';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';
import { LocalPlayer } from '../player/local-player.tsx';

const TYPING_PAUSE_MS = 250;
const REFRESH_MS = 10_000;
const PAGE_SIZE = 24;

type LibraryVideo = LibraryPage['videos'][number];

function fetchPage(query: string, cursor?: string, signal?: AbortSignal): Promise<LibraryPage> {
  const search = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (query) search.set('q', query);
  if (cursor) search.set('cursor', cursor);
  return call<LibraryPage>(`/api/library?${search}`, { signal });
}

export function Library() {
  const { t } = useSpeech();
  const [typed, setTyped] = useState('');
  const [query, setQuery] = useState('');
  const [playing, setPlaying] = useState<LibraryVideo>();
  /** Pages after the first, of the query that they are of. */
  const [further, setFurther] = useState<{ query: string; pages: readonly LibraryPage[] }>();
  const [moreError, setMoreError] = useState<unknown>();
  useEffect(() => {
    const timer = setTimeout(() => setQuery(typed.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const { value, error, refresh } = usePoll(
    query,
    signal => fetchPage(query, undefined, signal),
    () => REFRESH_MS,
  );
  const pages = value ? [value, ...(further?.query === query ? further.pages : [])] : [];
  const videos = [...new Map(pages.flatMap(page => page.videos.map(video => [video.id, video]))).values()];
  const next = pages.at(-1)?.next;
  const loadMore = async (): Promise<void> => {
    try {
      const page = await fetchPage(query, next);
      setFurther(before => ({ query, pages: [...(before?.query === query ? before.pages : []), page] }));
      setMoreError(undefined);
    } catch (cause) {
      setMoreError(cause);
    }
  };
  return (
    <Page
      title={t.library.title}
      home="/library"
      links={[
        { href: '/', text: t.library.studio },
        { href: '/library', text: t.library.title, current: true },
      ]}
    >
      <div class="head">
        <div>
          <h1>{value ? t.library.heading(value.site) : t.library.title}</h1>
          <p class="quiet">{t.library.explain}</p>
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
      {value && !value.connected && (
        <Notice kind="hint" testId="island">
          {t.library.offline}
        </Notice>
      )}
      {(error ?? moreError) !== undefined && <ErrorNotice error={error ?? moreError} retry={refresh} />}
      {!value && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {value && videos.length === 0 && (
        <p class="quiet" data-testid="empty">
          {query ? t.catalogue.nothingFound(query) : t.library.empty}
        </p>
      )}
      <ul class="cards" data-testid="library">
        {videos.map(video => (
          <Card key={video.id} video={video} onPlay={() => setPlaying(video)} />
        ))}
      </ul>
      {next !== undefined && (
        <div class="actions">
          <button type="button" onClick={() => void loadMore()} data-testid="more">
            {t.catalogue.more}
          </button>
        </div>
      )}
      {playing && (
        <LocalPlayer
          name={playing.name}
          revisionUrl={revisionUrl(playing)}
          pictures={playing.pictures}
          onClose={() => setPlaying(undefined)}
        />
      )}
    </Page>
  );
}

const revisionUrl = ({ id, revision }: LibraryVideo): string =>
  location.origin + mediaPath(id, revision, MULTIVARIANT_PLAYLIST).slice(0, -MULTIVARIANT_PLAYLIST.length);

function Card({ video, onPlay }: { readonly video: LibraryVideo; readonly onPlay: () => void }) {
  const { t } = useSpeech();
  const poster = video.pictures.poster ? mediaPath(video.id, video.revision, POSTER) : undefined;
  return (
    <li class="card" data-video={video.id} data-holding={video.holding}>
      <CardPicture video={video.id} poster={poster} durationMs={video.durationMs} />
      <div class="card-words">
        <h2>
          <button type="button" class="card-link" dir="auto" onClick={onPlay} data-testid="play-here">
            {video.name}
          </button>
        </h2>
        <p class="row">
          <span class={`state ${video.holding === 'partly' ? 'warn' : 'good'}`}>
            {t.library.holdings[video.holding]}
          </span>
        </p>
      </div>
    </li>
  );
}

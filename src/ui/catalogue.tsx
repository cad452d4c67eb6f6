/** The catalogue: what can be watched, newest first, with a search. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../protocol/central.ts';
import { ApiError, call, messageOf } from './api.ts';
import { formatDuration, formatSize, formatTime } from './format.ts';
import { t } from './i18n.ts';
import { Pattern } from './pattern.tsx';
import { Failure, mount, Shell, useRepeating } from './shell.tsx';

const REFRESH_MS = 2_000;
const PAGE = 24;
const TYPING_MS = 250;

interface Page {
  readonly videos: readonly Video[];
  readonly next?: string;
}

const fetchPage = (query: string, limit: number, cursor?: string): Promise<Page> => {
  const search = new URLSearchParams({
    limit: String(limit),
    ...(query ? { q: query } : {}),
    ...(cursor ? { cursor } : {}),
  });
  return call<Page>(`/api/videos?${search}`);
};

function Catalogue() {
  const [typed, setTyped] = useState('');
  const [query, setQuery] = useState('');
  const [first, setFirst] = useState<Page>();
  const [further, setFurther] = useState<Page>({ videos: [] });
  const [failure, setFailure] = useState<string>();
  const [news, setNews] = useState('');
  const known = useRef(new Set<string>());

  useEffect(() => {
    const timer = setTimeout(() => setQuery(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);

  useRepeating(async () => {
    try {
      const page = await fetchPage(query, PAGE);
      const fresh = page.videos.find(video => !known.current.has(video.id));
      if (fresh && known.current.size > 0) setNews(`${t('newVideo')}: ${fresh.name}`);
      for (const video of page.videos) known.current.add(video.id);
      setFirst(page);
      setFailure(undefined);
    } catch (error) {
      setFailure(error instanceof ApiError ? error.message : messageOf(error));
    }
    return REFRESH_MS;
  }, [query]);
  useEffect(() => setFurther({ videos: [] }), [query]);

  const more = further.videos.length > 0 ? further.next : first?.next;
  const loadMore = async (): Promise<void> => {
    try {
      const page = await fetchPage(query, PAGE, more);
      setFurther({ ...page, videos: [...further.videos, ...page.videos] });
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const seen = new Set(first?.videos.map(video => video.id));
  const videos = [...(first?.videos ?? []), ...further.videos.filter(video => !seen.has(video.id))];

  return (
    <Shell
      title={t('catalogue')}
      links={[
        { href: '/', text: t('catalogue'), current: true },
        { href: '/admin', text: t('admin') },
      ]}
    >
      <h1 class="unseen">{t('catalogue')}</h1>
      <label class="search">
        <span class="unseen">{t('search')}</span>
        <input
          type="search"
          placeholder={t('search')}
          value={typed}
          onInput={event => setTyped(event.currentTarget.value)}
        />
      </label>
      <p class="unseen" aria-live="polite">
        {news}
      </p>
      {failure && <Failure text={failure} />}
      {first && videos.length === 0 && <p class="panel quiet">{query ? t('nothingFound') : t('noVideos')}</p>}
      <ul class="cards" data-testid="videos">
        {videos.map(video => (
          <li key={video.id}>
            <Card video={video} />
          </li>
        ))}
      </ul>
      {more && (
        <div>
          <button type="button" onClick={() => void loadMore()}>
            {t('more')}
          </button>
        </div>
      )}
    </Shell>
  );
}

const Card = ({ video }: { readonly video: Video }) => (
  <a class="card" href={`/watch/${video.id}`} data-video={video.id}>
    <figure>
      <Pattern seed={video.id} />
      <span class="badge">{formatDuration(video.durationMs)}</span>
    </figure>
    <div class="words">
      <h2>{video.name}</h2>
      <p class="quiet">
        {video.site.name} · {formatSize(video.sizeBytes)}
        {video.height ? ` · ${video.height}p` : ''}
      </p>
      <p class="quiet">{formatTime(video.publishedAt)}</p>
      <p class={`quiet state ${video.state === 'registered' ? 'good' : 'warn'}`}>
        {video.state === 'registered' ? t('registered') : t('published')}
      </p>
    </div>
  </a>
);

mount(<Catalogue />);

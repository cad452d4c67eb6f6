/** The library of a site: every video that plays from it, also while it is offline from the others. */
import { useState } from 'preact/hooks';
import {
  MULTIVARIANT_PLAYLIST,
  mediaPath,
  POSTER,
  STORYBOARD,
  tokenPath,
} from '../../protocol/media/media-address.ts';
import type { LibraryPage } from '../../protocol/site.ts';
import { call } from '../api/call.ts';
import { formatListQuery } from '../api/list-page.ts';
import { listUnique } from '../api/pages.ts';
import { usePages } from '../api/use-pages.ts';
import { useSearchQuery } from '../browser/use-search-query.ts';
import { AudienceBadge } from '../components/audience/audience-badge.tsx';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { SearchField } from '../components/search-field.tsx';
import { VideoCard } from '../components/video-card/video-card.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { LocalPlayer } from '../player/local-player.tsx';

type LibraryVideo = LibraryPage['videos'][number];

const REFRESH_MS = 10_000;
const PAGE_SIZE = 24;

const fetchPage = (query: string, cursor?: string, abort?: AbortSignal): Promise<LibraryPage> =>
  call<LibraryPage>(`/api/library${formatListQuery({ limit: PAGE_SIZE, query, cursor })}`, { abort });

export function Library() {
  const { t } = useTranslation();
  const search = useSearchQuery('');
  const { query } = search;
  const [playing, setPlaying] = useState<LibraryVideo>();
  const { first, pages, hasMore, loadMore, error, refresh } = usePages<LibraryPage>(
    query,
    (cursor, abort) => fetchPage(query, cursor, abort),
    REFRESH_MS,
  );
  const videos = listUnique(
    pages.flatMap(page => page.videos),
    ({ id }) => id,
  );
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
          <h1>{first ? t.library.heading(first.site) : t.library.title}</h1>
          <p class="quiet">{t.library.explain}</p>
        </div>
        <SearchField search={search} />
      </div>
      {first && !first.connected && (
        <Notice kind="hint" testId="offline">
          {t.library.offline}
        </Notice>
      )}
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      {!first && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {first && videos.length === 0 && (
        <p class="quiet" data-testid="empty">
          {query ? t.catalogue.nothingFound(query) : t.library.empty}
        </p>
      )}
      <ul class="cards" data-testid="library">
        {videos.map(video => (
          <Card key={video.id} video={video} onPlay={() => setPlaying(video)} />
        ))}
      </ul>
      {hasMore && (
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

/** The path of a file of this video at this site. */
const pathOf = ({ id, revision, token }: LibraryVideo, file: string): string =>
  (token === undefined ? '' : tokenPath(token)) + mediaPath(id, revision, file);
const revisionUrl = (video: LibraryVideo): string =>
  location.origin + pathOf(video, MULTIVARIANT_PLAYLIST).slice(0, -MULTIVARIANT_PLAYLIST.length);

function Card({ video, onPlay }: { readonly video: LibraryVideo; readonly onPlay: () => void }) {
  const { t } = useTranslation();
  return (
    <VideoCard
      id={video.id}
      name={video.name}
      href="/library"
      onOpen={onPlay}
      durationMs={video.durationMs}
      poster={video.pictures.poster ? pathOf(video, POSTER) : undefined}
      storyboard={video.pictures.storyboard ? pathOf(video, STORYBOARD) : undefined}
    >
      <p class="row">
        <span class={`state ${video.holding === 'partly' ? 'warn' : 'good'}`}>
          {t.library.holdings[video.holding]}
        </span>
        <AudienceBadge audience={video.audience ?? 'public'} />
      </p>
    </VideoCard>
  );
}

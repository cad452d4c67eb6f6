/** The catalogue: the published videos, newest first, with a search field. */
import type { Video } from '../../protocol/central.ts';
import { POSTER } from '../../protocol/media/media-address.ts';
import { call } from '../api/call.ts';
import type { CentralInfo } from '../api/central-info.ts';
import { usePoll } from '../api/use-poll.ts';
import { useSharedSearchQuery } from '../browser/use-search-query.ts';
import { AudienceBadge } from '../components/audience/audience-badge.tsx';
import { type GroupNames, useGroupNames } from '../components/audience/use-group-names.ts';
import { CardImage } from '../components/card-image.tsx';
import { Announcement, ErrorNotice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { SearchField } from '../components/search-field.tsx';
import { Logo } from '../components/wordmark.tsx';
import { type StaleSince, VIDEO_COLOURS, videoHealth } from '../health/health.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { useVideos } from './use-videos.ts';

const REFRESH_INFO_MS = 30_000;

export function Catalogue() {
  const { t } = useTranslation();
  const navigation = useCentralNavigation('catalogue');
  const search = useSharedSearchQuery();
  const { token } = useMe();
  const { page, isCurrent, error, staleSince, retry, announcement, loadMore } = useVideos(
    search.query,
    token,
  );
  useForgetRefused(error);
  const info = usePoll(
    'info',
    abort => call<CentralInfo>('/api/info', { abort }),
    () => REFRESH_INFO_MS,
  );
  const groups = useGroupNames(page?.videos.some(({ audience }) => audience === 'groups') ?? false);
  const isEmpty = isCurrent && page?.videos.length === 0;
  return (
    <Page title={t.catalogue.title} home="/" links={navigation}>
      <div class="head">
        <div>
          <h1>{t.catalogue.heading}</h1>
          <p class="quiet" aria-live="polite">
            {page && page.videos.length > 0
              ? t.catalogue.results(page.videos.length, page.next !== undefined)
              : '\u00a0'}
          </p>
        </div>
        <SearchField search={search} />
      </div>
      <Announcement text={announcement} />
      {error !== undefined && <ErrorNotice error={error} retry={retry} />}
      {!page && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {isEmpty && <EmptyCatalogue query={search.query} onClear={() => search.setTyped('')} />}
      <ul class="cards" data-testid="videos">
        {page?.videos.map(video => (
          <Card
            key={`${video.id} ${video.revision}`}
            video={video}
            stale={staleSince}
            tracker={info.value?.trackers[0]}
            groups={groups}
          />
        ))}
      </ul>
      {isCurrent && page?.next !== undefined && (
        <div class="actions">
          <button type="button" onClick={() => void loadMore()} data-testid="more">
            {t.catalogue.more}
          </button>
        </div>
      )}
    </Page>
  );
}

interface CardProps {
  readonly video: Video;
  readonly stale: StaleSince;
  readonly tracker: string | undefined;
  readonly groups: GroupNames;
}

function Card({ video, stale, tracker, groups }: CardProps) {
  const { t, format } = useTranslation();
  const health = videoHealth(video, stale);
  const poster = video.pictures?.poster ? posterAddress(video, tracker) : undefined;
  return (
    <li class="card" data-video={video.id} data-state={video.state}>
      <CardImage video={video.id} poster={poster} durationMs={video.durationMs} />
      <div class="card-text">
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
            <span class={`state ${VIDEO_COLOURS[health.state]}`} data-health={health.state}>
              {t.catalogue.health[health.state]}
              {health.since && ` ${t.common.since(format.timeOrDate(health.since, Date.now()))}`}
            </span>
            <AudienceBadge audience={video.audience} groups={video.groups} names={groups} />
            {video.copies.length > 1 && <span class="quiet">{t.catalogue.copies(video.copies.length)}</span>}
          </p>
        </div>
      </div>
    </li>
  );
}

/** The tracker redirects the browser to the best site, as it does for a player. If it needs a grant for that, central adds it. */
function posterAddress({ id, audience }: Video, tracker: string | undefined): string | undefined {
  if (audience !== 'public') return `/api/videos/${id}/${POSTER}`;
  return tracker && `${tracker}/go/${id}/${POSTER}`;
}

function EmptyCatalogue({ query, onClear }: { readonly query: string; readonly onClear: () => void }) {
  const { t } = useTranslation();
  return (
    <div class="empty" data-testid="empty">
      <Logo size={72} />
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

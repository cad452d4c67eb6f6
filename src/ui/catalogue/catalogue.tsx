/** The catalogue: the published videos, newest first, with a search field. */
import type { Video } from '../../protocol/central.ts';
import { POSTER, STORYBOARD } from '../../protocol/media/media-address.ts';
import { call } from '../api/call.ts';
import type { CentralInfo } from '../api/central-info.ts';
import { usePoll } from '../api/use-poll.ts';
import { useSharedSearchQuery } from '../browser/use-search-query.ts';
import { AudienceBadge } from '../components/audience/audience-badge.tsx';
import { type GroupNames, useGroupNames } from '../components/audience/use-group-names.ts';
import { Announcement, ErrorNotice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { SearchField } from '../components/search-field.tsx';
import { VideoCard } from '../components/video-card/video-card.tsx';
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
  return (
    <VideoCard
      id={video.id}
      name={video.name}
      language={video.language}
      href={`/watch/${video.id}`}
      durationMs={video.durationMs}
      hasCaptions={video.renditions.some(({ kind }) => kind === 'captions')}
      poster={video.pictures?.poster ? imageAddress(video, POSTER, tracker) : undefined}
      storyboard={video.pictures?.storyboard ? imageAddress(video, STORYBOARD, tracker) : undefined}
    >
      <p class="row quiet">
        <span>{video.site.name}</span>
        <time dateTime={video.publishedAt} title={format.dateTime(video.publishedAt)}>
          {format.ago(video.publishedAt, Date.now())}
        </time>
      </p>
      <p class="row">
        {health.state !== 'ready' && (
          <span class={`state ${VIDEO_COLOURS[health.state]}`} data-health={health.state}>
            {t.catalogue.health[health.state]}
            {health.since && ` ${t.common.since(format.timeOrDate(health.since, Date.now()))}`}
          </span>
        )}
        <AudienceBadge audience={video.audience} groups={video.groups} names={groups} />
      </p>
    </VideoCard>
  );
}

/** The tracker redirects the browser to the best site, as it does for a player. If it needs a grant for that, central adds it. */
function imageAddress(
  { id, audience }: Video,
  file: typeof POSTER | typeof STORYBOARD,
  tracker: string | undefined,
): string | undefined {
  if (audience !== 'public') return `/api/videos/${id}/${file}`;
  return tracker && `${tracker}/go/${id}/${file}`;
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

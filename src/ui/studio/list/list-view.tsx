/** The list of the studio: what needs somebody first, filters, the uploads of this tab, and the videos by pages. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SiteInfo, SiteVideo } from '../../../protocol/site.ts';
import { QueryLink } from '../../browser/use-address.tsx';
import type { GroupNames } from '../../components/audience/use-group-names.ts';
import { Announcement, ErrorNotice, Notice } from '../../components/notice.tsx';
import { CardSkeletons } from '../../components/video-card/video-card.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { JobCalls } from '../jobs/job-list.tsx';
import type { UploadList } from '../uploads/upload-list.ts';
import type { UploadQueue } from '../uploads/upload-queue.ts';
import { UploadRow } from '../uploads/upload-row.tsx';
import type { SeriesChoices } from '../use-series.ts';
import type { StudioPermissions } from '../use-studio-permissions.ts';
import type { VideoCalls } from '../video-actions.ts';
import { findChanged, listOtherVideos, mapStatuses, type StatusById } from '../video-list.ts';
import { EndOfList } from './end-of-list.tsx';
import { Filters } from './filters.tsx';
import { formatListQuery, isNarrowed, type ListQuery } from './list-query.ts';
import { jobsOf } from './list-state.ts';
import { NOTHING_SELECTED, type Selection, selectRange, toggle } from './selection.ts';
import { SelectionBar } from './selection-bar.tsx';
import type { StudioList } from './use-studio-list.ts';
import { VideoEntry } from './video-entry.tsx';

interface ListViewProps {
  readonly site: SiteInfo;
  readonly token: string | undefined;
  readonly groups: GroupNames;
  readonly series: SeriesChoices;
  readonly jobCalls: JobCalls;
  readonly callsOf: (video: SiteVideo) => VideoCalls;
  readonly permissions: StudioPermissions;
  readonly query: ListQuery;
  readonly callQuery: string;
  readonly list: StudioList;
  readonly uploads: { readonly items: UploadList; readonly queue: UploadQueue };
  readonly hasPerson: boolean;
}

export function ListView(props: ListViewProps) {
  const { site, token, series, query, callQuery, list, uploads, permissions } = props;
  const { t } = useTranslation();
  const [selection, setSelection] = useState<Selection>(NOTHING_SELECTED);
  const openedAt = useRef(new Date().toISOString());
  const videos = listOtherVideos(list.value?.videos ?? [], uploads.items);
  const order = videos.map(({ id }) => id);
  const titles = new Map(series.map(({ id, title }) => [id, title]));
  useEffect(() => setSelection(NOTHING_SELECTED), [callQuery]);
  return (
    <>
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      <Attention {...props} />
      <section class="stack" aria-labelledby="videos-heading">
        <h2 id="videos-heading">{t.studio.videosHeading}</h2>
        <StatusAnnouncement videos={list.value?.videos} isJoined={site.joined} />
        {(list.value?.counts.all ?? 0) > 0 && (
          <Filters
            query={query}
            counts={list.value?.counts ?? {}}
            series={series}
            hasPerson={props.hasPerson}
          />
        )}
        {uploads.items.length > 0 && (
          <ul class="videos" data-testid="uploads">
            {uploads.items.map(item => (
              <UploadRow key={item.key} item={item} queue={uploads.queue} />
            ))}
          </ul>
        )}
        {videos.length > 0 && (
          <SelectionBar
            {...{ selection, token, series }}
            groups={props.groups}
            onSelect={setSelection}
            loaded={order}
            hasMore={list.value?.next !== undefined}
            query={callQuery}
            onChanged={list.refresh}
          />
        )}
        {list.value && videos.length === 0 && uploads.items.length === 0 && (
          <p class="quiet" data-testid="empty">
            {isNarrowed(query)
              ? t.studioList.nothingFound
              : permissions.mayPublish
                ? t.studio.empty
                : t.approval.emptyOwn}
          </p>
        )}
        <ul class="entries" data-testid="videos" aria-busy={list.value === undefined}>
          {!list.value && list.error === undefined && <CardSkeletons count={4} layout="row" />}
          {videos.map(video => (
            <VideoEntry
              key={video.id}
              video={video}
              isJoined={site.joined}
              centralUrl={site.centralUrl}
              jobs={list.value ? jobsOf(list.value, video.id) : []}
              jobCalls={props.jobCalls}
              calls={props.callsOf(video)}
              may={permissions.permissionsFor(video)}
              series={video.series && titles.get(video.series.id)}
              isNew={video.createdAt >= openedAt.current}
              selection={{
                isSelected: selection.ids.has(video.id),
                onSelect: isRange =>
                  setSelection(before =>
                    isRange ? selectRange(before, video.id, order) : toggle(before, video.id),
                  ),
              }}
            />
          ))}
        </ul>
        <EndOfList hasMore={list.value?.next !== undefined} onMore={list.loadMore} />
      </section>
    </>
  );
}

/** Failed videos, and those that await an approval, wherever they are in the list. */
function Attention({ list, query, permissions }: ListViewProps) {
  const { t } = useTranslation();
  const counts = list.value?.counts ?? {};
  const failed = counts['state:failed'] ?? 0;
  const awaiting = permissions.mayPublish ? (counts['approval:awaiting'] ?? 0) : 0;
  if (query.show !== undefined || failed + awaiting === 0) return null;
  return (
    <div class="attention">
      {failed > 0 && (
        <Notice kind="error" testId="failed-videos">
          <p>
            {t.studioList.failed(failed)}{' '}
            <QueryLink search={formatListQuery({ show: 'failed', order: 'newest' })}>
              {t.studioList.showFailed}
            </QueryLink>
          </p>
        </Notice>
      )}
      {awaiting > 0 && (
        <Notice kind="hint" testId="approval-queue">
          <p>
            {t.studioList.awaiting(awaiting)}{' '}
            <QueryLink search={formatListQuery({ show: 'awaiting', order: 'oldest' })}>
              {t.studioList.showAwaiting}
            </QueryLink>
          </p>
        </Notice>
      )}
    </div>
  );
}

interface StatusAnnouncementProps {
  readonly videos: readonly SiteVideo[] | undefined;
  readonly isJoined: boolean;
}

/** Announces the new status of a video to screen readers, once for each change. Pages that are loaded later are no change. */
function StatusAnnouncement({ videos, isJoined }: StatusAnnouncementProps) {
  const { t } = useTranslation();
  const before = useRef<StatusById | undefined>(undefined);
  const [text, setText] = useState('');
  useEffect(() => {
    if (!videos) return;
    const statuses = mapStatuses(videos, isJoined);
    const changed = findChanged(videos, before.current, statuses);
    before.current = statuses;
    const status = changed && statuses.get(changed.id);
    if (status) setText(t.studio.announce(changed.name, t.studio.videoStatus[status]));
  }, [videos, isJoined, t]);
  return <Announcement text={text} />;
}

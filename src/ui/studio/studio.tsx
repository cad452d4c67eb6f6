/** The studio of a site: upload, follow every step until the video is registered, edit, withdraw. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SiteJob } from '../../protocol/job.ts';
import type { Visibility } from '../../protocol/publication/record.ts';
import type { SiteInfo, SiteVideo } from '../../protocol/site.ts';
import { ApiError } from '../api/api-error.ts';
import { call } from '../api/call.ts';
import { type PollResult, usePoll } from '../api/use-poll.ts';
import { Announcement, ErrorNotice, Notice } from '../components/notice.tsx';
import { SignInForm, useForgetRefused } from '../components/operator-token.tsx';
import { Page } from '../components/page.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import type { CaptionsCalls } from './captions-panel.tsx';
import type { JobCalls } from './job-list.tsx';
import { isInProgress } from './publication-steps.ts';
import { CloneNotice, ConversionNotice, JoinNotice, SiteStatus } from './site-status.tsx';
import { DropZone } from './uploads/drop-zone.tsx';
import { findFileProblem } from './uploads/upload-list.ts';
import { UploadRow } from './uploads/upload-row.tsx';
import { useUploads } from './uploads/use-uploads.ts';
import { findChanged, listOtherVideos, mapStatuses, type StatusById } from './video-list.ts';
import { VideoRow } from './video-row.tsx';

const BUSY_INTERVAL_MS = 700;
const IDLE_INTERVAL_MS = 5_000;
const chooseInterval = (isBusy: boolean): number => (isBusy ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS);

interface JobPage {
  readonly jobs: readonly SiteJob[];
}
interface VideoPage {
  readonly videos: readonly SiteVideo[];
}

export function Studio() {
  const { t, language } = useTranslation();
  const { token, setToken } = useMe();
  const [fileProblems, setFileProblems] = useState<readonly string[]>([]);
  const [visibility, setVisibility] = useState<Visibility>('public');
  const { site, list, jobs, items, queue, isJoined } = useStudioData(token);
  const wasRefused = useForgetRefused(site.error ?? list.error);
  const jobCalls = makeJobCalls(token, jobs, list);
  const addFiles = useAddFiles(site.value?.maxUploadBytes, setFileProblems, file =>
    queue.add(file, visibility),
  );

  const links = [
    { href: '/', text: t.studio.title, current: true },
    { href: '/library', text: t.library.title },
    ...(site.value?.centralUrl
      ? [{ href: `${site.value.centralUrl}/?lang=${language}`, text: t.common.catalogue }]
      : []),
  ];
  const videos = list.value?.videos;
  const isRefused = list.error instanceof ApiError && list.error.status === 401;
  const needsToken = site.value?.tokenNeeded === true || isRefused;
  const title = site.value ? t.studio.heading(site.value.name) : t.studio.title;
  return (
    <Page title={title} home="/" links={links}>
      <div class="stack">
        <h1>{title}</h1>
        <SiteStatus site={site.value} isUnreachable={site.error !== undefined} />
        {site.value && !needsToken && <CloneNotice stoppedBecause={site.value.stoppedBecause} />}
        {site.value && <JoinNotice joinProblem={site.value.joinProblem} />}
        {site.value && !needsToken && <ConversionNotice conversion={site.value.conversion} />}
      </div>
      {needsToken ? (
        <SignInForm part="site" isRefused={wasRefused || token !== undefined} onToken={setToken} />
      ) : (
        <>
          <DropZone
            maxBytes={site.value?.maxUploadBytes}
            visibility={visibility}
            onVisibility={setVisibility}
            onFiles={addFiles}
          />
          {fileProblems.length > 0 && (
            <Notice kind="error" testId="file-problems">
              {fileProblems.map(problem => (
                <p key={problem}>{problem}</p>
              ))}
            </Notice>
          )}
          {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
          <h2>{t.studio.videosHeading}</h2>
          <StatusAnnouncement videos={videos} isJoined={isJoined} />
          {videos?.length === 0 && items.length === 0 && <p class="quiet">{t.studio.empty}</p>}
          <ul class="videos" data-testid="videos">
            {items.map(item => (
              <UploadRow key={item.key} item={item} queue={queue} />
            ))}
            {listOtherVideos(videos ?? [], items).map(video => (
              <VideoRow
                key={video.id}
                video={video}
                isJoined={isJoined}
                centralUrl={site.value?.centralUrl}
                jobs={jobs.value?.jobs.filter(job => job.video === video.id) ?? []}
                jobCalls={jobCalls}
                captions={makeCaptionsCalls(token, video, list)}
                onEdit={async edit => {
                  await call(`/api/videos/${video.id}`, { method: 'PATCH', body: edit, token });
                  list.refresh();
                }}
                onWithdraw={async () => {
                  await call(`/api/videos/${video.id}`, { method: 'DELETE', token });
                  list.refresh();
                }}
              />
            ))}
          </ul>
        </>
      )}
    </Page>
  );
}

/** The state of the site, its videos and conversions, and the uploads of this tab. */
function useStudioData(token: string | undefined) {
  const isBusy = useRef(false);
  const refreshVideos = useRef<() => void>(() => {});
  const site = usePoll(
    `site ${token ?? ''}`,
    abort => call<SiteInfo>('/api/site', { token, abort }),
    () => chooseInterval(isBusy.current),
  );
  const { items, queue } = useUploads(token, site.value?.chunkBytes, () => refreshVideos.current());
  const isJoined = site.value?.joined ?? false;
  const list = usePoll(
    `videos ${token ?? ''}`,
    abort => call<VideoPage>('/api/videos?limit=200', { token, abort }),
    ({ videos }) => {
      isBusy.current = items.length > 0 || videos.some(video => isInProgress(video, isJoined));
      return chooseInterval(isBusy.current);
    },
  );
  refreshVideos.current = list.refresh;
  const jobs = usePoll(
    `jobs ${token ?? ''}`,
    abort => call<JobPage>('/api/jobs', { token, abort }),
    page =>
      chooseInterval(
        isBusy.current || page.jobs.some(({ state }) => state === 'running' || state === 'waiting'),
      ),
  );
  return { site, list, jobs, items, queue, isJoined };
}

type Refreshable = Pick<PollResult<unknown>, 'refresh'>;

function makeJobCalls(token: string | undefined, jobs: Refreshable, videos: Refreshable): JobCalls {
  const run = async (job: SiteJob, method: 'PATCH' | 'POST', path: string, body?: object): Promise<void> => {
    await call(`/api/jobs/${job.id}${path}`, { method, token, ...(body ? { body } : {}) });
    jobs.refresh();
    videos.refresh();
  };
  return {
    setPriority: (job, priority) => run(job, 'PATCH', '', { priority }),
    cancel: job => run(job, 'POST', '/cancel'),
    retry: job => run(job, 'POST', '/retry'),
  };
}

function makeCaptionsCalls(token: string | undefined, { id }: SiteVideo, videos: Refreshable): CaptionsCalls {
  const url = `/api/videos/${id}/captions`;
  return {
    async add(language, file) {
      await call(`${url}?language=${encodeURIComponent(language)}`, { method: 'POST', body: file, token });
      videos.refresh();
    },
    async remove(captions) {
      await call(`${url}/${captions}`, { method: 'DELETE', token });
      videos.refresh();
    },
  };
}

function useAddFiles(
  maxBytes: number | undefined,
  onProblems: (problems: readonly string[]) => void,
  add: (file: File) => void,
): (files: readonly File[]) => void {
  const { t, format } = useTranslation();
  return files => {
    const problems: string[] = [];
    for (const file of files) {
      const problem = findFileProblem(file, maxBytes);
      if (problem === 'empty') problems.push(t.studio.emptyFile(file.name));
      else if (problem === 'too-large') {
        problems.push(t.studio.tooLarge(file.name, format.size(maxBytes ?? 0)));
      } else add(file);
    }
    onProblems(problems);
  };
}

interface StatusAnnouncementProps {
  readonly videos: readonly SiteVideo[] | undefined;
  readonly isJoined: boolean;
}

/** Announces the new status of a video to screen readers, once for each change. */
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

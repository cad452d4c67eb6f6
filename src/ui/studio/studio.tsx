/** The studio of a site: upload, see every step until the video is registered, edit, withdraw. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SiteJob } from '../../protocol/job.ts';
import type { Visibility } from '../../protocol/publication/record.ts';
import type { SiteInfo, SiteVideo } from '../../protocol/site.ts';
import { ApiError, call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { Announcement, ErrorNotice, Notice } from '../components/notice.tsx';
import { TokenForm, useToken } from '../components/operator-token.tsx';
import { Page } from '../components/page.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';
import type { JobCalls } from './job-list.tsx';
import { describeDoing, isUnfinished } from './publication-steps.ts';
import { DropZone } from './uploads/drop-zone.tsx';
import { createUploadQueue, type UploadItem } from './uploads/upload-queue.ts';
import { UploadRow } from './uploads/upload-row.tsx';
import { VideoRow } from './video-row.tsx';

const BUSY_MS = 700;
const CALM_MS = 5_000;

interface JobList {
  readonly jobs: readonly SiteJob[];
}

interface VideoList {
  readonly videos: readonly SiteVideo[];
}

export function Studio() {
  const { t, language } = useSpeech();
  const { token, setToken } = useToken();
  const [items, setItems] = useState<readonly UploadItem[]>([]);
  const [complaints, setComplaints] = useState<readonly string[]>([]);
  const busy = useRef(false);

  const site = usePoll(
    `site ${token ?? ''}`,
    signal => call<SiteInfo>('/api/site', { token, signal }),
    () => (busy.current ? BUSY_MS : CALM_MS),
  );
  const joined = site.value?.joined ?? false;
  const list = usePoll(
    `videos ${token ?? ''}`,
    signal => call<VideoList>('/api/videos?limit=200', { token, signal }),
    ({ videos }) => {
      busy.current = items.length > 0 || videos.some(video => isUnfinished(video, joined));
      return busy.current ? BUSY_MS : CALM_MS;
    },
  );
  const work = usePoll(
    `jobs ${token ?? ''}`,
    signal => call<JobList>('/api/jobs', { token, signal }),
    ({ jobs }) =>
      busy.current || jobs.some(({ state }) => state === 'running' || state === 'waiting')
        ? BUSY_MS
        : CALM_MS,
  );
  const callJob = async (
    job: SiteJob,
    method: 'PATCH' | 'POST',
    what: string,
    body?: object,
  ): Promise<void> => {
    await call(`/api/jobs/${job.id}${what}`, { method, token, ...(body ? { body } : {}) });
    work.refresh();
    list.refresh();
  };
  const jobCalls: JobCalls = {
    setPriority: (job, priority) => callJob(job, 'PATCH', '', { priority }),
    cancel: job => callJob(job, 'POST', '/cancel'),
    retry: job => callJob(job, 'POST', '/retry'),
  };
  const queue = useUploads(token, setItems, list.refresh);
  useLeaveGuard(items.some(item => item.state === 'sending'));

  const videos = list.value?.videos;
  const links = [
    { href: '/', text: t.studio.title, current: true },
    { href: '/library', text: t.library.title },
    ...(site.value?.centralUrl
      ? [{ href: `${site.value.centralUrl}/?lang=${language}`, text: t.common.catalogue }]
      : []),
  ];
  const [visibility, setVisibility] = useState<Visibility>('public');
  const addFiles = useAddFiles(site.value?.maxUploadBytes, setComplaints, file =>
    queue.add(file, visibility),
  );
  const isRefused = list.error instanceof ApiError && list.error.status === 401;
  const needsToken = site.value?.tokenNeeded === true || isRefused;
  const title = site.value ? t.studio.heading(site.value.name) : t.studio.title;
  return (
    <Page title={title} home="/" links={links}>
      <div class="stack">
        <h1>{title}</h1>
        <StatusLine site={site.value} isSilent={site.error !== undefined} />
        {site.value && !needsToken && <ConversionNotice conversion={site.value.conversion} />}
      </div>
      {needsToken ? (
        <TokenForm refused={token !== undefined} onToken={setToken} />
      ) : (
        <>
          <DropZone
            maxBytes={site.value?.maxUploadBytes}
            visibility={visibility}
            onVisibility={setVisibility}
            onFiles={addFiles}
          />
          {complaints.length > 0 && (
            <Notice kind="error" testId="complaints">
              {complaints.map(complaint => (
                <p key={complaint}>{complaint}</p>
              ))}
            </Notice>
          )}
          {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
          <h2>{t.studio.videosHeading}</h2>
          <StepAnnouncement videos={videos} joined={joined} />
          {videos?.length === 0 && items.length === 0 && <p class="quiet">{t.studio.empty}</p>}
          <ul class="videos" data-testid="videos">
            {items.map(item => (
              <UploadRow key={item.key} item={item} queue={queue} />
            ))}
            {videos
              ?.filter(video => video.state !== 'uploading' || !items.some(item => item.videoId === video.id))
              .map(video => (
                <VideoRow
                  key={video.id}
                  video={video}
                  joined={joined}
                  centralUrl={site.value?.centralUrl}
                  onEdit={async edit => {
                    await call(`/api/videos/${video.id}`, { method: 'PATCH', body: edit, token });
                    list.refresh();
                  }}
                  jobs={work.value?.jobs.filter(job => job.video === video.id) ?? []}
                  jobCalls={jobCalls}
                  captions={{
                    async add(language, file) {
                      await call(
                        `/api/videos/${video.id}/captions?language=${encodeURIComponent(language)}`,
                        { method: 'POST', body: file, token },
                      );
                      list.refresh();
                    },
                    async remove(captions) {
                      await call(`/api/videos/${video.id}/captions/${captions}`, { method: 'DELETE', token });
                      list.refresh();
                    },
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

function useUploads(
  token: string | undefined,
  onChange: (items: readonly UploadItem[]) => void,
  onSent: () => void,
) {
  const latest = useRef({ token, onSent });
  latest.current = { token, onSent };
  return useMemo(
    () =>
      createUploadQueue({
        token: () => latest.current.token,
        onChange,
        onSent: () => latest.current.onSent(),
      }),
    [onChange],
  );
}

function useAddFiles(
  maxBytes: number | undefined,
  complain: (complaints: readonly string[]) => void,
  add: (file: File) => void,
): (files: readonly File[]) => void {
  const { t, format } = useSpeech();
  return files => {
    const complaints: string[] = [];
    for (const file of files) {
      if (file.size === 0) complaints.push(t.studio.emptyFile(file.name));
      else if (maxBytes !== undefined && file.size > maxBytes) {
        complaints.push(t.studio.tooLarge(file.name, format.size(maxBytes)));
      } else add(file);
    }
    complain(complaints);
  };
}

/** The browser asks before a page with uploads under way is left. */
function useLeaveGuard(isSending: boolean): void {
  useEffect(() => {
    if (!isSending) return;
    const guard = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', guard);
    return () => window.removeEventListener('beforeunload', guard);
  }, [isSending]);
}

/** Tells screen readers what each video has come to, once for each change. */
function StepAnnouncement({
  videos,
  joined,
}: {
  readonly videos: readonly SiteVideo[] | undefined;
  readonly joined: boolean;
}) {
  const { t } = useSpeech();
  const before = useRef<ReadonlyMap<string, string> | undefined>(undefined);
  const [text, setText] = useState('');
  useEffect(() => {
    if (!videos) return;
    const doings = new Map<string, string>(videos.map(video => [video.id, describeDoing(video, joined)]));
    const changed = videos.find(
      video => before.current && before.current.get(video.id) !== doings.get(video.id),
    );
    before.current = doings;
    if (changed)
      setText(t.studio.announce(changed.name, t.studio.videoStatus[describeDoing(changed, joined)]));
  }, [videos, joined, t]);
  return <Announcement text={text} />;
}

/** What the operator should know of how strangers' files are read here. Nothing where all is well. */
function ConversionNotice({ conversion }: { readonly conversion: SiteInfo['conversion'] }) {
  const { t } = useSpeech();
  const sentences = t.studio.conversion;
  const warning = !conversion
    ? sentences.missing
    : conversion.isolation === 'none'
      ? sentences.notIsolated
      : conversion.hasLimits
        ? undefined
        : sentences.noLimits;
  return warning ? (
    <Notice kind="hint" testId="conversion">
      <p>{warning}</p>
    </Notice>
  ) : null;
}

function StatusLine({ site, isSilent }: { readonly site: SiteInfo | undefined; readonly isSilent: boolean }) {
  const { t, format } = useSpeech();
  const { siteStatus } = t.studio;
  if (isSilent) {
    return (
      <p class="row quiet" data-testid="status" role="status">
        <span class="state bad">{siteStatus.unreachable}</span>
      </p>
    );
  }
  if (!site) return <p class="quiet">{t.common.loading}</p>;
  return (
    <p
      class="row quiet"
      data-testid="status"
      data-joined={String(site.joined)}
      data-signal={site.signal}
      data-unpublished={site.unpublished}
    >
      <span class={`state ${site.joined ? 'good' : 'warn'}`}>
        {site.joined ? siteStatus.joined : siteStatus.notJoined}
      </span>
      {site.signal === 'sent' && site.unpublished === 0 && <span>{siteStatus.allPublished}</span>}
      {site.signal === 'not-sent' && <span>{siteStatus.signalNotSent}</span>}
      {site.unpublished > 0 && <span>{siteStatus.unpublished(site.unpublished)}</span>}
      <span>{siteStatus.free(format.size(site.freeBytes))}</span>
    </p>
  );
}

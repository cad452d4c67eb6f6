/** The studio of a site: upload, follow every step until the video is registered, edit, withdraw. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SiteJob } from '../../protocol/job.ts';
import type { AudienceOfVideo } from '../../protocol/people/audience.ts';
import type { Action, Target } from '../../protocol/people/decide.ts';
import type { SiteInfo, SiteVideo } from '../../protocol/site.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { useGroupNames } from '../components/audience/use-group-names.ts';
import { Announcement, ErrorNotice, Notice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { Page } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { AudienceChoice, isComplete } from './audience-choice.tsx';
import { isInProgress } from './publication-steps.ts';
import { CloneNotice, ConversionNotice, JoinNotice, SiteStatus } from './site-status.tsx';
import { makeJobCalls, makeVideoCalls } from './studio-calls.ts';
import { DropZone } from './uploads/drop-zone.tsx';
import { findFileProblem } from './uploads/upload-list.ts';
import { UploadRow } from './uploads/upload-row.tsx';
import { useUploads } from './uploads/use-uploads.ts';
import { findChanged, listOtherVideos, mapStatuses, type StatusById } from './video-list.ts';
import { type VideoPermissions, VideoRow } from './video-row.tsx';

const SITE_INTERVAL_MS = 2_000;
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
  const { token } = useMe();
  const site = useSite(token);
  const links = [
    { href: '/', text: t.studio.title, current: true },
    { href: '/library', text: t.library.title },
    ...(site.value?.centralUrl
      ? [{ href: `${site.value.centralUrl}/?lang=${language}`, text: t.common.catalogue }]
      : []),
  ];
  const title = site.value ? t.studio.heading(site.value.name) : t.studio.title;
  const account = site.value?.centralUrl && `${site.value.centralUrl}/account`;
  return (
    <Page title={title} home="/" links={links} account={account}>
      <div class="stack">
        <h1>{title}</h1>
        <SiteStatus site={site.value} isUnreachable={site.error !== undefined} />
        {site.value && <JoinNotice joinProblem={site.value.joinProblem} />}
      </div>
      <RequirePermission anyOf={['upload', 'edit', 'publish']}>
        {site.value && <Videos site={site.value} />}
      </RequirePermission>
    </Page>
  );
}

/** The uploads and videos of a person who may use the studio. */
function Videos({ site }: { readonly site: SiteInfo }) {
  const { t } = useTranslation();
  const { token } = useMe();
  const [fileProblems, setFileProblems] = useState<readonly string[]>([]);
  const [audience, setAudience] = useState<AudienceOfVideo>({ audience: 'public', groups: [] });
  const { list, jobs, items, queue } = useStudioData(token, site);
  useForgetRefused(list.error);
  const { mayUpload, mayPublish, permissionsFor } = useStudioPermissions(site);
  const groups = useGroupNames(true);
  const addFiles = useAddFiles(site.maxUploadBytes, setFileProblems, file => queue.add(file, audience));
  const jobCalls = makeJobCalls(token, jobs, list);
  const videos = list.value?.videos;
  const others = listOtherVideos(videos ?? [], items);
  const queued = others.filter(
    video => video.approval === 'awaiting' && video.revision && permissionsFor(video).publish,
  );
  const rows = (of: readonly SiteVideo[]) =>
    of.map(video => (
      <VideoRow
        key={video.id}
        video={video}
        isJoined={site.joined}
        centralUrl={site.centralUrl}
        jobs={jobs.value?.jobs.filter(job => job.video === video.id) ?? []}
        jobCalls={jobCalls}
        calls={makeVideoCalls(token, video, list)}
        may={permissionsFor(video)}
        groups={groups}
      />
    ));
  return (
    <>
      <div class="stack">
        <CloneNotice stoppedBecause={site.stoppedBecause} />
        <ConversionNotice conversion={site.conversion} />
      </div>
      {mayUpload ? (
        <DropZone
          maxBytes={site.maxUploadBytes}
          onFiles={files =>
            isComplete(audience) ? addFiles(files) : setFileProblems([t.audience.chooseGroup])
          }
        >
          <details class="audience-of-upload">
            <summary>
              {t.audience.label}: {t.audience.names[audience.audience]}
            </summary>
            <AudienceChoice value={audience} groups={groups} onChoose={setAudience} isOffered={() => true} />
          </details>
          {!mayPublish && <p data-testid="needs-approval">{t.approval.uploadHint}</p>}
        </DropZone>
      ) : (
        <p class="quiet">{t.approval.notUploader}</p>
      )}
      {fileProblems.length > 0 && (
        <Notice kind="error" testId="file-problems">
          {fileProblems.map(problem => (
            <p key={problem}>{problem}</p>
          ))}
        </Notice>
      )}
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      {queued.length > 0 && (
        <section class="stack" aria-labelledby="queue-heading" data-testid="approval-queue">
          <h2 id="queue-heading">
            {t.approval.heading} ({queued.length})
          </h2>
          <p class="quiet">{t.approval.headingHint}</p>
          <ul class="videos">{rows(queued)}</ul>
        </section>
      )}
      <h2>{t.studio.videosHeading}</h2>
      <StatusAnnouncement videos={videos} isJoined={site.joined} />
      {videos?.length === 0 && items.length === 0 && (
        <p class="quiet">{mayPublish ? t.studio.empty : t.approval.emptyOwn}</p>
      )}
      <ul class="videos" data-testid="videos">
        {items.map(item => (
          <UploadRow key={item.key} item={item} queue={queue} />
        ))}
        {rows(others.filter(video => !queued.includes(video)))}
      </ul>
    </>
  );
}

/** What the person may do here. With a token about which the site has not responded yet, the site decides. */
function useStudioPermissions({ id: site }: SiteInfo) {
  const { me, token, isAllowed, isAllowedSomewhere } = useMe();
  const isUnknown = me === undefined && token !== undefined;
  const may = (action: Action, target: Target): boolean => isUnknown || isAllowed(action, target);
  return {
    mayUpload: isUnknown || isAllowedSomewhere('upload'),
    mayPublish: isUnknown || isAllowedSomewhere('publish'),
    permissionsFor({ owner, series }: SiteVideo): VideoPermissions {
      const target = { site, series: series?.id, owner: owner?.id };
      return {
        edit: may('edit', target),
        withdraw: may('withdraw', target),
        publish: may('publish', target),
        prioritise: may('manage-site', { site }),
        person: me?.person?.id,
      };
    },
  };
}

/** The state of the site. */
const useSite = (token: string | undefined) =>
  usePoll(
    `site ${token ?? ''}`,
    abort => call<SiteInfo>('/api/site', { token, abort }),
    () => SITE_INTERVAL_MS,
  );

/** The videos and conversions of the site, and the uploads of this tab. */
function useStudioData(token: string | undefined, site: SiteInfo) {
  const isBusy = useRef(false);
  const refreshVideos = useRef<() => void>(() => {});
  const { items, queue } = useUploads(token, site.chunkBytes, () => refreshVideos.current());
  const list = usePoll(
    `videos ${token ?? ''}`,
    abort => call<VideoPage>('/api/videos?limit=200', { token, abort }),
    ({ videos }) => {
      isBusy.current = items.length > 0 || videos.some(video => isInProgress(video, site.joined));
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
  return { list, jobs, items, queue };
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

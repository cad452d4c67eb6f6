/** The page of one video in the studio: its state, its player, what can be done with it, and its details. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SiteJob } from '../../../protocol/job.ts';
import { MULTIVARIANT_PLAYLIST, tokenPath } from '../../../protocol/media/media-address.ts';
import type { SiteInfo, SiteVideo } from '../../../protocol/site.ts';
import { call } from '../../api/call.ts';
import { navigate, QueryLink } from '../../browser/use-address.tsx';
import type { GroupNames } from '../../components/audience/use-group-names.ts';
import { ErrorNotice, ErrorText, ProblemText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { Player } from '../../player/player.tsx';
import type { PlayerControls } from '../../player/player-props.ts';
import { ApprovalActions } from '../approval-actions.tsx';
import { CaptionsPanel } from '../captions/captions-panel.tsx';
import { type JobCalls, JobList } from '../jobs/job-list.tsx';
import { chooseVideoStatus } from '../steps/publication-steps.ts';
import { StepProgress, Stepper } from '../steps/stepper.tsx';
import { TransferDialog } from '../transfer-dialog.tsx';
import { TrimDialog } from '../trim/trim-dialog.tsx';
import type { SeriesChoices } from '../use-series.ts';
import { isWatchable, type VideoCalls, type VideoPermissions } from '../video-actions.ts';
import { WithdrawDialog } from '../withdraw-dialog.tsx';
import { DetailsForm } from './details-form.tsx';
import { useFields } from './operator-fields.tsx';
import { useKnownValues } from './tags-input.tsx';

interface VideoPageProps {
  readonly id: string;
  readonly site: SiteInfo;
  readonly token: string | undefined;
  /** The video as the list has it, which follows its changes; undefined if it is on another page of the list. */
  readonly listed: SiteVideo | undefined;
  /** Changes with every change of the site. */
  readonly changeCount: number;
  readonly jobs: readonly SiteJob[];
  readonly jobCalls: JobCalls;
  readonly callsOf: (video: SiteVideo) => VideoCalls;
  readonly permissionsOf: (video: SiteVideo) => VideoPermissions;
  readonly groups: GroupNames;
  readonly series: SeriesChoices;
  /** The query of the list that the person came from. */
  readonly back: string;
}

export function VideoPage(props: VideoPageProps) {
  const { id, token, listed, changeCount, back } = props;
  const { t } = useTranslation();
  const [loaded, setLoaded] = useState<SiteVideo>();
  const [error, setError] = useState<unknown>();
  const load = async (): Promise<SiteVideo> => {
    const video = await call<SiteVideo>(`/api/videos/${id}`, { token });
    setLoaded(video);
    setError(undefined);
    return video;
  };
  useEffect(() => {
    if (!listed) void load().catch(setError);
  }, [id, token, listed === undefined, changeCount]);
  const latest = [listed, loaded?.id === id ? loaded : undefined].filter(each => each !== undefined);
  const video = latest.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1)).at(0);
  return (
    <div class="stack">
      <p>
        <QueryLink search={back} testId="back-to-list">
          ← {t.details.back}
        </QueryLink>
      </p>
      {error !== undefined && !video && (
        <ErrorNotice error={error} retry={() => void load().catch(setError)} />
      )}
      {!video && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {video && <VideoDetails key={id} {...props} video={video} reload={load} onLoaded={setLoaded} />}
    </div>
  );
}

interface VideoDetailsProps extends VideoPageProps {
  readonly video: SiteVideo;
  readonly reload: () => Promise<SiteVideo>;
  readonly onLoaded: (video: SiteVideo) => void;
}

interface VideoHeaderProps extends VideoDetailsProps {
  readonly may: VideoPermissions;
  readonly calls: ReturnType<VideoPageProps['callsOf']>;
  readonly error: unknown;
}

/** The name and state of the video, and its conversions. The heading gets the focus when the page opens. */
function VideoHeader({ video, site, jobs, jobCalls, may, calls, error }: VideoHeaderProps) {
  const { t } = useTranslation();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const status = t.studio.videoStatus[chooseVideoStatus(video, site.joined)];
  return (
    <header class="stack">
      <h2 dir="auto" ref={heading} tabIndex={-1} lang={video.language}>
        {video.name}
      </h2>
      {video.error ? (
        <p class="bad" role="alert">
          <ProblemText code={video.error.code} detail={video.error.detail} />
        </p>
      ) : (
        <p class={video.registered && video.state === 'ready' ? 'state good' : 'quiet'}>{status}</p>
      )}
      {video.state !== 'withdrawn' && <Stepper video={video} />}
      <StepProgress video={video} label={t.studio.announce(video.name, status)} />
      <ApprovalActions video={video} calls={calls} mayPublish={may.publish} mayEdit={may.edit} />
      {may.edit && <JobList jobs={jobs} calls={jobCalls} mayPrioritise={may.prioritise} />}
      <ErrorText error={error} />
    </header>
  );
}

function VideoDetails(props: VideoDetailsProps) {
  const { video, token, groups, series, reload, onLoaded, back } = props;
  const [open, setOpen] = useState<'nothing' | 'captions' | 'trim' | 'transfer' | 'withdraw'>('nothing');
  const [error, setError] = useState<unknown>();
  const controls = useRef<PlayerControls | undefined>(undefined);
  const may = props.permissionsOf(video);
  const calls = props.callsOf(video);
  const fields = useFields(token);
  const known = useKnownValues(token);
  const base =
    video.revision && isWatchable(video)
      ? `${video.token ? tokenPath(video.token) : ''}/v/${video.id}/${video.revision}/`
      : undefined;
  const close = (): void => setOpen('nothing');
  const withdraw = async (): Promise<void> => {
    close();
    try {
      await calls.withdraw();
      if (video.state === 'uploading') navigate(back);
      else await reload();
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <article
      class="video-page"
      data-testid="video-page"
      data-video={video.id}
      data-state={video.state}
      data-registered={String(video.registered)}
    >
      <VideoHeader {...props} may={may} calls={calls} error={error} />
      <aside class="stack">
        {base && (
          <Player
            url={base + MULTIVARIANT_PLAYLIST}
            revisionUrl={base}
            pictures={{ poster: video.hasPoster, storyboard: video.hasStoryboard }}
            name={video.name}
            autoplay={false}
            controls={controls}
          />
        )}
        <PageActions {...props} may={may} open={open} onOpen={setOpen} />
        <Facts video={video} person={may.person} />
      </aside>
      {open === 'captions' && base && (
        <div class="video-editor">
          <CaptionsPanel
            video={{
              ...video,
              durationMs: video.durationMs,
              revisionUrl: base,
              pictures: { poster: video.hasPoster, storyboard: video.hasStoryboard },
            }}
            calls={calls.captions}
            onClose={close}
          />
        </div>
      )}
      {may.edit && video.state !== 'withdrawn' && (
        <DetailsForm
          {...{ video, fields, series, groups, known }}
          mayPublish={may.publish}
          readPosition={base ? () => controls.current?.currentMs() ?? 0 : undefined}
          calls={{
            async save(edit, edition) {
              const saved = await call<SiteVideo>(`/api/videos/${video.id}`, {
                ...{ method: 'PATCH', body: edit, token, headers: { 'if-match': `"${edition}"` } },
              });
              onLoaded(saved);
              return saved;
            },
            reload,
          }}
        />
      )}
      {open === 'trim' && base && (
        <TrimDialog
          video={video}
          revisionUrl={base}
          pictures={{ poster: video.hasPoster, storyboard: video.hasStoryboard }}
          calls={calls}
          onClose={close}
        />
      )}
      {open === 'transfer' && <TransferDialog video={video} calls={calls} onClose={close} />}
      {open === 'withdraw' && (
        <WithdrawDialog video={video} onConfirm={() => void withdraw()} onClose={close} />
      )}
    </article>
  );
}

interface PageActionsProps extends VideoDetailsProps {
  readonly may: VideoPermissions;
  readonly open: string;
  readonly onOpen: (open: 'nothing' | 'captions' | 'trim' | 'transfer' | 'withdraw') => void;
}

/** The places of the buttons that open the editors of captions and of the beginning and end. */
function PageActions({ video, site, may, open, onOpen }: PageActionsProps) {
  const { t, language } = useTranslation();
  return (
    <div class="actions">
      {video.registered && isWatchable(video) && site.centralUrl && video.audience !== 'private' && (
        <a class="button primary small" href={`${site.centralUrl}/watch/${video.id}?lang=${language}`}>
          {t.studio.watch}
        </a>
      )}
      {may.edit && video.state === 'ready' && (
        <button
          type="button"
          class="small"
          onClick={() => onOpen(open === 'captions' ? 'nothing' : 'captions')}
          aria-expanded={open === 'captions'}
          data-testid="open-captions"
        >
          {t.studio.captions.heading}
        </button>
      )}
      {may.edit && video.state === 'ready' && video.revision && (
        <button type="button" class="small" onClick={() => onOpen('trim')} data-testid="trim">
          {t.trim.open}
        </button>
      )}
      {may.edit && may.withdraw && video.state !== 'withdrawn' && (
        <button type="button" class="small" onClick={() => onOpen('transfer')} data-testid="transfer">
          {t.transfer.open}
        </button>
      )}
      {may.withdraw && video.state !== 'withdrawn' && (
        <button type="button" class="plain small" onClick={() => onOpen('withdraw')} data-testid="withdraw">
          {video.state === 'uploading' || video.state === 'failed' ? t.studio.discard : t.studio.withdraw}
        </button>
      )}
    </div>
  );
}

function Facts({ video, person }: { readonly video: SiteVideo; readonly person: string | undefined }) {
  const { t, format } = useTranslation();
  const rows: readonly (readonly [string, string | undefined])[] = [
    [t.details.file, video.fileName],
    [t.watch.facts.size, format.size(video.sizeBytes)],
    [t.watch.facts.resolution, video.width && video.height ? `${video.width} × ${video.height}` : undefined],
    [t.watch.facts.bitrate, video.bitrateBps ? format.bitrate(video.bitrateBps) : undefined],
    [t.watch.facts.codecs, video.codecs.join(', ') || undefined],
    [t.studioList.owner, video.owner && (video.owner.id === person ? t.approval.ownVideo : video.owner.name)],
    [t.details.uploaded, format.dateTime(video.createdAt)],
  ];
  return (
    <dl class="video-facts">
      {rows.map(
        ([label, value]) =>
          value && (
            <div key={label}>
              <dt>{label}</dt>
              <dd dir="auto">{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

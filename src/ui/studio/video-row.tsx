/** One video of the site, with its steps, its conversions and its actions. */
import { useState } from 'preact/hooks';
import type { SiteJob } from '../../protocol/job.ts';
import { tokenPath } from '../../protocol/media/media-address.ts';
import type { SiteVideo } from '../../protocol/site.ts';
import type { GroupNames } from '../components/audience/use-group-names.ts';
import { Confirm } from '../components/dialog.tsx';
import { ErrorText, ProblemText } from '../components/notice.tsx';
import { formatClock } from '../i18n/format.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { LocalPlayer } from '../player/local-player.tsx';
import { ApprovalActions, type ApprovalCalls } from './approval-actions.tsx';
import type { CaptionsCalls } from './captions/captions-calls.ts';
import { CaptionsPanel } from './captions/captions-panel.tsx';
import { EditForm, type VideoEdit } from './edit-form.tsx';
import { type JobCalls, JobList } from './job-list.tsx';
import { chooseVideoStatus } from './publication-steps.ts';
import { StepProgress, Stepper } from './stepper.tsx';
import { type TransferCalls, TransferDialog } from './transfer-dialog.tsx';
import { type TrimCalls, TrimDialog } from './trim/trim-dialog.tsx';

interface VideoRowProps {
  readonly video: SiteVideo;
  readonly isJoined: boolean;
  readonly centralUrl: string | undefined;
  readonly calls: VideoCalls;
  readonly may: VideoPermissions;
  readonly groups: GroupNames;
  readonly jobs: readonly SiteJob[];
  readonly jobCalls: JobCalls;
}

export interface VideoCalls extends ApprovalCalls, TransferCalls, TrimCalls {
  readonly edit: (edit: VideoEdit) => Promise<void>;
  readonly withdraw: () => Promise<void>;
  readonly captions: CaptionsCalls;
}

/** What the person may do with this video. */
export interface VideoPermissions {
  readonly edit: boolean;
  readonly withdraw: boolean;
  readonly publish: boolean;
  readonly prioritise: boolean;
  /** The id of the person. */
  readonly person: string | undefined;
}

type Open = 'nothing' | 'edit' | 'captions' | 'trim' | 'withdraw' | 'play' | 'transfer';

/** The converted part of a video can be watched while the rest is being converted. */
const isWatchable = ({ state }: SiteVideo): boolean => state === 'ready' || state === 'preparing';
/** A video that was never published is discarded, not withdrawn. */
const isUnpublished = ({ state }: SiteVideo): boolean => state === 'uploading' || state === 'failed';

export function VideoRow(props: VideoRowProps) {
  const { video, isJoined, centralUrl, calls, may, groups, jobs, jobCalls } = props;
  const { t } = useTranslation();
  const [open, setOpen] = useState<Open>('nothing');
  const [error, setError] = useState<unknown>();
  const close = (): void => setOpen('nothing');
  const status = t.studio.videoStatus[chooseVideoStatus(video, isJoined)];

  const withdraw = async (): Promise<void> => {
    close();
    try {
      await calls.withdraw();
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <li
      class="panel"
      data-testid="video"
      data-video={video.id}
      data-state={video.state}
      data-registered={String(video.registered)}
    >
      <div class="video-top">
        {open === 'edit' ? (
          <EditForm
            video={video}
            groups={groups}
            mayPublish={may.publish}
            onSave={calls.edit}
            onClose={close}
          />
        ) : (
          <div>
            <h3 dir="auto">{video.name}</h3>
            {video.audience !== 'public' && (
              <p class="state warn" data-testid="audience-of-video" data-audience={video.audience}>
                {t.audience.names[video.audience]}
              </p>
            )}
            {video.description && (
              <p class="description" dir="auto">
                {video.description}
              </p>
            )}
            <VideoFacts video={video} person={may.person} />
          </div>
        )}
        {open !== 'edit' && (
          <VideoActions video={video} may={may} centralUrl={centralUrl} open={open} onOpen={setOpen} />
        )}
      </div>
      {video.state !== 'withdrawn' && <Stepper video={video} />}
      <StepProgress video={video} label={t.studio.announce(video.name, status)} />
      {video.error ? (
        <p class="bad" role="alert">
          <ProblemText code={video.error.code} detail={video.error.detail} />
        </p>
      ) : (
        <p class={video.registered && video.state === 'ready' ? 'state good' : 'quiet'}>{status}</p>
      )}
      {video.state === 'preparing' && video.revision && <p class="quiet">{t.studio.jobs.partly}</p>}
      <ApprovalActions video={video} calls={calls} mayPublish={may.publish} mayEdit={may.edit} />
      {may.edit && <JobList jobs={jobs} calls={jobCalls} mayPrioritise={may.prioritise} />}
      <ErrorText error={error} />
      {open === 'captions' && video.revision && (
        <CaptionsPanel
          video={{ ...video, ...played(video, video.revision) }}
          calls={calls.captions}
          onClose={close}
        />
      )}
      {open === 'trim' && video.revision && (
        <TrimDialog video={video} {...played(video, video.revision)} calls={calls} onClose={close} />
      )}
      {open === 'transfer' && <TransferDialog video={video} calls={calls} onClose={close} />}
      {open === 'withdraw' && (
        <WithdrawDialog video={video} onConfirm={() => void withdraw()} onClose={close} />
      )}
      {open === 'play' && video.revision && isWatchable(video) && (
        <LocalPlayer {...played(video, video.revision)} name={video.name} onClose={close} />
      )}
    </li>
  );
}

/** What a player at this site needs. */
const played = ({ id, token, durationMs, hasPoster, hasStoryboard }: SiteVideo, revision: string) => ({
  durationMs,
  revisionUrl: `${token ? tokenPath(token) : ''}/v/${id}/${revision}/`,
  pictures: { poster: hasPoster, storyboard: hasStoryboard },
});

interface WithdrawDialogProps {
  readonly video: SiteVideo;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

function WithdrawDialog({ video, onConfirm, onClose }: WithdrawDialogProps) {
  const { studio } = useTranslation().t;
  const discardText = video.state === 'uploading' ? studio.discardText : studio.discardFailedText;
  return (
    <Confirm
      title={isUnpublished(video) ? studio.discardTitle(video.name) : studio.withdrawTitle(video.name)}
      text={isUnpublished(video) ? discardText : studio.withdrawText}
      yes={isUnpublished(video) ? studio.discard : studio.withdraw}
      no={studio.keep}
      onYes={onConfirm}
      onNo={onClose}
    />
  );
}

interface VideoActionsProps {
  readonly video: SiteVideo;
  readonly may: VideoPermissions;
  readonly centralUrl: string | undefined;
  readonly open: Open;
  readonly onOpen: (open: Open) => void;
}

function VideoActions({ video, may, centralUrl, open, onOpen }: VideoActionsProps) {
  const { t, language } = useTranslation();
  return (
    <div class="actions">
      {video.registered && isWatchable(video) && centralUrl && video.audience !== 'private' && (
        <a class="button primary small" href={`${centralUrl}/watch/${video.id}?lang=${language}`}>
          {t.studio.watch}
        </a>
      )}
      {video.revision && isWatchable(video) && (
        <button type="button" class="small" onClick={() => onOpen('play')} data-testid="play-here">
          {t.studio.playHere}
        </button>
      )}
      {may.edit && video.state === 'ready' && (
        <button type="button" class="small" onClick={() => onOpen('edit')} data-testid="edit">
          {t.studio.edit}
        </button>
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
          {isUnpublished(video) ? t.studio.discard : t.studio.withdraw}
        </button>
      )}
    </div>
  );
}

interface VideoFactsProps {
  readonly video: SiteVideo;
  readonly person: string | undefined;
}

function VideoFacts({ video, person }: VideoFactsProps) {
  const { t, format } = useTranslation();
  return (
    <p class="row quiet">
      <span>{format.size(video.sizeBytes)}</span>
      {video.durationMs && <span>{formatClock(video.durationMs)}</span>}
      {video.width && video.height && (
        <span>
          {video.width} × {video.height}
        </span>
      )}
      {video.bitrateBps && <span>{format.bitrate(video.bitrateBps)}</span>}
      {video.codecs.length > 0 && <span>{video.codecs.join(', ')}</span>}
      <time dateTime={video.createdAt}>{format.dateTime(video.createdAt)}</time>
      {video.owner && (
        <span data-testid="owner" dir="auto">
          {video.owner.id === person ? t.approval.ownVideo : t.approval.owner(video.owner.name)}
        </span>
      )}
      {video.series && <span>{t.approval.series(video.series.id)}</span>}
    </p>
  );
}

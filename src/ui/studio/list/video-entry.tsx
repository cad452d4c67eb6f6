/** A video in the list of the studio: its image, its state, its conversions, and what a person does most often. */
import { useState } from 'preact/hooks';
import type { SiteJob } from '../../../protocol/job.ts';
import { POSTER, tokenPath } from '../../../protocol/media/media-address.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { QueryLink } from '../../browser/use-address.tsx';
import { ErrorText, ProblemText } from '../../components/notice.tsx';
import { VideoImage } from '../../components/video-card/video-image.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { LocalPlayer } from '../../player/local-player.tsx';
import { ApprovalActions } from '../approval-actions.tsx';
import { type JobCalls, JobList } from '../jobs/job-list.tsx';
import { chooseVideoStatus, isInProgress } from '../steps/publication-steps.ts';
import { StepProgress, Stepper } from '../steps/stepper.tsx';
import { isWatchable, type VideoCalls, type VideoPermissions } from '../video-actions.ts';
import { WithdrawDialog } from '../withdraw-dialog.tsx';

export interface VideoEntryProps {
  readonly video: SiteVideo;
  readonly isJoined: boolean;
  readonly centralUrl: string | undefined;
  readonly calls: VideoCalls;
  readonly may: VideoPermissions;
  readonly jobs: readonly SiteJob[];
  readonly jobCalls: JobCalls;
  /** The title of its series, if it is known. */
  readonly series: string | undefined;
  /** True if the video was uploaded while the page was open: all its steps are shown. */
  readonly isNew: boolean;
  /** Absent: nothing can be selected. */
  readonly selection?: {
    readonly isSelected: boolean;
    readonly onSelect: (isRange: boolean) => void;
  };
}

export function VideoEntry(props: VideoEntryProps) {
  const { video, isJoined, calls, may, jobs, jobCalls, selection, isNew } = props;
  const { t } = useTranslation();
  const [open, setOpen] = useState<'nothing' | 'withdraw' | 'play'>('nothing');
  const [error, setError] = useState<unknown>();
  const status = t.studio.videoStatus[chooseVideoStatus(video, isJoined)];
  const base =
    video.revision && `${video.token ? tokenPath(video.token) : ''}/v/${video.id}/${video.revision}/`;
  const areStepsShown = video.state !== 'withdrawn' && (isNew || isInProgress(video, isJoined));
  const withdraw = (): void => {
    setOpen('nothing');
    calls.withdraw().then(() => setError(undefined), setError);
  };
  return (
    <li
      class={`entry ${selection?.isSelected ? 'selected' : ''}`}
      data-testid="video"
      data-video={video.id}
      data-state={video.state}
      data-registered={String(video.registered)}
    >
      {selection && (
        <label class="entry-select">
          <input
            type="checkbox"
            checked={selection.isSelected}
            data-testid="select"
            onClick={event => selection.onSelect(event.shiftKey)}
            onKeyDown={event => {
              if (event.key !== ' ' || !event.shiftKey) return;
              event.preventDefault();
              selection.onSelect(true);
            }}
          />
          <span class="visually-hidden">{t.studioList.select(video.name)}</span>
        </label>
      )}
      <figure class="video-image entry-image">
        <VideoImage
          video={{
            id: video.id,
            durationMs: video.durationMs,
            hasCaptions: video.captions.length > 0,
            poster: video.hasPoster && base ? base + POSTER : undefined,
          }}
        />
      </figure>
      <div class="entry-text">
        <div class="entry-top">
          <h3 dir="auto" lang={video.language}>
            <QueryLink search={`?video=${video.id}`}>{video.name}</QueryLink>
          </h3>
          <EntryActions {...props} onOpen={setOpen} />
        </div>
        <EntryFacts {...props} />
        {areStepsShown && <Stepper video={video} />}
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
      </div>
      {open === 'withdraw' && (
        <WithdrawDialog video={video} onConfirm={withdraw} onClose={() => setOpen('nothing')} />
      )}
      {open === 'play' && base && (
        <LocalPlayer
          name={video.name}
          revisionUrl={base}
          pictures={{ poster: video.hasPoster, storyboard: video.hasStoryboard }}
          onClose={() => setOpen('nothing')}
        />
      )}
    </li>
  );
}

function EntryActions({
  video,
  may,
  centralUrl,
  onOpen,
}: VideoEntryProps & { readonly onOpen: (open: 'withdraw' | 'play') => void }) {
  const { t, language } = useTranslation();
  const isUnpublished = video.state === 'uploading' || video.state === 'failed';
  return (
    <div class="actions">
      {video.registered && isWatchable(video) && centralUrl && video.audience !== 'private' && (
        <a class="button small" href={`${centralUrl}/watch/${video.id}?lang=${language}`}>
          {t.studio.watch}
        </a>
      )}
      {video.revision && isWatchable(video) && (
        <button type="button" class="small" onClick={() => onOpen('play')} data-testid="play-here">
          {t.studio.playHere}
        </button>
      )}
      {may.edit && video.state !== 'withdrawn' && (
        <QueryLink search={`?video=${video.id}`} testId="edit" class="button small">
          {t.studio.edit}
        </QueryLink>
      )}
      {may.withdraw && video.state !== 'withdrawn' && (
        <button type="button" class="plain small" onClick={() => onOpen('withdraw')} data-testid="withdraw">
          {isUnpublished ? t.studio.discard : t.studio.withdraw}
        </button>
      )}
    </div>
  );
}

function EntryFacts({ video, may: { person }, series }: VideoEntryProps) {
  const { t, format } = useTranslation();
  return (
    <p class="row quiet entry-facts">
      {video.audience !== 'public' && (
        <span class="state warn" data-testid="audience-of-video" data-audience={video.audience}>
          {t.audience.names[video.audience]}
        </span>
      )}
      <time dateTime={video.createdAt}>{format.date(video.createdAt)}</time>
      <span>{format.size(video.sizeBytes)}</span>
      {video.width && video.height && (
        <span>
          {video.width} × {video.height}
        </span>
      )}
      {video.owner && (
        <span data-testid="owner" dir="auto">
          {video.owner.id === person ? t.approval.ownVideo : t.approval.owner(video.owner.name)}
        </span>
      )}
      {video.series && <span dir="auto">{t.approval.series(series ?? video.series.id)}</span>}
      {video.tags?.slice(0, 3).map(tag => (
        <span key={tag} class="chip" dir="auto">
          {tag}
        </span>
      ))}
    </p>
  );
}

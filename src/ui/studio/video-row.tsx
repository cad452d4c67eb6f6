/** One video of this site, with its steps and what can be done with it. */
import { useState } from 'preact/hooks';
import type { SiteJob } from '../../protocol/job.ts';
import { tokenPath } from '../../protocol/media/media-address.ts';
import type { SiteVideo } from '../../protocol/site.ts';
import { Confirm } from '../components/dialog.tsx';
import { Refusal, ServerSentence } from '../components/notice.tsx';
import { formatClock } from '../i18n/format.ts';
import { useSpeech } from '../i18n/use-translation.tsx';
import { LocalPlayer } from '../player/local-player.tsx';
import { type CaptionsCalls, CaptionsPanel } from './captions-panel.tsx';
import { EditForm, type VideoEdit } from './edit-form.tsx';
import { type JobCalls, JobList } from './job-list.tsx';
import { describeDoing } from './publication-steps.ts';
import { StepProgress, Stepper } from './stepper.tsx';

interface VideoRowProps {
  readonly video: SiteVideo;
  readonly joined: boolean;
  readonly centralUrl: string | undefined;
  readonly onEdit: (edit: VideoEdit) => Promise<void>;
  readonly onWithdraw: () => Promise<void>;
  readonly captions: CaptionsCalls;
  readonly jobs: readonly SiteJob[];
  readonly jobCalls: JobCalls;
}

type Open = 'nothing' | 'edit' | 'captions' | 'withdraw' | 'play';

export function VideoRow(props: VideoRowProps) {
  const { video, joined, centralUrl, onEdit, onWithdraw, captions, jobs, jobCalls } = props;
  const { t, language } = useSpeech();
  const [open, setOpen] = useState<Open>('nothing');
  const [error, setError] = useState<unknown>();
  const close = (): void => setOpen('nothing');
  const isUnpublished = video.state === 'uploading' || video.state === 'failed';
  // What is being converted can be watched from its beginning on.
  const isWatchable = video.state === 'ready' || video.state === 'preparing';
  const step = describeDoing(video, joined);
  const isPrivate = video.visibility === 'private';
  const doing =
    isPrivate && step === 'registered' ? t.studio.videoStatus.registeredPrivate : t.studio.videoStatus[step];

  const withdraw = async (): Promise<void> => {
    close();
    try {
      await onWithdraw();
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
          <EditForm video={video} onSave={onEdit} onClose={close} />
        ) : (
          <div>
            <h3 dir="auto">{video.name}</h3>
            {isPrivate && (
              <p class="state warn" data-testid="private">
                {t.studio.isPrivate}
              </p>
            )}
            {video.description && (
              <p class="description" dir="auto">
                {video.description}
              </p>
            )}
            <VideoFacts video={video} />
          </div>
        )}
        {open !== 'edit' && (
          <div class="actions">
            {video.registered && isWatchable && centralUrl && (
              <a class="button primary small" href={`${centralUrl}/watch/${video.id}?lang=${language}`}>
                {t.studio.watch}
              </a>
            )}
            {video.revision && isWatchable && (
              <button type="button" class="small" onClick={() => setOpen('play')} data-testid="play-here">
                {t.studio.playHere}
              </button>
            )}
            {video.state === 'ready' && (
              <button type="button" class="small" onClick={() => setOpen('edit')} data-testid="edit">
                {t.studio.edit}
              </button>
            )}
            {video.state === 'ready' && (
              <button
                type="button"
                class="small"
                onClick={() => setOpen(open === 'captions' ? 'nothing' : 'captions')}
                aria-expanded={open === 'captions'}
                data-testid="open-captions"
              >
                {t.studio.captions.heading}
              </button>
            )}
            {video.state !== 'withdrawn' && (
              <button
                type="button"
                class="plain small"
                onClick={() => setOpen('withdraw')}
                data-testid="withdraw"
              >
                {isUnpublished ? t.studio.discard : t.studio.withdraw}
              </button>
            )}
          </div>
        )}
      </div>
      {video.state !== 'withdrawn' && <Stepper video={video} />}
      <StepProgress video={video} label={t.studio.announce(video.name, doing)} />
      {video.error ? (
        <p class="bad" role="alert">
          <ServerSentence code={video.error.code} text={video.error.detail} />
        </p>
      ) : (
        <p class={video.registered && video.state === 'ready' ? 'state good' : 'quiet'}>{doing}</p>
      )}
      {video.state === 'preparing' && video.revision && <p class="quiet">{t.studio.jobs.partly}</p>}
      <JobList jobs={jobs} calls={jobCalls} />
      <Refusal error={error} />
      {open === 'captions' && <CaptionsPanel video={video} calls={captions} onClose={close} />}
      {open === 'withdraw' && (
        <Confirm
          title={isUnpublished ? t.studio.discardTitle(video.name) : t.studio.withdrawTitle(video.name)}
          text={
            video.state === 'uploading'
              ? t.studio.discardText
              : isUnpublished
                ? t.studio.discardFailedText
                : t.studio.withdrawText
          }
          yes={isUnpublished ? t.studio.discard : t.studio.withdraw}
          no={t.studio.keep}
          onYes={() => void withdraw()}
          onNo={close}
        />
      )}
      {open === 'play' && video.revision && (
        <LocalPlayer
          name={video.name}
          revisionUrl={`${video.token ? tokenPath(video.token) : ''}/v/${video.id}/${video.revision}/`}
          pictures={{ poster: video.hasPoster, storyboard: video.hasStoryboard }}
          onClose={close}
        />
      )}
    </li>
  );
}

function VideoFacts({ video }: { readonly video: SiteVideo }) {
  const { format } = useSpeech();
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
    </p>
  );
}

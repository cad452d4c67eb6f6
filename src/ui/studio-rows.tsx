/** One row of the studio: an upload of this tab, or a video of the site, with its steps. */
import { useState } from 'preact/hooks';
import type { SiteVideo } from '../protocol/site.ts';
import { formatBitrate, formatDuration, formatSize, formatTime } from './format.ts';
import { type TextKey, t } from './i18n.ts';
import type { Transfer, Uploads } from './uploads.ts';

const STEPS: readonly TextKey[] = [
  'stepUploading',
  'stepChecking',
  'stepReady',
  'stepSignal',
  'stepPublished',
  'stepRegistered',
];

/** How many steps are behind a video. */
export function stepsDone(
  video: Pick<SiteVideo, 'state' | 'signalSent' | 'published' | 'registered'>,
): number {
  if (video.state === 'uploading') return 0;
  if (video.state === 'checking' || video.state === 'preparing') return 1;
  if (video.state !== 'ready') return 0;
  if (video.registered) return 6;
  if (video.published) return 5;
  return video.signalSent ? 4 : 3;
}

const Steps = ({ done }: { readonly done: number }) => (
  <ol class="steps">
    {STEPS.map((step, index) => (
      <li
        key={step}
        class={index < done ? 'done' : index === done ? 'current' : ''}
        {...(index === done ? { 'aria-current': 'step' as const } : {})}
      >
        {t(step)}
      </li>
    ))}
  </ol>
);

export function TransferRow({
  transfer,
  uploads,
}: {
  readonly transfer: Transfer;
  readonly uploads: Uploads;
}) {
  const { key, sentBytes, totalBytes, bytesPerSecond } = transfer;
  const leftMs = bytesPerSecond > 0 ? ((totalBytes - sentBytes) / bytesPerSecond) * 1_000 : undefined;
  return (
    <li class="panel" data-testid="transfer">
      <h2>{transfer.name}</h2>
      <progress value={sentBytes} max={totalBytes} aria-label={t('stepUploading')} />
      <p class="row quiet">
        <span>
          {formatSize(sentBytes)} / {formatSize(totalBytes)}
        </span>
        {bytesPerSecond > 0 && <span>{t('perSecond', { size: formatSize(bytesPerSecond) })}</span>}
        {leftMs !== undefined && <span>{t('left', { time: formatDuration(leftMs) })}</span>}
        {transfer.state === 'paused' && <span>{t('paused')}</span>}
      </p>
      <Steps done={0} />
      {transfer.error && (
        <p class="bad" role="alert">
          {transfer.error}
        </p>
      )}
      <div class="row">
        {transfer.state === 'sending' ? (
          <button type="button" onClick={() => uploads.pause(key)}>
            {t('pause')}
          </button>
        ) : (
          <button type="button" onClick={() => uploads.resume(key)}>
            {t('resume')}
          </button>
        )}
        <button type="button" class="plain" onClick={() => uploads.cancel(key)}>
          {t('cancel')}
        </button>
      </div>
    </li>
  );
}

interface VideoRowProps {
  readonly video: SiteVideo;
  readonly centralUrl: string | undefined;
  readonly onEdit: (change: { readonly name: string; readonly description: string }) => Promise<void>;
  readonly onWithdraw: () => Promise<void>;
}

export function VideoRow({ video, centralUrl, onEdit, onWithdraw }: VideoRowProps) {
  const [editing, setEditing] = useState(false);
  const isOver = video.state === 'failed' || video.state === 'withdrawn';
  return (
    <li
      class="panel"
      data-testid="video"
      data-video={video.id}
      data-state={video.state}
      data-registered={String(video.registered)}
    >
      {editing ? (
        <EditForm
          video={video}
          onSave={async change => {
            await onEdit(change);
            setEditing(false);
          }}
          onCancel={() => setEditing(false)}
        />
      ) : (
        <>
          <h2>{video.name}</h2>
          {video.description && <p>{video.description}</p>}
        </>
      )}
      <p class="row quiet">
        <span>{formatSize(video.sizeBytes)}</span>
        {video.durationMs && <span>{formatDuration(video.durationMs)}</span>}
        {video.width && video.height && (
          <span>
            {video.width} × {video.height}
          </span>
        )}
        {video.bitrateBps && <span>{formatBitrate(video.bitrateBps)}</span>}
        {video.codecs.length > 0 && <span>{video.codecs.join(', ')}</span>}
        <span>{formatTime(video.createdAt)}</span>
      </p>
      {isOver ? (
        <p class={`state ${video.state === 'failed' ? 'bad' : 'quiet'}`}>
          {t(video.state === 'failed' ? 'failed' : 'withdrawn')}
        </p>
      ) : (
        <>
          {video.state === 'uploading' && (
            <progress value={video.progress} max={1} aria-label={t('stepUploading')} />
          )}
          {video.state === 'checking' && <progress aria-label={t('stepChecking')} />}
          <Steps done={stepsDone(video)} />
        </>
      )}
      {video.error && (
        <p class="bad" role="alert">
          {video.error.detail}
        </p>
      )}
      <div class="row">
        {video.registered && centralUrl && (
          <a class="button main" href={`${centralUrl}/watch/${video.id}`}>
            {t('watch')}
          </a>
        )}
        {video.state === 'ready' && !editing && (
          <button type="button" onClick={() => setEditing(true)}>
            {t('edit')}
          </button>
        )}
        {video.state !== 'withdrawn' && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              if (confirm(t('confirmWithdraw', { name: video.name }))) void onWithdraw();
            }}
          >
            {t('withdraw')}
          </button>
        )}
      </div>
    </li>
  );
}

interface EditFormProps {
  readonly video: SiteVideo;
  readonly onSave: VideoRowProps['onEdit'];
  readonly onCancel: () => void;
}

function EditForm({ video, onSave, onCancel }: EditFormProps) {
  const [name, setName] = useState(video.name);
  const [description, setDescription] = useState(video.description);
  return (
    <form
      class="stack"
      onSubmit={event => {
        event.preventDefault();
        void onSave({ name, description });
      }}
    >
      <label>
        {t('name')}
        <input required maxLength={200} value={name} onInput={event => setName(event.currentTarget.value)} />
      </label>
      <label>
        {t('description')}
        <textarea
          rows={3}
          maxLength={5_000}
          value={description}
          onInput={event => setDescription(event.currentTarget.value)}
        />
      </label>
      <div class="row">
        <button type="submit" class="main">
          {t('save')}
        </button>
        <button type="button" class="plain" onClick={onCancel}>
          {t('cancel')}
        </button>
      </div>
    </form>
  );
}

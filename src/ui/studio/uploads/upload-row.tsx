/** One upload of this tab. */
import { QueryLink } from '../../browser/use-address.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { Stepper } from '../steps/stepper.tsx';
import type { UploadItem } from './upload-list.ts';
import type { UploadQueue } from './upload-queue.ts';
import { estimateRemainingMs } from './upload-rate.ts';

interface UploadRowProps {
  readonly item: UploadItem;
  readonly queue: UploadQueue;
}

export function UploadRow({ item, queue }: UploadRowProps) {
  const { t, format } = useTranslation();
  const { key, name, state, sentBytes, sizeBytes, rate } = item;
  const isSending = state === 'sending';
  const remainingMs = isSending ? estimateRemainingMs(rate, sizeBytes, sentBytes) : undefined;
  const status = t.studio.videoStatus[isSending ? 'uploading' : state];
  return (
    <li class="panel" data-testid="upload" data-state={state} data-video={item.videoId}>
      <div class="video-top">
        <h3 dir="auto">{name}</h3>
        <div class="actions">
          {item.videoId && (
            <QueryLink search={`?video=${item.videoId}`} class="button small" testId="describe">
              {t.studioList.describe}
            </QueryLink>
          )}
          {state === 'sending' || state === 'queued' ? (
            <button type="button" class="small" onClick={() => queue.pause(key)} data-testid="pause">
              {t.studio.pause}
            </button>
          ) : (
            <button type="button" class="small" onClick={() => queue.resume(key)} data-testid="resume">
              {t.studio.resume}
            </button>
          )}
          <button type="button" class="plain small" onClick={() => queue.cancel(key)} data-testid="cancel">
            {t.studio.cancelUpload}
          </button>
        </div>
      </div>
      <Stepper video={toStepFacts(item)} />
      <progress max={sizeBytes} value={sentBytes} aria-label={t.studio.announce(name, status)} />
      <p class="row quiet number">
        <span>{status}</span>
        <span>{t.studio.sent(format.size(sentBytes), format.size(sizeBytes))}</span>
        {isSending && rate.bytesPerSecond !== undefined && (
          <span>{t.studio.speed(format.size(rate.bytesPerSecond))}</span>
        )}
        {remainingMs !== undefined && <span>{t.studio.left(format.duration(remainingMs))}</span>}
      </p>
      {item.refusedBytes !== undefined && item.chunkBytes !== undefined && (
        <p class="quiet" data-testid="proxy-limit">
          {t.studio.proxyLimit(format.size(item.refusedBytes), format.size(item.chunkBytes))}
        </p>
      )}
      <ErrorText error={item.error} />
    </li>
  );
}

const toStepFacts = ({ sentBytes, sizeBytes }: UploadItem) => ({
  state: 'uploading' as const,
  signalSent: false,
  published: false,
  registered: false,
  receivedBytes: sentBytes,
  sizeBytes,
});

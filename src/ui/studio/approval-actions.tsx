/** The decision about a video that awaits approval, and the answer of its owner. */
import { useId, useState } from 'preact/hooks';
import type { SiteVideo } from '../../protocol/site.ts';
import { useAction } from '../api/use-action.ts';
import { Dialog } from '../components/dialog.tsx';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

export interface ApprovalCalls {
  readonly publish: () => Promise<void>;
  readonly sendBack: (comment: string) => Promise<void>;
  readonly submit: () => Promise<void>;
}

interface ApprovalActionsProps {
  readonly video: SiteVideo;
  readonly calls: ApprovalCalls;
  readonly mayPublish: boolean;
  readonly mayEdit: boolean;
}

export function ApprovalActions({ video, calls, mayPublish, mayEdit }: ApprovalActionsProps) {
  const { t } = useTranslation();
  const [isSendingBack, setSendingBack] = useState(false);
  const { isRunning, error, run } = useAction();
  const isSentBack = video.approval === 'sent-back';
  // An author only waits.
  if (!video.approval || !(isSentBack || mayPublish)) return null;
  return (
    <div class="stack approval" data-testid="approval" data-approval={video.approval}>
      {isSentBack && (
        <p class="comment" dir="auto">
          <strong>{t.approval.commentOf}</strong> {video.approvalComment}
        </p>
      )}
      <div class="actions">
        {mayPublish && video.revision && (
          <button
            type="button"
            class="primary small"
            disabled={isRunning}
            data-testid="publish"
            onClick={() => void run(calls.publish)}
          >
            {t.approval.publish}
          </button>
        )}
        {mayPublish && video.approval === 'awaiting' && (
          <button type="button" class="small" data-testid="send-back" onClick={() => setSendingBack(true)}>
            {t.approval.sendBack}
          </button>
        )}
        {mayEdit && isSentBack && (
          <button
            type="button"
            class="primary small"
            disabled={isRunning}
            data-testid="submit"
            onClick={() => void run(calls.submit)}
          >
            {t.approval.submit}
          </button>
        )}
      </div>
      <ErrorText error={error} />
      {isSendingBack && (
        <SendBackDialog video={video} onSend={calls.sendBack} onClose={() => setSendingBack(false)} />
      )}
    </div>
  );
}

interface SendBackDialogProps {
  readonly video: SiteVideo;
  readonly onSend: (comment: string) => Promise<void>;
  readonly onClose: () => void;
}

function SendBackDialog({ video, onSend, onClose }: SendBackDialogProps) {
  const { t } = useTranslation();
  const id = useId();
  const [comment, setComment] = useState('');
  const { isRunning, error, run } = useAction();
  const send = async (): Promise<void> => {
    if (await run(() => onSend(comment))) onClose();
  };
  return (
    <Dialog title={t.approval.sendBackTitle(video.name)} onClose={onClose} testId="send-back-dialog">
      <form
        class="stack"
        onSubmit={event => {
          event.preventDefault();
          void send();
        }}
      >
        <div class="field">
          <label for={id}>{t.approval.comment}</label>
          <textarea
            id={id}
            name="comment"
            dir="auto"
            rows={4}
            required
            maxLength={1_000}
            value={comment}
            aria-describedby={`${id}-hint`}
            onInput={event => setComment(event.currentTarget.value)}
          />
          <small id={`${id}-hint`} class="quiet">
            {t.approval.commentHint}
          </small>
        </div>
        <ErrorText error={error} />
        <div class="actions actions-end">
          <button type="button" onClick={onClose}>
            {t.common.cancel}
          </button>
          <button type="submit" class="primary" disabled={isRunning}>
            {t.approval.sendBack}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

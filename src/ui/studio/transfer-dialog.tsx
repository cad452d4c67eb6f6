/** Transfers a video to another person, who is found by e-mail address first, so that a typing error transfers nothing. */
import { useId, useState } from 'preact/hooks';
import type { Owner } from '../../protocol/publication/record.ts';
import type { SiteVideo } from '../../protocol/site.ts';
import { useAction } from '../api/use-action.ts';
import { Dialog } from '../components/dialog.tsx';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

export interface TransferCalls {
  readonly find: (email: string) => Promise<Owner>;
  readonly transfer: (owner: Owner) => Promise<void>;
}

interface TransferDialogProps {
  readonly video: SiteVideo;
  readonly calls: TransferCalls;
  readonly onClose: () => void;
}

export function TransferDialog({ video, calls, onClose }: TransferDialogProps) {
  const { t } = useTranslation();
  const id = useId();
  const [email, setEmail] = useState('');
  const [found, setFound] = useState<Owner>();
  const { isRunning, error, run } = useAction();
  const proceed = async (): Promise<void> => {
    if (!found) await run(async () => setFound(await calls.find(email.trim())));
    else if (await run(() => calls.transfer(found))) onClose();
  };
  return (
    <Dialog title={t.transfer.title(video.name)} onClose={onClose} testId="transfer-dialog">
      <form
        class="stack"
        onSubmit={event => {
          event.preventDefault();
          void proceed();
        }}
      >
        <p>
          {t.transfer.explain} {t.transfer.loses}
        </p>
        <div class="field">
          <label for={id}>{t.transfer.email}</label>
          <input
            id={id}
            type="email"
            name="email"
            required
            maxLength={254}
            autocomplete="off"
            value={email}
            onInput={event => {
              setEmail(event.currentTarget.value);
              setFound(undefined);
            }}
          />
        </div>
        <ErrorText error={error} />
        <div class="actions actions-end">
          <button type="button" onClick={onClose}>
            {t.common.cancel}
          </button>
          <button type="submit" class="primary" disabled={isRunning} data-testid="transfer-submit">
            {found ? t.transfer.found(found.name) : t.transfer.find}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Asks before a video is withdrawn or discarded. */
import type { SiteVideo } from '../../protocol/site.ts';
import { Confirm } from '../components/dialog.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';

interface WithdrawDialogProps {
  readonly video: SiteVideo;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** A video that was never published is discarded, not withdrawn. */
export function WithdrawDialog({ video, onConfirm, onClose }: WithdrawDialogProps) {
  const { studio } = useTranslation().t;
  const isUnpublished = video.state === 'uploading' || video.state === 'failed';
  const discardText = video.state === 'uploading' ? studio.discardText : studio.discardFailedText;
  return (
    <Confirm
      title={isUnpublished ? studio.discardTitle(video.name) : studio.withdrawTitle(video.name)}
      text={isUnpublished ? discardText : studio.withdrawText}
      yes={isUnpublished ? studio.discard : studio.withdraw}
      no={studio.keep}
      onYes={onConfirm}
      onNo={onClose}
    />
  );
}

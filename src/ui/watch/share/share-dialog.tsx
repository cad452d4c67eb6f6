/** Links to the video and the code to embed it. It is loaded when it is opened. */
import { useId, useState } from 'preact/hooks';
import { Copyable } from '../../components/copyable.tsx';
import { CloseButton, Dialog } from '../../components/dialog.tsx';
import { formatClock } from '../../i18n/format.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { addTime } from '../../player/resume/time-address.ts';
import { formatEmbedCode } from './embed-code.ts';

interface ShareDialogProps {
  readonly video: string;
  readonly name: string;
  readonly link: string;
  readonly atMs: number;
  readonly size: { readonly width: number; readonly height: number };
  /** Only a public video can be embedded by its address. */
  readonly isPublic: boolean;
  readonly onClose: () => void;
}

export function ShareDialog({ video, name, link, atMs, size, isPublic, onClose }: ShareDialogProps) {
  const { t } = useTranslation();
  const id = useId();
  const [isAtTime, setAtTime] = useState(atMs >= 1_000);
  const ms = isAtTime ? atMs : 0;
  const embed = addTime(`${location.origin}/embed/${encodeURIComponent(video)}`, ms);
  return (
    <Dialog title={t.share.heading} onClose={onClose} testId="share">
      <p class="row">
        <input
          id={id}
          type="checkbox"
          checked={isAtTime}
          onChange={event => setAtTime(event.currentTarget.checked)}
        />
        <label for={id}>{t.share.atTime(formatClock(atMs))}</label>
      </p>
      <h3>{t.share.link}</h3>
      <Copyable text={addTime(link, ms)} testId="share-link" />
      {isPublic && (
        <>
          <h3>{t.share.embedCode}</h3>
          <Copyable text={formatEmbedCode(embed, name, size)} testId="embed-code" />
        </>
      )}
      <CloseButton onClose={onClose} />
    </Dialog>
  );
}

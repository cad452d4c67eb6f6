/** Plays a video from the site of the page, with or without central. */
import { useState } from 'preact/hooks';
import type { Pictures } from '../../protocol/media/media.ts';
import { MULTIVARIANT_PLAYLIST } from '../../protocol/media/media-address.ts';
import { CloseButton, Dialog } from '../components/dialog.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { Player } from './player.tsx';

interface LocalPlayerProps {
  readonly name: string;
  /** URL of the revision, ending in `/`. */
  readonly revisionUrl: string;
  readonly pictures: Pictures;
  readonly onClose: () => void;
}

export function LocalPlayer({ name, revisionUrl, pictures, onClose }: LocalPlayerProps) {
  const { t } = useTranslation();
  const [failed, setFailed] = useState(false);
  return (
    <Dialog title={t.studio.player(name)} onClose={onClose} wide testId="local-player">
      <Player
        url={revisionUrl + MULTIVARIANT_PLAYLIST}
        revisionUrl={revisionUrl}
        pictures={pictures}
        name={name}
        onFatal={() => setFailed(true)}
      />
      {failed && (
        <p class="bad" role="alert">
          {t.watch.unplayable}
        </p>
      )}
      <CloseButton onClose={onClose} />
    </Dialog>
  );
}

/** The picture of a video's card, with its duration: the poster, or where that cannot be had a drawing of its own. */
import { useState } from 'preact/hooks';
import { formatClock } from '../i18n/format.ts';
import { useSpeech } from '../i18n/use-translation.tsx';
import { Picture } from './placeholder-image.tsx';

interface CardPictureProps {
  readonly video: string;
  /** URL of the poster; undefined where there is none. */
  readonly poster: string | undefined;
  readonly durationMs: number;
}

export function CardPicture({ video, poster, durationMs }: CardPictureProps) {
  const { t } = useSpeech();
  const [isPosterMissing, setPosterMissing] = useState(false);
  return (
    <figure>
      {poster && !isPosterMissing ? (
        <img src={poster} alt="" loading="lazy" data-testid="poster" onError={() => setPosterMissing(true)} />
      ) : (
        <Picture seed={video} />
      )}
      <figcaption class="badge number">
        <span class="hidden-text">{t.catalogue.duration} </span>
        {formatClock(durationMs)}
      </figcaption>
    </figure>
  );
}

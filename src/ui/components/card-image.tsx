/** The image of a video's card, with the duration: the poster, or a generated drawing if there is none. */
import { useState } from 'preact/hooks';
import { formatClock } from '../i18n/format.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { PlaceholderImage } from './placeholder/placeholder-image.tsx';

interface CardImageProps {
  readonly video: string;
  /** URL of the poster; undefined if there is none. */
  readonly poster: string | undefined;
  readonly durationMs: number;
}

export function CardImage({ video, poster, durationMs }: CardImageProps) {
  const { t } = useTranslation();
  const [isPosterMissing, setPosterMissing] = useState(false);
  return (
    <figure>
      {poster && !isPosterMissing ? (
        <img src={poster} alt="" loading="lazy" data-testid="poster" onError={() => setPosterMissing(true)} />
      ) : (
        <PlaceholderImage seed={video} />
      )}
      <figcaption class="badge number">
        <span class="visually-hidden">{t.catalogue.duration} </span>
        {formatClock(durationMs)}
      </figcaption>
    </figure>
  );
}

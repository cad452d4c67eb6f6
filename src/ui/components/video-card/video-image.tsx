/** The image of a video: its poster or a drawing, moments of its storyboard, its length, its captions, and how much was watched. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatClock } from '../../i18n/format.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { PlaceholderImage } from '../placeholder/placeholder-image.tsx';
import type { Preview } from './use-preview.ts';

export interface ImageOfVideo {
  /** The id, from which the drawing is made if there is no poster. */
  readonly id: string;
  /** URL of the poster. Absent: there is none. */
  readonly poster?: string | undefined;
  /** Absent: not known yet. */
  readonly durationMs?: number | undefined;
  readonly hasCaptions?: boolean | undefined;
  /** How much of it this viewer has watched, 0 to 1. */
  readonly watched?: number | undefined;
}

interface VideoImageProps {
  readonly video: ImageOfVideo;
  readonly preview?: Preview | undefined;
}

export function VideoImage({ video, preview }: VideoImageProps) {
  const { t, format } = useTranslation();
  const { poster, durationMs, hasCaptions, watched } = video;
  const [missing, setMissing] = useState<string>();
  return (
    <>
      {poster && missing !== poster ? (
        <img
          src={poster}
          alt=""
          width={640}
          height={360}
          loading="lazy"
          decoding="async"
          data-testid="poster"
          onError={() => setMissing(poster)}
        />
      ) : (
        <PlaceholderImage seed={video.id} />
      )}
      {preview && <PreviewTile preview={preview} />}
      <div class="image-badges">
        {hasCaptions && (
          <span class="badge">
            <span aria-hidden="true">CC</span>
            <span class="visually-hidden">{t.card.captions}</span>
          </span>
        )}
        {durationMs !== undefined && (
          <span class="badge number" data-testid="length">
            <span class="visually-hidden">{t.card.length} </span>
            {preview ? `${formatClock(preview.seconds * 1_000)} / ` : ''}
            {formatClock(durationMs)}
          </span>
        )}
      </div>
      {watched !== undefined && watched > 0 && (
        <div class="watched" data-testid="watched">
          <span class="visually-hidden">{t.card.watched(format.percent(Math.min(1, watched)))}</span>
          <WatchedBar fraction={watched} />
        </div>
      )}
    </>
  );
}

function WatchedBar({ fraction }: { readonly fraction: number }) {
  return <i style={{ inlineSize: `${Math.min(100, Math.max(2, fraction * 100))}%` }} />;
}

/** The tile covers the image as the poster does. */
function PreviewTile({ preview: { tile, fraction } }: { readonly preview: Preview }) {
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<{ readonly width: number; readonly height: number }>();
  useEffect(() => {
    if (frame.current) setSize({ width: frame.current.clientWidth, height: frame.current.clientHeight });
  }, []);
  const scale = size ? Math.max(size.width / tile.width, size.height / tile.height) : 0;
  return (
    <div ref={frame} class="image-preview" data-testid="preview" aria-hidden="true">
      {scale > 0 && (
        <div
          style={{
            width: `${tile.width}px`,
            height: `${tile.height}px`,
            backgroundImage: `url("${tile.sprite}")`,
            backgroundPosition: `-${tile.x}px -${tile.y}px`,
            transform: `translate(-50%, -50%) scale(${scale})`,
          }}
        />
      )}
      <i style={{ inlineSize: `${fraction * 100}%` }} />
    </div>
  );
}

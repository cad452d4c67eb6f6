/** Next to the player: the chapters and the transcript. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import { CAPTIONS_FILE } from '../../protocol/media/media-address.ts';
import { formatClock } from '../i18n/format.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import type { TranscriptTrack } from './transcript/transcript.tsx';

interface SidePanelProps {
  readonly video: Video;
  readonly revisionUrl: string | undefined;
  readonly positionMs: number;
  readonly onSeek: (ms: number) => void;
}

export function SidePanel({ video, revisionUrl, positionMs, onSeek }: SidePanelProps) {
  const { t } = useTranslation();
  const { chapters = [] } = video;
  const tracks = revisionUrl === undefined ? [] : listTracks(video, revisionUrl);
  const current = chapters.findLastIndex(({ startMs }) => startMs <= positionMs);
  const [isOpen, setOpen] = useState(false);
  if (chapters.length === 0 && tracks.length === 0) return null;
  return (
    <section class="panel" aria-label={t.transcript.panel}>
      {chapters.length > 0 && (
        <>
          <h2>{t.player.chapters}</h2>
          <ol class="chapters" data-testid="chapters">
            {chapters.map(({ startMs, title }, index) => (
              <li key={startMs} aria-current={index === current ? 'true' : undefined}>
                <button type="button" onClick={() => onSeek(startMs)}>
                  <span class="number quiet">{formatClock(startMs)}</span>
                  <span dir="auto" lang={video.language}>
                    {title}
                  </span>
                </button>
              </li>
            ))}
          </ol>
        </>
      )}
      {tracks.length > 0 && (
        <details onToggle={event => setOpen(event.currentTarget.open)}>
          <summary data-testid="open-transcript">{t.transcript.heading}</summary>
          {isOpen && <LazyTranscript tracks={tracks} positionMs={positionMs} onSeek={onSeek} />}
        </details>
      )}
    </section>
  );
}

const listTracks = ({ renditions }: Video, revisionUrl: string): readonly TranscriptTrack[] =>
  renditions.flatMap(rendition =>
    rendition.kind === 'captions'
      ? [{ url: `${revisionUrl}${rendition.id}/${CAPTIONS_FILE}`, language: rendition.language }]
      : [],
  );

type TranscriptProps = Parameters<typeof import('./transcript/transcript.tsx')['Transcript']>[0];

function LazyTranscript(props: TranscriptProps) {
  const [loaded, setLoaded] = useState<{ readonly Transcript: ComponentType<TranscriptProps> }>();
  useEffect(() => {
    import('./transcript/transcript.tsx').then(({ Transcript }) => setLoaded({ Transcript }), reportError);
  }, []);
  return loaded ? <loaded.Transcript {...props} /> : null;
}

/** The picture: a native video element and what plays in it. Its dataset tells tests who serves and how it goes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSpeech } from '../parts/language.tsx';
import { type PlaybackEvents, type PlaybackNumbers, startPlayback } from './playback.ts';

const NUMBERS_EVERY_MS = 500;

interface PlayerProps extends PlaybackEvents {
  readonly url: string | undefined;
  readonly sourceCount: number;
  /** Another number starts anew, where the picture stood. */
  readonly attempt: number;
  readonly name: string;
  readonly siteId: string | undefined;
  readonly onNumbers: (numbers: PlaybackNumbers) => void;
}

export function Player({
  url,
  sourceCount,
  attempt,
  name,
  siteId,
  onServed,
  onNative,
  onFatal,
  onNumbers,
}: PlayerProps) {
  const { t } = useSpeech();
  const ref = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState('loading');
  const latest = useRef({ onServed, onNative, onFatal, onNumbers, sourceCount });
  latest.current = { onServed, onNative, onFatal, onNumbers, sourceCount };
  const position = useRef(0);

  useEffect(() => {
    const video = ref.current;
    if (!url || !video) return;
    setState('loading');
    const playback = startPlayback(
      video,
      { url, startAtSeconds: position.current, sourceCount: latest.current.sourceCount },
      {
        onServed: host => latest.current.onServed(host),
        onNative: () => latest.current.onNative(),
        onFatal(what) {
          setState('failed');
          latest.current.onFatal(what);
        },
      },
    );
    // Browsers that refuse to begin with sound begin without it, or wait for the person to press play.
    const begin = (): void => {
      video.play().catch(() => {
        video.muted = true;
        video.play().catch(() => setState('paused'));
      });
    };
    video.addEventListener('loadedmetadata', begin, { once: true });
    const timer = setInterval(() => {
      if (video.currentTime > 0) position.current = video.currentTime;
      latest.current.onNumbers(playback.readNumbers());
    }, NUMBERS_EVERY_MS);
    return () => {
      clearInterval(timer);
      video.removeEventListener('loadedmetadata', begin);
      playback.stop();
    };
  }, [url, attempt]);

  return (
    // biome-ignore lint/a11y/useMediaCaption: captions come inside the playlists, where a video has them
    <video
      ref={ref}
      controls
      playsInline
      aria-label={t.watch.player(name)}
      data-testid="player"
      data-site={siteId ?? ''}
      data-state={state}
      onPlaying={() => setState('playing')}
      onPause={() => setState('paused')}
      onWaiting={() => setState('waiting')}
      onEnded={() => setState('ended')}
    />
  );
}

/** The picture: a native video element and what plays in it. Its dataset tells tests who serves and how it goes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Pictures } from '../../protocol/media/media.ts';
import { POSTER, STORYBOARD } from '../../protocol/media/media-address.ts';
import { useSpeech } from '../i18n/use-translation.tsx';
import { listenToKeys } from './keyboard.ts';
import {
  NO_TRACKS,
  type Playback,
  type PlaybackEvents,
  type PlaybackNumbers,
  startPlayback,
} from './playback.ts';
import { Scrubber } from './seek-bar.tsx';
import { TrackChoice } from './track-menus.tsx';

const NUMBERS_EVERY_MS = 500;

interface PlayerProps extends Omit<PlaybackEvents, 'onTracks'> {
  readonly url: string | undefined;
  readonly sourceCount: number;
  /** Another number starts anew, where the picture stood. */
  readonly attempt: number;
  readonly name: string;
  readonly siteId: string | undefined;
  /** URL of the revision at the best site, ending in `/`; undefined as long as nobody has said it. */
  readonly revisionUrl: string | undefined;
  readonly pictures: Pictures | undefined;
  /** The order of pathways that the tracker has just told. */
  readonly priority?: readonly string[] | undefined;
  readonly onNumbers: (numbers: PlaybackNumbers) => void;
}

export function Player({
  url,
  sourceCount,
  attempt,
  name,
  siteId,
  revisionUrl,
  pictures,
  priority,
  onServed,
  onNative,
  onSegment,
  onFatal,
  onNumbers,
}: PlayerProps) {
  const { t } = useSpeech();
  const ref = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState('loading');
  const latest = useRef({ onServed, onNative, onSegment, onFatal, onNumbers, sourceCount });
  latest.current = { onServed, onNative, onSegment, onFatal, onNumbers, sourceCount };
  const position = useRef(0);
  const playing = useRef<Playback | undefined>(undefined);
  const [tracks, setTracks] = useState(NO_TRACKS);

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
        onTracks: setTracks,
        onSegment: report => latest.current.onSegment(report),
        onFatal(what) {
          setState('failed');
          latest.current.onFatal(what);
        },
      },
    );
    playing.current = playback;
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
      playing.current = undefined;
    };
  }, [url, attempt]);

  useEffect(() => (ref.current ? listenToKeys(ref.current) : undefined), []);

  useEffect(() => {
    if (priority) playing.current?.prefer(priority);
  }, [priority]);

  return (
    <>
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
        {...(pictures?.poster && revisionUrl ? { poster: `${revisionUrl}${POSTER}` } : {})}
      />
      {pictures?.storyboard && revisionUrl && (
        <Scrubber video={ref} storyboardUrl={`${revisionUrl}${STORYBOARD}`} />
      )}
      <TrackChoice
        tracks={tracks}
        onSound={index => playing.current?.chooseSound(index)}
        onCaptions={index => playing.current?.chooseCaptions(index)}
      />
    </>
  );
}

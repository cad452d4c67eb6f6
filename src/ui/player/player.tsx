/** The video element and its controls. The dataset of the element shows its state and the serving site to tests. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Pictures } from '../../protocol/media/media.ts';
import { POSTER, STORYBOARD } from '../../protocol/media/media-address.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { type Playback, type PlaybackEvents, type PlaybackStats, startPlayback } from './hls/playback.ts';
import { listenToKeys } from './keyboard.ts';
import { SeekBar } from './seek-bar.tsx';
import { TrackMenus } from './track-menus.tsx';
import { NO_TRACKS } from './tracks.ts';

const STATS_INTERVAL_MS = 500;

interface PlayerProps extends Omit<PlaybackEvents, 'onTracks'> {
  readonly url: string | undefined;
  readonly sourceCount: number;
  /** Another number restarts playback at the current position. */
  readonly attempt: number;
  readonly name: string;
  readonly siteId: string | undefined;
  /** URL of the revision at the best site, ending in `/`; undefined until it is known. */
  readonly revisionUrl: string | undefined;
  readonly pictures: Pictures | undefined;
  /** The tracker's latest order of pathways. */
  readonly priority?: readonly string[] | undefined;
  readonly onStats: (stats: PlaybackStats) => void;
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
  onStats,
}: PlayerProps) {
  const { t } = useTranslation();
  const ref = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState('loading');
  const latest = useRef({ onServed, onNative, onSegment, onFatal, onStats, sourceCount });
  latest.current = { onServed, onNative, onSegment, onFatal, onStats, sourceCount };
  const position = useRef(0);
  const current = useRef<Playback | undefined>(undefined);
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
        onFatal(failure) {
          setState('failed');
          latest.current.onFatal(failure);
        },
      },
    );
    current.current = playback;
    // Browsers that refuse to start with sound start muted, or wait until the person presses play.
    const play = (): void => {
      video.play().catch(() => {
        video.muted = true;
        video.play().catch(() => setState('paused'));
      });
    };
    video.addEventListener('loadedmetadata', play, { once: true });
    const timer = setInterval(() => {
      if (video.currentTime > 0) position.current = video.currentTime;
      latest.current.onStats(playback.readStats());
    }, STATS_INTERVAL_MS);
    return () => {
      clearInterval(timer);
      video.removeEventListener('loadedmetadata', play);
      playback.stop();
      current.current = undefined;
    };
  }, [url, attempt]);

  useEffect(() => (ref.current ? listenToKeys(ref.current) : undefined), []);

  useEffect(() => {
    if (priority) current.current?.setPathwayPriority(priority);
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
        <SeekBar video={ref} storyboardUrl={`${revisionUrl}${STORYBOARD}`} />
      )}
      <TrackMenus
        tracks={tracks}
        onAudioTrack={index => current.current?.selectAudioTrack(index)}
        onCaptions={index => current.current?.selectCaptions(index)}
      />
    </>
  );
}

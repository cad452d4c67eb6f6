/** The video element and its controls. The dataset of the element shows its state and the serving site to tests. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Pictures } from '../../protocol/media/media.ts';
import { POSTER, STORYBOARD } from '../../protocol/media/media-address.ts';
import type { VideoDetails } from '../../protocol/publication/details.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { type Playback, type PlaybackEvents, type PlaybackStats, startPlayback } from './hls/playback.ts';
import { listenToKeys } from './keyboard.ts';
import { SeekBar } from './seek-bar.tsx';
import { TrackMenus } from './track-menus.tsx';
import { NO_TRACKS } from './tracks.ts';

const STATS_INTERVAL_MS = 500;

/** What a page can do with a player, for example a transcript that is clicked, or an editor of captions. */
export interface PlayerControls {
  play(): void;
  pause(): void;
  seek(ms: number): void;
  currentMs(): number;
}

export interface PlayerProps extends Partial<Omit<PlaybackEvents, 'onTracks'>> {
  /** Under this id, the player remembers where the viewer stopped. Without it, it remembers nothing. */
  readonly video?: string | undefined;
  readonly url: string | undefined;
  readonly sourceCount?: number;
  /** Another number restarts playback at the current position. */
  readonly attempt?: number;
  readonly name: string;
  readonly siteId?: string | undefined;
  readonly chapters?: VideoDetails['chapters'];
  /** Where playback starts, in milliseconds. Default: 0. */
  readonly startMs?: number | undefined;
  /** Default: true. */
  readonly autoplay?: boolean;
  /** The player sets it while it is on the page. */
  readonly controls?: RefObject<PlayerControls | undefined>;
  /** The position changed, in milliseconds. Several times a second during playback. */
  readonly onTime?: (ms: number) => void;
  /** URL of the revision at the best site, ending in `/`; undefined until it is known. */
  readonly revisionUrl: string | undefined;
  readonly pictures: Pictures | undefined;
  /** The tracker's latest order of pathways. */
  readonly priority?: readonly string[] | undefined;
  readonly onStats?: (stats: PlaybackStats) => void;
}

export function Player(props: PlayerProps) {
  const { url, attempt = 0, name, siteId, revisionUrl, pictures, priority, controls } = props;
  const { t } = useTranslation();
  const ref = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState('loading');
  const latest = useRef(props);
  latest.current = props;
  const position = useRef((props.startMs ?? 0) / 1_000);
  const current = useRef<Playback | undefined>(undefined);
  const [tracks, setTracks] = useState(NO_TRACKS);

  useEffect(() => {
    const video = ref.current;
    if (!url || !video) return;
    setState('loading');
    const playback = startPlayback(
      video,
      { url, startAtSeconds: position.current, sourceCount: latest.current.sourceCount ?? 1 },
      {
        onServed: host => latest.current.onServed?.(host),
        onNative: () => latest.current.onNative?.(),
        onTracks: setTracks,
        onSegment: report => latest.current.onSegment?.(report),
        onFatal(failure) {
          setState('failed');
          latest.current.onFatal?.(failure);
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
    if (latest.current.autoplay !== false) video.addEventListener('loadedmetadata', play, { once: true });
    const timer = setInterval(() => {
      if (video.currentTime > 0) position.current = video.currentTime;
      latest.current.onStats?.(playback.readStats());
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
    const video = ref.current;
    if (!controls || !video) return;
    controls.current = {
      play: () => void video.play().catch(() => undefined),
      pause: () => video.pause(),
      seek(ms) {
        video.currentTime = ms / 1_000;
      },
      currentMs: () => video.currentTime * 1_000,
    };
    return () => {
      controls.current = undefined;
    };
  }, [controls]);

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
        onTimeUpdate={event => latest.current.onTime?.(event.currentTarget.currentTime * 1_000)}
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

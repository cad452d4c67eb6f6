/** Starts and stops playback of the address that the page gives, and keeps its state. */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { readCaptionsLanguage, writeCaptionsLanguage } from './captions/appearance.ts';
import { type Playback, startPlayback } from './hls/playback.ts';
import type { PlayerProps, PlayerState } from './player-props.ts';
import { findCaptions, NO_QUALITIES, NO_TRACKS, type Tracks } from './tracks.ts';

const STATS_INTERVAL_MS = 500;

export function useEngine(ref: RefObject<HTMLVideoElement | null>, props: PlayerProps) {
  const { url, attempt = 0, priority } = props;
  const latest = useRef(props);
  latest.current = props;
  const [state, setState] = useState<PlayerState>('loading');
  const [tracks, setTracks] = useState(NO_TRACKS);
  const [qualities, setQualities] = useState(NO_QUALITIES);
  /** The browser refused to start with sound. */
  const [isSilenced, setSilenced] = useState(false);
  const position = useRef((props.startMs ?? 0) / 1_000);
  const playback = useRef<Playback | undefined>(undefined);

  useEffect(() => {
    const video = ref.current;
    if (!url || !video) return;
    setState('loading');
    let areCaptionsChosen = false;
    const chooseCaptions = ({ captions }: Tracks): void => {
      if (areCaptionsChosen || captions.length === 0) return;
      areCaptionsChosen = true;
      const wanted = latest.current.captions ?? readCaptionsLanguage();
      const index = wanted === undefined ? -1 : findCaptions(captions, wanted);
      // hls.js makes its own choice after it has reported the tracks.
      if (index >= 0) setTimeout(() => started.selectCaptions(index));
    };
    const started = startPlayback(
      video,
      { url, startAtSeconds: position.current, sourceCount: latest.current.sourceCount ?? 1 },
      {
        onServed: host => latest.current.onServed?.(host),
        onNative: () => latest.current.onNative?.(),
        onTracks(found) {
          setTracks(found);
          chooseCaptions(found);
        },
        onQualities: setQualities,
        onSegment: report => latest.current.onSegment?.(report),
        onFatal(failure, retryAfterSeconds) {
          setState('failed');
          latest.current.onFatal?.(failure, retryAfterSeconds);
        },
      },
    );
    playback.current = started;
    // Browsers that refuse to start with sound start muted, or wait until the person presses play.
    const play = (): void => {
      video.play().catch(() => {
        video.muted = true;
        video.play().then(
          () => setSilenced(true),
          () => {
            video.muted = false;
            setState('paused');
          },
        );
      });
    };
    if (latest.current.autoplay !== false) video.addEventListener('loadedmetadata', play, { once: true });
    else setState('paused');
    const timer = setInterval(() => {
      if (video.currentTime > 0) position.current = video.currentTime;
      latest.current.onStats?.(started.readStats());
    }, STATS_INTERVAL_MS);
    return () => {
      clearInterval(timer);
      video.removeEventListener('loadedmetadata', play);
      started.stop();
      playback.current = undefined;
    };
  }, [url, attempt]);

  useEffect(() => {
    if (priority) playback.current?.setPathwayPriority(priority);
  }, [priority]);
  useEffect(() => latest.current.onState?.(state), [state]);

  const selectCaptions = useCallback(
    (index: number) => {
      playback.current?.selectCaptions(index);
      writeCaptionsLanguage(tracks.captions[index]?.language);
    },
    [tracks.captions],
  );
  return {
    state,
    setState,
    tracks,
    qualities,
    playback,
    isSilenced,
    unmute: useCallback(() => {
      if (ref.current) ref.current.muted = false;
      setSilenced(false);
    }, [ref]),
    onVolume: useCallback(() => {
      if (ref.current?.muted === false) setSilenced(false);
    }, [ref]),
    selectCaptions,
  };
}
export type Engine = ReturnType<typeof useEngine>;

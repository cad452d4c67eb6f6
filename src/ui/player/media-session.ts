/** What the lock screen and the keys of a keyboard or headset show and do. */
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { seekTo } from './keyboard/keyboard.ts';

const SKIP_S = 10;

interface SessionFacts {
  readonly title: string;
  readonly artist: string | undefined;
  readonly poster: string | undefined;
  readonly onNext: (() => void) | undefined;
}

export function useMediaSession(
  video: RefObject<HTMLVideoElement | null>,
  { title, artist, poster, onNext }: SessionFacts,
): void {
  useEffect(() => {
    if (!('mediaSession' in navigator) || title === '') return;
    navigator.mediaSession.metadata = new MediaMetadata({
      title,
      artist: artist ?? '',
      artwork: poster === undefined ? [] : [{ src: poster, type: 'image/jpeg' }],
    });
    return () => {
      navigator.mediaSession.metadata = null;
    };
  }, [title, artist, poster]);

  useEffect(() => {
    const element = video.current;
    if (!('mediaSession' in navigator) || !element) return;
    const { mediaSession } = navigator;
    const skip = (seconds: number): void => seekTo(element, element.currentTime + seconds);
    const actions: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
      play: () => void element.play().catch(() => undefined),
      pause: () => element.pause(),
      seekbackward: ({ seekOffset }) => skip(-(seekOffset ?? SKIP_S)),
      seekforward: ({ seekOffset }) => skip(seekOffset ?? SKIP_S),
      seekto: ({ seekTime }) => seekTo(element, seekTime ?? 0),
      ...(onNext ? { nexttrack: onNext } : {}),
    };
    const names = Object.keys(actions) as MediaSessionAction[];
    const set = (name: MediaSessionAction, handler: MediaSessionActionHandler | null): void => {
      try {
        mediaSession.setActionHandler(name, handler);
      } catch {
        // This browser does not know the action.
      }
    };
    for (const name of names) set(name, actions[name] ?? null);
    const report = (): void => {
      if (!Number.isFinite(element.duration) || element.duration <= 0) return;
      mediaSession.setPositionState?.({
        duration: element.duration,
        playbackRate: element.playbackRate,
        position: Math.min(element.currentTime, element.duration),
      });
    };
    const events = ['loadedmetadata', 'seeked', 'ratechange', 'playing'] as const;
    for (const name of events) element.addEventListener(name, report);
    return () => {
      for (const name of names) set(name, null);
      for (const name of events) element.removeEventListener(name, report);
    };
  }, [video, onNext]);
}

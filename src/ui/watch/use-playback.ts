/** The address that the player plays, and what became of it. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { PlaybackFailure } from '../player/hls/playback-errors.ts';

const RETRY_MS = 3_000;

/**
 * Keeps the first address while it plays. If no site responds, playback restarts with the latest address at the same position.
 *
 * @param latestUrl from the tracker's latest response
 */
export function usePlayback(latestUrl: string | undefined) {
  const [url, setUrl] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [failure, setFailure] = useState<PlaybackFailure>();
  const [isNative, setNative] = useState(false);
  useEffect(() => {
    if (latestUrl) setUrl(before => before ?? latestUrl);
  }, [latestUrl]);
  useEffect(() => {
    if (failure !== 'no-site') return;
    const timer = setTimeout(() => {
      setUrl(before => latestUrl ?? before);
      setAttempt(number => number + 1);
      setFailure(undefined);
    }, RETRY_MS);
    return () => clearTimeout(timer);
  }, [failure, latestUrl]);
  return {
    url,
    attempt,
    failure,
    isNative,
    onFatal: useCallback((found: PlaybackFailure) => setFailure(found), []),
    onNative: useCallback(() => setNative(true), []),
  };
}

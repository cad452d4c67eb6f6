/** The address that the player plays, and what became of it. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { PlaybackFailure } from '../player/hls/playback-errors.ts';

const RETRY_MS = 3_000;
/** A site at its limits says when it has room. A longer time is not worth waiting for without another attempt. */
const MAX_RETRY_MS = 60_000;

export interface Failure {
  readonly kind: PlaybackFailure;
  /** When playback is tried again, in milliseconds since 1970; undefined if that cannot help. */
  readonly retryAtMs: number | undefined;
}

const isTemporary = (kind: PlaybackFailure): boolean => kind === 'no-site' || kind === 'busy';

/**
 * Keeps the first address while it plays. If no site responds, playback restarts with the latest address at the same position.
 *
 * @param latestUrl from the tracker's latest response
 */
export function usePlayback(latestUrl: string | undefined) {
  const [url, setUrl] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [failure, setFailure] = useState<Failure>();
  const [isNative, setNative] = useState(false);
  useEffect(() => {
    if (latestUrl) setUrl(before => before ?? latestUrl);
  }, [latestUrl]);
  const retry = useCallback(() => {
    setUrl(before => latestUrl ?? before);
    setAttempt(number => number + 1);
    setFailure(undefined);
  }, [latestUrl]);
  useEffect(() => {
    const retryAtMs = failure?.retryAtMs;
    if (retryAtMs === undefined) return;
    const timer = setTimeout(retry, Math.max(0, retryAtMs - Date.now()));
    // The network is back: there is no reason to wait.
    addEventListener('online', retry);
    return () => {
      clearTimeout(timer);
      removeEventListener('online', retry);
    };
  }, [failure, retry]);
  return {
    url,
    attempt,
    failure,
    isNative,
    retry,
    onFatal: useCallback((kind: PlaybackFailure, retryAfterSeconds?: number) => {
      const waitMs = retryAfterSeconds === undefined ? RETRY_MS : retryAfterSeconds * 1_000;
      const retryAtMs = Date.now() + Math.min(MAX_RETRY_MS, Math.max(RETRY_MS, waitMs));
      setFailure({ kind, retryAtMs: isTemporary(kind) ? retryAtMs : undefined });
    }, []),
    onNative: useCallback(() => setNative(true), []),
  };
}

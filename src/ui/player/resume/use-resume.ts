/** Remembers where the viewer stops in a video, and offers to continue there. It never jumps by itself. */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isResumable, watchProgress } from '../../browser/watch-progress.ts';

const SAVE_EVERY_MS = 5_000;
/** Somebody who watches that long from the beginning does not want to continue elsewhere. */
const OFFER_MS = 20_000;

interface ResumeOptions {
  /** Undefined remembers nothing. */
  readonly id: string | undefined;
  /** The address names a position. It is not overruled. */
  readonly hasStart: boolean;
}

export function useResume(video: RefObject<HTMLVideoElement | null>, { id, hasStart }: ResumeOptions) {
  const [offeredMs, setOffered] = useState<number>();
  const isOffering = useRef(false);
  useEffect(() => {
    const known = id === undefined || hasStart ? undefined : watchProgress.get(id);
    const isOffered = known !== undefined && isResumable(known);
    isOffering.current = isOffered;
    setOffered(isOffered ? known.atMs : undefined);
  }, [id, hasStart]);
  const dismiss = useCallback(() => {
    isOffering.current = false;
    setOffered(undefined);
  }, []);

  useEffect(() => {
    const element = video.current;
    if (id === undefined || !element) return;
    let savedAt = 0;
    const save = (): void => {
      const { currentTime, duration } = element;
      if (isOffering.current || !Number.isFinite(duration) || duration <= 0) return;
      savedAt = Date.now();
      watchProgress.set(id, { atMs: currentTime * 1_000, durationMs: duration * 1_000, atTime: savedAt });
    };
    const onTime = (): void => {
      if (isOffering.current && element.currentTime * 1_000 > OFFER_MS) dismiss();
      if (Date.now() - savedAt >= SAVE_EVERY_MS && element.currentTime > 0) save();
    };
    const saveSometimes = ['pause', 'seeked', 'ended'] as const;
    element.addEventListener('timeupdate', onTime);
    for (const name of saveSometimes) element.addEventListener(name, save);
    addEventListener('pagehide', save);
    return () => {
      element.removeEventListener('timeupdate', onTime);
      for (const name of saveSometimes) element.removeEventListener(name, save);
      removeEventListener('pagehide', save);
    };
  }, [video, id, dismiss]);
  return { offeredMs, dismiss };
}

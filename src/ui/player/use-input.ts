/** Connects keys, pointers and the page with the video. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { listenToPointers } from './gestures/listen-to-pointers.ts';
import { listenToKeys, seekTo } from './keyboard/keyboard.ts';
import type { PlayerControls } from './player-props.ts';

export interface InputTargets {
  readonly toggleCaptions: () => void;
  readonly toggleFullscreen: () => void;
  readonly onHelp: () => void;
  readonly onNext: (() => void) | undefined;
  readonly onHint: (seconds: number | undefined) => void;
}

export function useInput(
  root: RefObject<HTMLElement | null>,
  video: RefObject<HTMLVideoElement | null>,
  targets: InputTargets,
): void {
  const latest = useRef(targets);
  latest.current = targets;
  useEffect(() => {
    const [element, controller] = [video.current, root.current];
    if (!element || !controller) return;
    const onFullscreen = (): void => latest.current.toggleFullscreen();
    const stopKeys = listenToKeys({
      root: controller,
      video: element,
      onFullscreen,
      onCaptions: () => latest.current.toggleCaptions(),
      onHelp: () => latest.current.onHelp(),
      onNext: () => latest.current.onNext?.(),
    });
    const stopPointers = listenToPointers({
      video: element,
      onFullscreen,
      onHint: seconds => latest.current.onHint(seconds),
    });
    return () => {
      stopKeys();
      stopPointers();
    };
  }, [root, video]);
}

/** Gives the page its controls while the player is there. */
export function useControls(
  video: RefObject<HTMLVideoElement | null>,
  controls: RefObject<PlayerControls | undefined> | undefined,
): void {
  useEffect(() => {
    const element = video.current;
    if (!controls || !element) return;
    controls.current = {
      play: () => void element.play().catch(() => undefined),
      pause: () => element.pause(),
      seek: ms => seekTo(element, ms / 1_000),
      currentMs: () => element.currentTime * 1_000,
      focus: () => element.focus(),
    };
    return () => {
      controls.current = undefined;
    };
  }, [video, controls]);
}

/** @param known the duration by the record, if the page has it */
export function useDurationMs(
  video: RefObject<HTMLVideoElement | null>,
  known: number | undefined,
): number | undefined {
  const [found, setFound] = useState<number>();
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const read = (): void => {
      if (Number.isFinite(element.duration)) setFound(element.duration * 1_000);
    };
    element.addEventListener('durationchange', read);
    return () => element.removeEventListener('durationchange', read);
  }, [video]);
  return known ?? found;
}

/**
 * Clicks and touches on the video. A click plays or pauses; two open the full screen. On a touch screen, one tap shows the controls
 * (media-chrome does that), two taps on a side skip, and a swipe seeks.
 */
import { seekTo } from '../keyboard/keyboard.ts';
import { classifyTouch, isSwipe, swipeSeconds, type Tap } from './gesture.ts';

const SKIP_S = 10;

export interface PointerTargets {
  readonly video: HTMLVideoElement;
  readonly onFullscreen: () => void;
  /** What the viewer does, in seconds relative to the position; undefined at its end. */
  readonly onHint: (seconds: number | undefined) => void;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** @returns a function that stops listening */
export function listenToPointers({ video, onFullscreen, onHint }: PointerTargets): () => void {
  const control = new AbortController();
  const whileListening = { signal: control.signal };
  let from: Point | undefined;
  let before: Tap | undefined;
  let isTouch = false;
  const toggle = (): void => {
    if (video.paused) void video.play().catch(() => undefined);
    else video.pause();
  };
  const pointOf = (event: PointerEvent): Point & { readonly width: number } => {
    const { left, top, width } = video.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top, width };
  };
  const skip = (seconds: number): void => {
    seekTo(video, video.currentTime + seconds);
    onHint(seconds);
  };

  video.addEventListener(
    'pointerdown',
    event => {
      isTouch = event.pointerType === 'touch';
      from = isTouch ? pointOf(event) : undefined;
    },
    whileListening,
  );
  video.addEventListener(
    'pointermove',
    event => {
      if (!from) return;
      const { x, y, width } = pointOf(event);
      if (isSwipe(x - from.x, y - from.y)) onHint(swipeSeconds({ fromX: from.x, toX: x, width }));
    },
    whileListening,
  );
  video.addEventListener(
    'pointerup',
    event => {
      if (!from) return;
      const { x, y, width } = pointOf(event);
      const touch = { fromX: from.x, fromY: from.y, toX: x, toY: y, width, atMs: event.timeStamp };
      const gesture = classifyTouch(touch, before);
      from = undefined;
      before =
        gesture.kind === 'tap' || gesture.kind === 'double-tap' ? { x, atMs: event.timeStamp } : undefined;
      if (gesture.kind === 'swipe') skip(gesture.seconds);
      else if (gesture.kind === 'pull-down' && document.fullscreenElement) onFullscreen();
      else if (gesture.kind === 'double-tap' && gesture.side === 'middle') toggle();
      else if (gesture.kind === 'double-tap') skip(gesture.side === 'left' ? -SKIP_S : SKIP_S);
    },
    whileListening,
  );
  video.addEventListener(
    'pointercancel',
    () => {
      from = undefined;
      onHint(undefined);
    },
    whileListening,
  );
  // Two clicks are two events of the first kind as well, which cancel each other.
  video.addEventListener('click', () => !isTouch && toggle(), whileListening);
  video.addEventListener('dblclick', () => !isTouch && onFullscreen(), whileListening);
  return () => control.abort();
}

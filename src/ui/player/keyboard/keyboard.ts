/** Controls a player with the keyboard. The keys are in key-actions.ts. */
import { chooseKeyAction, type KeyAction, type KeyPress } from './key-actions.ts';

const MIN_SPEED = 0.25;
const MAX_SPEED = 2;
/** The usual frame rate. A page cannot know the exact one. */
const FRAME_S = 1 / 25;
/** Shift belongs to the character. */
const SHIFTED = '?<>';

export interface KeyTargets {
  /** The element that contains the video and its controls. */
  readonly root: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly onFullscreen: () => void;
  readonly onCaptions: () => void;
  readonly onHelp: () => void;
  readonly onNext: () => void;
}

/** @returns a function that stops listening */
export function listenToKeys(targets: KeyTargets): () => void {
  const onKey = (event: KeyboardEvent): void => {
    const hasShift = event.shiftKey && !SHIFTED.includes(event.key);
    const action = chooseKeyAction({
      key: event.key.length === 1 ? event.key.toLowerCase() : event.key,
      hasModifier: event.ctrlKey || event.altKey || event.metaKey || hasShift,
      focus: findFocus(targets, event.target),
    });
    if (event.defaultPrevented || action === undefined) return;
    event.preventDefault();
    perform(targets, action);
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function findFocus({ root, video }: KeyTargets, target: EventTarget | null): KeyPress['focus'] {
  if (target === video || target === root) return 'video';
  if (!(target instanceof Element)) return 'other';
  if (!root.contains(target)) return target.matches('body, main') ? 'nothing' : 'other';
  if (target.closest('.player-menu')) return 'other';
  if (target.closest('media-time-range')) return 'seek-bar';
  return target.closest('media-volume-range') ? 'volume' : 'control';
}

function perform(targets: KeyTargets, action: KeyAction): void {
  const { video } = targets;
  // Browsers reject these without a recent user gesture. A key press is one, so there is nothing to report.
  const ignore = (): void => {};
  switch (action.do) {
    case 'toggle':
      if (video.paused) void video.play().catch(ignore);
      else video.pause();
      break;
    case 'skip':
      seekTo(video, video.currentTime + action.seconds);
      break;
    case 'frame':
      video.pause();
      seekTo(video, video.currentTime + action.frames * FRAME_S);
      break;
    case 'seek':
      if (Number.isFinite(video.duration)) seekTo(video, video.duration * action.to);
      break;
    case 'volume':
      video.muted = false;
      video.volume = Math.min(1, Math.max(0, video.volume + action.by));
      break;
    case 'speed':
      video.playbackRate = Math.min(MAX_SPEED, Math.max(MIN_SPEED, video.playbackRate + action.by));
      break;
    case 'mute':
      video.muted = !video.muted;
      break;
    case 'fullscreen':
      targets.onFullscreen();
      break;
    case 'captions':
      targets.onCaptions();
      break;
    case 'picture-in-picture':
      void (
        document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture()
      ).catch(ignore);
      break;
    case 'help':
      targets.onHelp();
      break;
    case 'next':
      targets.onNext();
      break;
  }
}

/** Seeks within the bounds of the video. */
export function seekTo(video: HTMLVideoElement, seconds: number): void {
  const end = Number.isFinite(video.duration) ? video.duration : Number.MAX_VALUE;
  video.currentTime = Math.min(end, Math.max(0, seconds));
}

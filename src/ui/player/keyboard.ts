/** Controls a video element with the keyboard. The keys are in key-actions.ts. */
import { chooseKeyAction, type KeyAction, type KeyPress } from './key-actions.ts';

const SKIP_SECONDS = 5;

/** @returns a function that stops listening */
export function listenToKeys(video: HTMLVideoElement): () => void {
  const focusOf = (target: EventTarget | null): KeyPress['focus'] => {
    if (target === video) return 'video';
    if (target instanceof Element && target.matches('.seek-bar input')) return 'seek-bar';
    return target === document.body || (target instanceof Element && target.matches('main'))
      ? 'nothing'
      : 'other';
  };
  const onKey = (event: KeyboardEvent): void => {
    const action = chooseKeyAction({
      key: event.key.length === 1 ? event.key.toLowerCase() : event.key,
      hasModifier: event.ctrlKey || event.altKey || event.metaKey || event.shiftKey,
      focus: focusOf(event.target),
    });
    if (event.defaultPrevented || action === undefined) return;
    event.preventDefault();
    perform(video, action);
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function perform(video: HTMLVideoElement, action: KeyAction): void {
  // Browsers reject these without a recent user gesture. A key press is one, so there is nothing to report.
  const ignore = (): void => {};
  switch (action) {
    case 'toggle':
      if (video.paused) void video.play().catch(ignore);
      else video.pause();
      break;
    case 'back':
      skip(video, -SKIP_SECONDS);
      break;
    case 'forward':
      skip(video, SKIP_SECONDS);
      break;
    case 'mute':
      video.muted = !video.muted;
      break;
    case 'fullscreen':
      void (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen()).catch(ignore);
      break;
  }
}

function skip(video: HTMLVideoElement, seconds: number): void {
  const end = Number.isFinite(video.duration) ? video.duration : Number.MAX_VALUE;
  video.currentTime = Math.min(end, Math.max(0, video.currentTime + seconds));
}

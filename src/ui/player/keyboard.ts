/**
 * Keys of the player. Space and the arrows serve wherever nothing else wants them; letters only while the picture has the
 * focus, so that speech input and screen readers are not disturbed (WCAG 2.1.4). Pure.
 */
export type KeyAction = 'toggle' | 'back' | 'forward' | 'mute' | 'fullscreen';

export const SKIP_SECONDS = 5;

interface Pressed {
  readonly key: string;
  readonly hasModifier: boolean;
  /** What has the focus: the picture, nothing that takes keys, or something that does. */
  readonly focus: 'picture' | 'nothing' | 'other';
}

export function findKeyAction({ key, hasModifier, focus }: Pressed): KeyAction | undefined {
  if (hasModifier || focus === 'other') return undefined;
  if (focus === 'picture') {
    // The browser's own controls know space and the arrows.
    return key === 'm' ? 'mute' : key === 'f' ? 'fullscreen' : undefined;
  }
  return key === ' ' ? 'toggle' : key === 'ArrowLeft' ? 'back' : key === 'ArrowRight' ? 'forward' : undefined;
}

/** Listens until the answer is called. */
export function listenToKeys(video: HTMLVideoElement): () => void {
  const focusOf = (target: EventTarget | null): Pressed['focus'] => {
    if (target === video) return 'picture';
    return target === document.body || (target instanceof Element && target.matches('main'))
      ? 'nothing'
      : 'other';
  };
  const onKey = (event: KeyboardEvent): void => {
    const action = findKeyAction({
      key: event.key.length === 1 ? event.key.toLowerCase() : event.key,
      hasModifier: event.ctrlKey || event.altKey || event.metaKey || event.shiftKey,
      focus: focusOf(event.target),
    });
    if (event.defaultPrevented || action === undefined) return;
    event.preventDefault();
    act(video, action);
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function act(video: HTMLVideoElement, action: KeyAction): void {
  switch (action) {
    case 'toggle':
      if (video.paused) void video.play().catch(() => {});
      else video.pause();
      break;
    case 'back':
      video.currentTime -= SKIP_SECONDS;
      break;
    case 'forward':
      video.currentTime += SKIP_SECONDS;
      break;
    case 'mute':
      video.muted = !video.muted;
      break;
    case 'fullscreen':
      void (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen()).catch(
        () => {},
      );
      break;
  }
}

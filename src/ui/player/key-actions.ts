/**
 * What a key does in the player. Space and the arrow keys work while nothing else has the focus. Letters work only while the
 * video has the focus, so that they do not disturb speech input and screen readers (WCAG 2.1.4). Pure.
 */
export type KeyAction = 'toggle' | 'back' | 'forward' | 'mute' | 'fullscreen';

export interface KeyPress {
  readonly key: string;
  readonly hasModifier: boolean;
  /** `nothing`: no element that uses keys itself. */
  readonly focus: 'video' | 'nothing' | 'other';
}

export function chooseKeyAction({ key, hasModifier, focus }: KeyPress): KeyAction | undefined {
  if (hasModifier || focus === 'other') return undefined;
  if (focus === 'video') {
    // The browser's own controls handle space and the arrow keys.
    return key === 'm' ? 'mute' : key === 'f' ? 'fullscreen' : undefined;
  }
  return key === ' ' ? 'toggle' : key === 'ArrowLeft' ? 'back' : key === 'ArrowRight' ? 'forward' : undefined;
}

/**
 * What a key does in the player. The arrow keys move by the same time wherever the focus is. Letters work only while the video has the
 * focus, so that they do not disturb speech input and screen readers (WCAG 2.1.4). Pure.
 */
export type KeyAction = 'toggle' | 'back' | 'forward' | 'mute' | 'fullscreen';

export interface KeyPress {
  readonly key: string;
  readonly hasModifier: boolean;
  /** `nothing`: no element that uses keys itself. */
  readonly focus: 'video' | 'seek-bar' | 'nothing' | 'other';
}

const ACTIONS: Readonly<Record<string, KeyAction>> = {
  ' ': 'toggle',
  ArrowLeft: 'back',
  ArrowRight: 'forward',
  m: 'mute',
  f: 'fullscreen',
};
/** As on every slider (WAI-ARIA, pattern "slider"). */
const SLIDER_ACTIONS: Readonly<Record<string, KeyAction>> = { ArrowDown: 'back', ArrowUp: 'forward' };

export function chooseKeyAction({ key, hasModifier, focus }: KeyPress): KeyAction | undefined {
  if (hasModifier || focus === 'other') return undefined;
  const action = ACTIONS[key];
  if (focus === 'video') return action;
  if (focus === 'seek-bar' && SLIDER_ACTIONS[key]) return SLIDER_ACTIONS[key];
  return action === 'mute' || action === 'fullscreen' ? undefined : action;
}

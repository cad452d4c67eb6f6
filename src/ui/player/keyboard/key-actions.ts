/**
 * What a key does in the player. The arrow keys move by the same time wherever the focus is. Letters work only while the player has the
 * focus, so that they do not disturb speech input and screen readers (WCAG 2.1.4). Pure.
 */
export type KeyAction =
  | { readonly do: 'toggle' | 'mute' | 'fullscreen' | 'captions' | 'picture-in-picture' | 'help' | 'next' }
  /** Relative, in seconds. */
  | { readonly do: 'skip'; readonly seconds: number }
  | { readonly do: 'frame'; readonly frames: number }
  | { readonly do: 'volume'; readonly by: number }
  | { readonly do: 'speed'; readonly by: number }
  /** A fraction of the duration. */
  | { readonly do: 'seek'; readonly to: number };

export interface KeyPress {
  readonly key: string;
  readonly hasModifier: boolean;
  /**
   * `video`: the video itself; `control`: a button of the player; `volume`: its volume slider; `nothing`: no element that uses keys
   * itself; `other`: an element that does, an open menu of the player among them.
   */
  readonly focus: 'video' | 'seek-bar' | 'control' | 'volume' | 'nothing' | 'other';
}

const SKIP_S = 5;
const LONG_SKIP_S = 10;
const VOLUME_STEP = 0.05;
const SPEED_STEP = 0.25;

const back = { do: 'skip', seconds: -SKIP_S } as const;
const forward = { do: 'skip', seconds: SKIP_S } as const;

/** Wherever the focus is, except on elements that use the keys themselves. */
const PAGE_KEYS: Readonly<Record<string, KeyAction>> = {
  ' ': { do: 'toggle' },
  ArrowLeft: back,
  ArrowRight: forward,
};
/** While any part of the player has the focus. */
const PLAYER_KEYS: Readonly<Record<string, KeyAction>> = {
  ArrowLeft: back,
  ArrowRight: forward,
  k: { do: 'toggle' },
  j: { do: 'skip', seconds: -LONG_SKIP_S },
  l: { do: 'skip', seconds: LONG_SKIP_S },
  m: { do: 'mute' },
  f: { do: 'fullscreen' },
  c: { do: 'captions' },
  p: { do: 'picture-in-picture' },
  n: { do: 'next' },
  ',': { do: 'frame', frames: -1 },
  '.': { do: 'frame', frames: 1 },
  '<': { do: 'speed', by: -SPEED_STEP },
  '>': { do: 'speed', by: SPEED_STEP },
  '?': { do: 'help' },
  Home: { do: 'seek', to: 0 },
  End: { do: 'seek', to: 1 },
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, digit) => [String(digit), { do: 'seek', to: digit / 10 } as const]),
  ),
};
/** While the video itself has the focus. */
const VIDEO_KEYS: Readonly<Record<string, KeyAction>> = {
  ' ': { do: 'toggle' },
  ArrowUp: { do: 'volume', by: VOLUME_STEP },
  ArrowDown: { do: 'volume', by: -VOLUME_STEP },
};
/** As on every slider (WAI-ARIA, pattern "slider"). */
const SLIDER_KEYS: Readonly<Record<string, KeyAction>> = {
  ArrowDown: back,
  ArrowUp: forward,
  ' ': { do: 'toggle' },
};
/** These keys move the volume slider itself. */
const OF_VOLUME = new Set(['ArrowLeft', 'ArrowRight', 'Home', 'End']);

export function chooseKeyAction({ key, hasModifier, focus }: KeyPress): KeyAction | undefined {
  if (hasModifier) return undefined;
  switch (focus) {
    case 'video':
      return VIDEO_KEYS[key] ?? PLAYER_KEYS[key];
    case 'seek-bar':
      return SLIDER_KEYS[key] ?? PLAYER_KEYS[key];
    case 'control':
      return PLAYER_KEYS[key];
    case 'volume':
      return OF_VOLUME.has(key) ? undefined : PLAYER_KEYS[key];
    case 'nothing':
      return PAGE_KEYS[key];
    case 'other':
      return undefined;
  }
}

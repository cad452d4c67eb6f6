import { describe, expect, it } from 'vitest';
import { chooseKeyAction, type KeyPress } from './key-actions.ts';

const press = (key: string, focus: KeyPress['focus'], hasModifier = false) =>
  chooseKeyAction({ key, focus, hasModifier });

describe('keys of the player', () => {
  it('space and the arrow keys work while nothing has the focus', () => {
    expect(['ArrowLeft', ' ', 'ArrowRight', 'ArrowUp'].map(key => press(key, 'nothing'))).toEqual([
      'back',
      'toggle',
      'forward',
      undefined,
    ]);
  });
  it('letters work only on the video', () => {
    expect(['f', 'm'].map(key => press(key, 'video'))).toEqual(['fullscreen', 'mute']);
    expect(['f', 'm'].map(key => press(key, 'nothing'))).toEqual([undefined, undefined]);
    expect(['f', 'm'].map(key => press(key, 'seek-bar'))).toEqual([undefined, undefined]);
  });
  it('the arrow keys do the same wherever the focus is', () => {
    for (const focus of ['video', 'seek-bar', 'nothing'] as const) {
      expect([' ', 'ArrowLeft', 'ArrowRight'].map(key => press(key, focus))).toEqual([
        'toggle',
        'back',
        'forward',
      ]);
    }
    expect(['ArrowUp', 'ArrowDown'].map(key => press(key, 'seek-bar'))).toEqual(['forward', 'back']);
    // On the video they change the volume, which the browser's own controls do.
    expect(['ArrowUp', 'ArrowDown'].map(key => press(key, 'video'))).toEqual([undefined, undefined]);
  });
  it('nothing is taken from a field, a button, or a shortcut of the browser', () => {
    expect([press(' ', 'other'), press('f', 'other'), press('f', 'video', true)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
